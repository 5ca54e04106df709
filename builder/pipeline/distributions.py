"""The files pip downloaded, taken out of their archive and verified one by one; and the wheel that a stage built."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.utils import parse_wheel_filename

from builder.errors import BuildError
from builder.files import digest
from builder.inputs.tarball import Tarball, Unreadable
from builder.stages.lock import Distribution, distribution

_MOST_BYTES = 1 << 40  # of what pip downloaded: its sizes are the index's


def unpacked(archive: Path, wanted: Iterable[Distribution], parts: Path) -> Iterator[tuple[Distribution, Path]]:
    """Write each wanted file into `parts`; BuildError for one that is missing, or not what the lock says."""
    try:
        yield from _members(archive, wanted, parts)
    except Unreadable as problem:
        raise BuildError(f"{archive.name} of the download step can't be read: {problem}") from None


def wheel_of(archive: Path, name: str, parts: Path) -> tuple[Distribution, Path]:
    """Write the one wheel of an archive into `parts`; BuildError for an archive that has something else."""
    try:
        with Tarball(archive, most_bytes=_MOST_BYTES) as content:
            (member,) = (one for one in content if one.type == tarfile.REGTYPE)
            file = member.name.rpartition("/")[2]
            found, version, *_ = parse_wheel_filename(file)
            if found != name:
                raise ValueError(f"it is called {found}")
            part = parts / f"{archive.name[:16]}-{file}"
            with part.open("wb") as whole:
                content.copy(member, whole)
        return distribution(name, str(version), file, digest(part)), part
    except (Unreadable, ValueError) as problem:
        raise BuildError(
            f"the build of {name} made no wheel of that name: {problem}", "its log has what it made"
        ) from None


def _members(archive: Path, wanted: Iterable[Distribution], parts: Path) -> Iterator[tuple[Distribution, Path]]:
    with Tarball(archive, most_bytes=_MOST_BYTES) as content:
        there = {member.name.rpartition("/")[2]: member for member in content if member.type == tarfile.REGTYPE}
        for one in wanted:
            part = parts / one.sha256
            if one.file in there:
                with part.open("wb") as file:
                    content.copy(there[one.file], file)
            if one.file not in there or digest(part) != one.sha256:
                raise BuildError(
                    f"{one.file} was not downloaded with sha256 {one.sha256}",
                    "somebody replaced a released file or altered it on the way: find out before you take it",
                )
            yield one, part
