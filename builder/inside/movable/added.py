"""What was added to a tree after it was packed, and names the folder the tree was in then: found, and made movable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from builder.inside.movable import launchers, records, tree, venvs, writing


def former(root: Path) -> list[Path]:
    """The folders that commands and environments know the tree by, and that it is not in: it was, when they were made.

    Each is gone, or has another runtime now. A system's Python is in neither.
    """
    known = {python.parent.parent for python in _interpreters(root) if (root / "bin" / python.name).exists()}
    return sorted(one for one in known if one != root and (not (one / "bin").exists() or _is_runtime(one)))


def repair(root: Path) -> list[Path]:
    """Have all that was added find the tree, wherever it knows it; returns what was changed."""
    changed: set[Path] = set()
    for known in (root, *former(root)):
        changed |= {*tree.relink(root, known), *tree.rewrite(root, known)}
    for record, lines in records.rewritten(root, changed):
        writing.change(record, lines)
    return sorted(changed)


def _interpreters(root: Path) -> Iterator[Path]:
    """The interpreters of a tree that its commands and environments name."""
    for config in root.rglob("pyvenv.cfg"):
        if home := venvs.home(config.read_text()):
            yield home / "python3"
    for path in sorted((root / "bin").iterdir()):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                if python := launchers.interpreter(stream.read(launchers.LONGEST)):
                    yield python


def _is_runtime(folder: Path) -> bool:
    return (folder / "manifest.json").is_file() and (folder / "bin" / "python3").exists()
