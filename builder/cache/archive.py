"""What an archive from elsewhere may hold before anything unpacks it: a plain tree that stays in its folder.

It must be, byte for byte, what our own `pack` writes of the members that were checked (see `stages/stage.py`): then
another program cannot read odd headers in another way than this one.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_MOST_MEMBERS = 200_000
_MOST_BYTES = 4 * 1024**3  # unpacked
_LARGEST_READ = 1024 * 1024  # bytes at once: none of our headers is longer
_LONGEST_NAME = 4096  # bytes, as the kernel has it
_DEEPEST = 64  # folders: each is compared with every link
_BLOCK, _RECORD = 512, 10240  # bytes: GNU tar fills its last record with zeros
_PLAIN = (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE)
_LONG = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_LONG_HEADER = b"././@LongLink\0"


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
            raise Unsafe("it unpacks to more than any of our results")
        return super().seek(offset, whence)


class _Member(tarfile.TarInfo):
    """A member whose kind is looked at before tarfile reads what belongs to it, which may have no end."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type not in (*_PLAIN, *_LONG):
            raise Unsafe(f"{self.name[:100]!r} is a device, a pipe, or of a kind that we don't pack")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]  # tarfile's own hook for kinds


def check(path: Path) -> None:
    """Read all of a .tgz but what is in the files; raises Unsafe at the first thing none of our results has."""
    try:
        members = _members(path)
        _compare(path, members)
    except Unsafe:
        raise
    except Exception as problem:  # hostile bytes make tarfile and gzip raise whatever they like, RecursionError too
        raise Unsafe(f"it can't be read: {type(problem).__name__}") from None


def _members(path: Path) -> list[tarfile.TarInfo]:
    """The members, each one checked by itself and all against each other."""
    names: set[PurePosixPath] = set()
    links: set[PurePosixPath] = set()
    hard: set[PurePosixPath] = set()
    files: set[PurePosixPath] = set()
    members, size = [], 0
    with _Bounded(path) as stream, tarfile.open(fileobj=stream, mode="r:", tarinfo=_Member) as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            _check_member(member, name)
            if name in names:
                raise Unsafe(f"{member.name!r} is there twice")
            names.add(name)
            if member.isreg():
                files.add(name)
            members.append(member)
            if member.issym():
                links.add(name)
            if member.islnk():
                target = PurePosixPath(member.linkname)
                if target not in files:
                    raise Unsafe(f"{member.name!r} links to what is not there before it")
                hard.add(target)
            size += member.size
            if size > _MOST_BYTES or len(names) > _MOST_MEMBERS:
                raise Unsafe("it unpacks to more than any of our results")
    # A name below a link is a name elsewhere: only without such names does a count of `..` tell where a link leads.
    for name in names | hard:
        below = links.intersection(name.parents)
        if below:
            raise Unsafe(f"{str(name)!r} lies below the link {str(below.pop())!r}")
    return members


def _check_member(member: tarfile.TarInfo, name: PurePosixPath) -> None:
    shown = repr(member.name[:100])
    if max(len(member.name), len(member.linkname)) > _LONGEST_NAME or len(name.parts) > _DEEPEST:
        raise Unsafe(f"{shown} has a name that none of our files has")
    if not member.name.isprintable() or not ((member.isdir() and member.name == ".") or member.name == f"./{name}"):
        raise Unsafe(f"{shown} has a name that none of our files has")
    if name.is_absolute() or ".." in name.parts:
        raise Unsafe(f"{shown} lies outside")
    if member.mode & 0o7000:
        raise Unsafe(f"{shown} is setuid, setgid or sticky")
    target = PurePosixPath(member.linkname)
    ups = next((count for count, part in enumerate(target.parts) if part != ".."), len(target.parts))
    depth = len(name.parent.parts) if member.issym() else 0
    if (member.issym() or member.islnk()) and (target.is_absolute() or ups > depth or ".." in target.parts[ups:]):
        raise Unsafe(f"{shown} links to the outside: {member.linkname[:100]!r}")


def _compare(path: Path, members: list[tarfile.TarInfo]) -> None:
    """Raise Unsafe unless the stream is what `pack` writes of these members: nothing between, and nothing after."""
    with gzip.open(path) as stream:
        for member in members:
            header = b"".join(_headers(member))
            if stream.read(len(header)) != header:
                raise Unsafe(f"{member.name[:100]!r} has a header that is not as we write headers")
            size = member.size if member.isreg() else 0
            stream.seek(size, io.SEEK_CUR)
            if stream.read(-size % _BLOCK).strip(b"\0"):
                raise Unsafe(f"something follows {member.name[:100]!r}")
        rest = stream.read(2 * _BLOCK + _RECORD + 1)
        if rest.strip(b"\0") or not 2 * _BLOCK <= len(rest) <= 2 * _BLOCK + _RECORD:
            raise Unsafe("something follows its end")


def _headers(member: tarfile.TarInfo) -> Iterator[bytes]:
    """A member's blocks as GNU tar writes them. Python's differ in one: the mode of what holds a long name."""
    blocks = member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    while blocks.startswith(_LONG_HEADER):
        long = tarfile.TarInfo.frombuf(blocks[:_BLOCK], "utf-8", "surrogateescape")
        long.mode = 0o644
        end = _BLOCK + long.size + -long.size % _BLOCK
        yield long.tobuf(tarfile.GNU_FORMAT)
        yield blocks[_BLOCK:end]
        blocks = blocks[end:]
    yield blocks
