"""The files of a stage, ready to be put into a workplace: what is downloaded is brought here first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from builder.engines.base import Item
from builder.pins import Sysroot
from builder.sources import Source, SourceShelf
from builder.stages.step import Stage
from builder.sysroot import pack


def materials(stage: Stage, sources: SourceShelf, cache_folder: Path) -> Iterator[Item]:
    """Every file of a stage, with its content or the path that has it."""
    for file in stage.files:
        content: bytes | Path
        if isinstance(file.content, Source):
            content = sources.fetch(file.content)
        elif isinstance(file.content, Sysroot):
            content = _sysroot(file.content, sources, cache_folder / "sysroots")
        else:
            content = file.content
        yield Item(file.name, content, file.executable)


def _sysroot(sysroot: Sysroot, sources: SourceShelf, folder: Path) -> Path:
    """A sysroot's archive, packed from its packages the first time."""
    archive = folder / f"{sysroot.suite}-{sysroot.arch.value}-{sysroot.sha256[:16]}.tar"
    if not archive.is_file():
        pack(map(sources.fetch, sysroot.packages), archive)
    return archive
