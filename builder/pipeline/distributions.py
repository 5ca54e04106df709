"""The files pip downloaded, taken out of their archive and verified one by one; and the wheel that a stage built."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.utils import parse_wheel_filename

from builder.errors import BuildError
from builder.files import digest
from builder.stages.lock import Distribution, distribution


def unpacked(archive: Path, wanted: Iterable[Distribution], parts: Path) -> Iterator[tuple[Distribution, Path]]:
    """Write each wanted file into `parts`; BuildError for one that is missing, or not what the lock says."""
    try:
        yield from _members(archive, wanted, parts)
    except (tarfile.TarError, EOFError, ValueError, RecursionError) as problem:
        raise BuildError(f"{archive.name} of the download step can't be read: {type(problem).__name__}") from None


def wheel_of(archive: Path, name: str, parts: Path) -> tuple[Distribution, Path]:
    """Write the one wheel of an archive into `parts`; BuildError for an archive that has something else."""
    try:
        with tarfile.open(archive) as content:
            (member,) = (one for one in content if one.type == tarfile.REGTYPE)
            file = member.name.rpartition("/")[2]
            found, version, *_ = parse_wheel_filename(file)
            if found != name:
                raise ValueError(f"it is called {found}")
            source = content.extractfile(member)
            assert source
            part = parts / f"{archive.name[:16]}-{file}"
            with part.open("wb") as whole:
                shutil.copyfileobj(source, whole)
        return distribution(name, str(version), file, digest(part)), part
    except (tarfile.TarError, EOFError, ValueError, RecursionError) as problem:
        raise BuildError(
            f"the build of {name} made no wheel of that name: {problem}", "its log has what it made"
        ) from None


def _members(archive: Path, wanted: Iterable[Distribution], parts: Path) -> Iterator[tuple[Distribution, Path]]:
    with tarfile.open(archive) as content:
        there = {member.name.rpartition("/")[2]: member for member in content if member.type == tarfile.REGTYPE}
        for one in wanted:
            part = parts / one.sha256
            source = content.extractfile(there[one.file]) if one.file in there else None
            if source:
                with part.open("wb") as file:
                    shutil.copyfileobj(source, file)
            if not source or digest(part) != one.sha256:
                raise BuildError(
                    f"{one.file} was not downloaded with sha256 {one.sha256}",
                    "somebody replaced a released file or altered it on the way: find out before you take it",
                )
            yield one, part
