"""Security fixes that Debian has for the very version of a library that is pinned: patches, with their origin."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from builder.errors import BuildError
from builder.inputs.pins import Source
from builder.sources.releases import Release
from builder.sources.shelf import Missing, SourceShelf

PREFIX = "debian-"  # of the file names: what a later bump may take away again

_PATCHES = "debian/patches/"
_LARGEST, _MOST = 4 << 20, 1000  # bytes of a patch, and how many there may be
_CVE = re.compile(r"CVE-\d{4}-\d{4,7}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,150}", re.ASCII)


@dataclass(frozen=True)
class Fix:
    """A patch for `recipes/libraries`: its file name, what it begins with, the flaws it names."""

    name: str
    text: bytes
    cves: tuple[str, ...]


@dataclass(frozen=True)
class Fixes:
    """The security fixes of one of Debian's revisions; `passed` says why newer ones are not looked into."""

    source: Source
    revision: str
    fixes: tuple[Fix, ...]
    passed: tuple[str, ...]


def fixes_of(source: Source, revisions: Iterable[Release], shelf: SourceShelf) -> Fixes:
    """The fixes of the newest of Debian's revisions that can be had. `revisions` come newest first.

    Raises BuildError for a file that has the right digest, and is none of Debian's.
    """
    passed: list[str] = []
    for release in revisions:
        try:
            return Fixes(source, release.revision, tuple(_fixes(source, release, shelf)), tuple(passed))
        except Missing as problem:
            passed.append(f"{release.revision}: {problem.message.splitlines()[0]}")
    return Fixes(source, "", (), tuple(passed))


def _fixes(source: Source, release: Release, shelf: SourceShelf) -> Iterator[Fix]:
    """What Debian's series has from the first patch that names a CVE to the last one that does, in its order.

    What stands between belongs to them: a fix in several patches names its CVE in one.
    """
    file = release.changes.rpartition("/")[2]
    changes = Source(source.name, release.revision, file, release.changes_sha256, (f"debian:{release.changes}",))
    series, patches = _read(shelf, changes)
    named = [place for place, name in enumerate(series) if _cves(name, patches[name])]
    chosen = series[named[0] : named[-1] + 1] if named else []
    for number, name in enumerate(chosen, 1):
        cves = _cves(name, patches[name])
        stem = re.sub(r"\.(patch|diff)$", "", name)
        fixed = f"Fixes: {', '.join(cves)}\n" if cves else ""
        head = f"Origin: Debian {release.revision}, {_PATCHES}{name}\n{fixed}\n"
        yield Fix(f"{PREFIX}{number:02}-{stem}.patch", head.encode() + patches[name], cves)


def _read(shelf: SourceShelf, changes: Source) -> tuple[list[str], dict[str, bytes]]:
    """The names in Debian's series, and every patch by its name."""
    path = shelf.fetch(changes)
    content: dict[str, bytes] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = member.name.removeprefix("./").removeprefix(_PATCHES)
                if not (member.isreg() and _PATCHES in member.name and _NAME.fullmatch(name)):
                    continue
                file = archive.extractfile(member)
                if len(content) >= _MOST or member.size > _LARGEST or file is None:
                    raise BuildError(f"{changes.file} has more patches, or larger ones, than any", "bump it by hand")
                content[name] = file.read()
    except (tarfile.TarError, EOFError, OSError) as problem:
        raise BuildError(f"{changes.file} can't be read: {type(problem).__name__}", "set DEBIAN_MIRROR") from None
    lines = content.get("series", b"").decode(errors="replace").splitlines()
    series = [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
    return [name for name in series if name in content], content


def _cves(name: str, patch: bytes) -> tuple[str, ...]:
    """The flaws that a patch names: in its file name, or before its first change."""
    head = re.split(rb"^(?:--- |diff |Index: )", patch, maxsplit=1, flags=re.MULTILINE)[0]
    return tuple(dict.fromkeys(_CVE.findall(name) + _CVE.findall(head.decode(errors="replace"))))
