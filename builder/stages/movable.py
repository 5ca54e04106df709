"""The step that has a tree find itself in any folder; what is compiled then finds the libpython that there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from builder.stages.programs import MOVABLE, as_package
from builder.stages.stage import File, Step


def movable_files() -> Iterator[File]:
    """Its programs."""
    return as_package(*MOVABLE)


def make_movable(name: str, prt_root: PurePosixPath, env: Mapping[str, str]) -> Step:
    """The step, run by the tree's own interpreter. `env` says where its bytecode goes."""
    return Step(name, (f"{prt_root}/bin/python", "-m", "builder.inside.movable", str(prt_root)), env)
