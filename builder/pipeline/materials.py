"""The files of a stage, ready to be put into a workplace: what is downloaded is brought here first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from builder.engines.base import Item
from builder.inputs.pins import Source, Sysroot
from builder.sources.shelf import SourceShelf
from builder.sources.sysroot import pack
from builder.stages.stage import Stage


def materials(stage: Stage, sources: SourceShelf) -> Iterator[Item]:
    """Every file of a stage, with its content or the path that has it."""
    for file in stage.files:
        content: bytes | Path
        if isinstance(file.content, Source):
            content = sources.fetch(file.content)
        elif isinstance(file.content, Sysroot):
            content = pack(map(sources.fetch, file.content.packages))
        else:
            content = file.content
        yield Item(file.name, content, file.executable)
