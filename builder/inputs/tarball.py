"""Tar archives that others made, read within bounds: of members, of bytes unpacked, and of what a header may be.

Whatever is wrong with one, there is one failure. What is to be unpacked is checked more strictly: `cache/archive.py`.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

MOST_MEMBERS, MOST_BYTES = 100_000, 4 << 30  # unpacked
_LARGEST_HEADER = 1 << 20  # bytes of a long name, or of what pax says of a file
_LONGEST_NAME = 4096  # characters
_CHUNK = 1 << 20
_KINDS_WITH_TEXT = (
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
)  # fmt: skip

T = TypeVar("T")


class Unreadable(Exception):
    """Why an archive is not read on."""


class _Member(tarfile.TarInfo):
    """A member whose kind is looked at before tarfile reads what belongs to it, which may have no end."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _KINDS_WITH_TEXT and self.size > _LARGEST_HEADER:
            raise Unreadable("a header of impossible length")
        if self.type == tarfile.GNUTYPE_SPARSE:
            self._refuse_holes()
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]  # tarfile's own hook for kinds

    def _refuse_holes(self, *of: object) -> None:
        raise Unreadable("a file with holes, whose list has no bound")

    _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse_holes  # tarfile's own hooks for pax


class Tarball:
    """An archive, packed in whatever way tarfile knows; Unreadable for anything else, and for one without bounds."""

    def __init__(self, place: Path | BinaryIO, *, most_bytes: int = MOST_BYTES) -> None:
        self._file = place.open("rb") if isinstance(place, Path) else place
        self._most_bytes = most_bytes
        try:
            self._archive = _read(lambda: tarfile.open(fileobj=self._file, tarinfo=_Member))  # noqa: SIM115
        except Unreadable:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(Exception):
            self._archive.close()
        self._file.close()

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        """Each member, before any of its content is read."""
        yield from within_bounds(self._archive, self._most_bytes)

    def copy(self, member: tarfile.TarInfo, target: BinaryIO) -> None:
        """Write what is in a file."""
        copy(self._archive, member, target)

    def read(self, member: tarfile.TarInfo) -> bytes:
        """All that is in a file."""
        return content_of(self._archive, member)


def copy(archive: tarfile.TarFile, member: tarfile.TarInfo, target: BinaryIO) -> None:
    """Write what is in a file of an archive that somebody else opened; Unreadable where it can't be read on."""
    source = archive.extractfile(member)
    assert source, "a regular file"
    while content := _read(lambda: source.read(_CHUNK)):
        target.write(content)


def content_of(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """All that is in such a file."""
    content = io.BytesIO()
    copy(archive, member, content)
    return content.getvalue()


def within_bounds(archive: tarfile.TarFile, most_bytes: int = MOST_BYTES) -> Iterator[tarfile.TarInfo]:
    """The members of an archive; Unreadable where there are more, or more bytes, than there may be."""
    for _ in range(MOST_MEMBERS):
        member = _read(archive.next)
        if member is None:
            return
        if member.offset_data + member.size > most_bytes:  # said in its header: its content is not unpacked yet
            raise Unreadable("it unpacks to more than is read")
        if len(member.name) > _LONGEST_NAME:
            raise Unreadable("a name that no file has")
        yield member
    raise Unreadable("it has more members than are read")


def _read(step: Callable[[], T]) -> T:
    try:
        return step()
    except Unreadable:
        raise
    except Exception as problem:  # tarfile, gzip and lzma raise whatever they like, RecursionError too
        raise Unreadable(type(problem).__name__) from None
