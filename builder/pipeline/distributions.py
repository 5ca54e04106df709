"""The files pip downloaded, taken out of their archive and verified one by one."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from builder.errors import BuildError
from builder.files import digest
from builder.stages.lock import Distribution


def unpacked(archive: Path, wanted: Iterable[Distribution], parts: Path) -> Iterator[tuple[Distribution, Path]]:
    """Write each wanted file into `parts`; BuildError for one that is missing, or not what the lock says."""
    try:
        yield from _members(archive, wanted, parts)
    except (tarfile.TarError, EOFError, ValueError, RecursionError) as problem:
        raise BuildError(f"{archive.name} of the download step can't be read: {type(problem).__name__}") from None


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
