"""Upstream's own signature of a tarball, which Debian keeps next to some: by whose key it is."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from builder import command
from builder.errors import BuildError
from builder.files import read
from builder.inputs.pins import Source
from builder.sources import gpgv, packaging
from builder.sources.releases import Release
from builder.sources.shelf import Missing, SourceShelf

_LARGEST = 64 << 10  # bytes of a signature, which has less than a thousand
# The key, the time, the digest algorithm (SHA-256, -384, -512 or -224: none that can be forged), the class (of a file's
# very bytes), and the key that the first one belongs to.
_VALID = re.compile(r"VALIDSIG [0-9A-F]{40} \S+ (?P<time>\d+) \d+ \d+ \d+ \d+ (8|9|10|11) 00 (?P<key>[0-9A-F]{40})")
_NOT_GOOD = {"BADSIG", "ERRSIG", "EXPSIG", "REVKEYSIG"}


class Unsigned(BuildError):
    """There is no signature that can be checked."""


def signing_key(source: Source, release: Release, shelf: SourceShelf) -> str:
    """The fingerprint of the key that signed a source's file, which is upstream's according to Debian's package.

    Raises Unsigned where no signature can be checked, BuildError where one is not good.
    """
    if not release.signature.path:
        raise Unsigned("Debian has no signature of upstream")
    if not gpgv.is_there() or shutil.which("gpg") is None:
        raise Unsigned("this machine can't check its signature", "apt-get install gpg gpgv")
    try:
        signature = shelf.fetch(release.signature.source(source.name, release.revision))
        changes = packaging.read(shelf, release.changes.source(source.name, release.revision))
    except Missing as problem:
        raise Unsigned(f"its signature can't be checked: {problem.summary}") from None
    if packaging.KEY not in changes:
        raise Unsigned("Debian has its signature, but not upstream's key")
    try:
        read(signature, _LARGEST)
    except OSError as problem:
        raise BuildError(
            f"{signature.name} {problem.strerror}", "no signature is as large: look at what Debian has there"
        ) from None
    return _checked(changes[packaging.KEY], signature, shelf.fetch(source))


def endorsed(source: Source, releases: Iterable[Release], shelf: SourceShelf) -> Source:
    """A source with the key that signed it, if any of Debian's revisions of it has a signature that can be checked.

    Raises BuildError where one is not good: what is pinned is not what upstream made.
    """
    for release in releases:
        if release.file.sha256 == source.sha256:
            try:
                return replace(source, signed_by=signing_key(source, release, shelf))
            except Unsigned:
                continue
    return source


def _checked(key: bytes, signature: Path, file: Path) -> str:
    """The fingerprint of the one key that signed a file; BuildError unless the signature is good."""
    with tempfile.TemporaryDirectory() as folder:
        armoured, keyring = Path(folder, "key.asc"), Path(folder, "key.gpg")
        armoured.write_bytes(key)
        # gpgv reads no armour.
        dearmour = (f"--homedir={folder}", f"--output={keyring}", "--dearmor", str(armoured))
        command.stream(("gpg", "--batch", "--no-options", *dearmour), lambda line: None)
        said = gpgv.status(keyring, str(signature), str(file))
    words = [line.split()[0] for line in said if line.strip()]
    valid = [found for found in map(_VALID.fullmatch, said) if found]
    if unknown := [line.split()[1] for line in said if re.fullmatch("NO_PUBKEY [0-9A-F]+", line)]:
        raise Unsigned(f"it is signed by the key {unknown[0]}, which Debian's package does not have")
    if words.count("NEWSIG") != 1 or len(valid) != 1 or not _NOT_GOOD.isdisjoint(words):
        raise BuildError(
            f"{signature.name} is no good signature of {file.name}", "find out why before you build from it"
        )
    if "GOODSIG" not in words and not _in_time(said, int(valid[0]["time"])):
        raise BuildError(f"{signature.name} was made with a key that had expired", "see whether upstream has another")
    return valid[0]["key"]


def _in_time(said: Iterable[str], signed: int) -> bool:
    """Whether a key that has expired since had not when it signed: the date says until when it makes signatures."""
    ends = [int(found[1]) for line in said if (found := re.fullmatch(r"KEYEXPIRED (\d+)", line))]
    return bool(ends) and signed <= min(ends)
