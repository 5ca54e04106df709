"""What an archive from elsewhere may hold before anything unpacks it: a plain tree that stays in its folder."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path, PurePosixPath

_MOST_MEMBERS = 200_000
_MOST_BYTES = 4 * 1024**3  # unpacked
_LARGEST_READ = 1024 * 1024  # bytes at once: no header of ours is longer


class Unsafe(Exception):
    """An archive that must not be unpacked; its text says why."""


class _Bounded(gzip.GzipFile):
    """A stream that refuses to hand out more at once than any honest header needs, or more than there may be."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _LARGEST_READ:
            raise Unsafe("a header of impossible length")
        return super().read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if offset > 2 * _MOST_BYTES:
            raise Unsafe("it unpacks to more than any result of ours")
        return super().seek(offset, whence)


def check(path: Path) -> None:
    """Read every header of a .tgz; raises Unsafe for the first that no result of ours would have."""
    names: set[PurePosixPath] = set()
    links: set[PurePosixPath] = set()
    hard: set[PurePosixPath] = set()
    size = 0
    try:
        with _Bounded(path) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                _check_member(member, name)
                if name in names:
                    raise Unsafe(f"{member.name!r} is there twice")
                names.add(name)
                if member.issym():
                    links.add(name)
                if member.islnk():
                    hard.add(PurePosixPath(member.linkname))
                size += member.size
                if size > _MOST_BYTES or len(names) > _MOST_MEMBERS:
                    raise Unsafe("it unpacks to more than any result of ours")
    except (tarfile.TarError, EOFError, OSError, ValueError) as problem:
        raise Unsafe(f"it can't be read: {problem}") from None
    # A name below a link is a name elsewhere: only without such names does a count of `..` tell where a link leads.
    for name in names | hard:
        below = links.intersection(name.parents)
        if below:
            raise Unsafe(f"{str(name)!r} lies below the link {str(below.pop())!r}")


def _check_member(member: tarfile.TarInfo, name: PurePosixPath) -> None:
    shown = repr(member.name)[:100]
    if not member.name.isprintable():
        raise Unsafe(f"{shown} has a name no file of ours has")
    if name.is_absolute() or ".." in name.parts:
        raise Unsafe(f"{shown} lies outside")
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise Unsafe(f"{shown} is a device or a pipe")
    if member.mode & 0o7000:
        raise Unsafe(f"{shown} is setuid, setgid or sticky")
    target = PurePosixPath(member.linkname)
    ups = next((count for count, part in enumerate(target.parts) if part != ".."), len(target.parts))
    depth = len(name.parent.parts) if member.issym() else 0
    if (member.issym() or member.islnk()) and (target.is_absolute() or ups > depth or ".." in target.parts[ups:]):
        raise Unsafe(f"{shown} links to the outside: {member.linkname[:100]!r}")
