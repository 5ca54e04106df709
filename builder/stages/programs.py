"""The programs of `builder/inside/`, as files of a stage or of a proof."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from builder.stages.stage import File

_BUILDER = Path(__file__).parents[1]
# The programs that make a tree movable.
MOVABLE = tuple(sorted(f"movable/{path.name}" for path in (_BUILDER / "inside" / "movable").glob("*.py")))


def program_file(name: str) -> File:
    """A program that needs the standard library only, under its own name: to be run by its path."""
    return File(name, (_BUILDER / "inside" / name).read_bytes())


def as_package(*names: str) -> Iterator[File]:
    """Programs that share code and read ELF files, in their package: to be run with `-m` from WORK.

    Names are those below `inside/`. pyelftools, of this environment, comes with them.
    """
    for name in ("__init__.py", "inside/__init__.py", "inside/linkage.py", *(f"inside/{name}" for name in names)):
        yield File(f"builder/{name}", (_BUILDER / name).read_bytes())
    library = Path(str(files("elftools")))
    for path in sorted(library.rglob("*.py")):
        yield File(f"elftools/{path.relative_to(library)}", path.read_bytes())
