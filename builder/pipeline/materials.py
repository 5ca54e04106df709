"""The files of a stage, ready to be put into a workplace: what is downloaded is brought here first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from builder.engines.base import Item
from builder.errors import BuildError
from builder.inputs.commit import Commit
from builder.inputs.pins import CPYTHON, Pins, Source, Sysroot
from builder.sources.commits import archive
from builder.sources.shelf import Missing, SourceShelf
from builder.sources.sysroot import pack
from builder.stages.stage import Content, Stage


def materials_of(stage: Stage, sources: SourceShelf, pins: Pins) -> Iterator[Item]:
    """Every file of a stage, with its content or the path that has it.

    Raises BuildError for a source that can't be had; for CPython's it names the pinned versions that can.
    """
    return (Item(file.name, brought(file.content, sources, pins), file.executable) for file in stage.files)


def brought(content: Content, sources: SourceShelf, pins: Pins) -> bytes | Path:
    """The content of a file of a stage, or the path that has it."""
    if isinstance(content, Source):
        return _fetched(content, sources, pins)
    if isinstance(content, Sysroot):
        return pack(map(sources.fetch, content.packages), map(sources.fetch, content.headers))
    if isinstance(content, Commit):
        return archive(content, sources)
    return content


def _fetched(source: Source, sources: SourceShelf, pins: Pins) -> Path:
    try:
        return sources.fetch(source)
    except Missing as problem:
        if source.name != CPYTHON:
            raise
        others = [one for one in pins.pythons.values() if one.version != source.version and sources.offered(one)]
        found = f"; to be had: PYTHON_VERSION={', '.join(one.version for one in others)}" if others else ""
        raise BuildError(problem.message, f"{problem.hint}{found}") from None
