"""What Debian adds to upstream's tarball, read within bounds: its patches, and the key that upstream signs with."""

from __future__ import annotations

import re

from builder.errors import BuildError
from builder.inputs.pins import Source
from builder.inputs.tarball import Tarball, Unreadable
from builder.sources.shelf import SourceShelf

PATCHES = "debian/patches/"
KEY = "debian/upstream/signing-key.asc"  # https://manpages.debian.org/uscan, "PGP signature"

_LARGEST, _MOST = 64 << 20, 1000  # bytes of all that is read, and how many files that may be
_WANTED = re.compile(rf"{PATCHES}[A-Za-z0-9][A-Za-z0-9._+-]{{0,150}}|{re.escape(KEY)}", re.ASCII)


def read(shelf: SourceShelf, changes: Source) -> dict[str, bytes]:
    """The patches with their series, and upstream's key, by their paths.

    Raises BuildError for a file that has the right digest, and is none of Debian's.
    """
    path = shelf.fetch(changes)
    content: dict[str, bytes] = {}
    size = 0
    try:
        with Tarball(path) as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if not (member.isreg() and _WANTED.fullmatch(name)):
                    continue
                size += member.size  # read in its header, before its content is
                if len(content) >= _MOST or size > _LARGEST:
                    raise BuildError(f"{changes.file} has more patches, or larger ones, than any", "bump it by hand")
                content[name] = archive.read(member)
    except Unreadable as problem:
        raise BuildError(f"{changes.file} can't be read: {problem}", "set DEBIAN_MIRROR") from None
    return content
