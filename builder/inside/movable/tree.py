"""Links, commands and virtual environments of a tree, made to find it from where they are themselves.

`known` is the folder that they know the tree by: the one it is in, or another that it was in before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from builder.inside.movable import launchers, venvs, writing


def relink(root: Path, known: Path) -> Iterator[Path]:
    """Have every link into the tree lead there from its own place; yields what was changed."""
    for path in root.rglob("*"):
        if path.is_symlink() and known in (target := Path(os.readlink(path))).parents:
            writing.relink(path, os.path.relpath(root / target.relative_to(known), path.parent))
            yield path


def rewrite(root: Path, known: Path) -> Iterator[Path]:
    """Change environments, then commands; yields what was changed."""
    for path, text in venvs.rewritten(root, known):
        if path.read_text() != text:
            writing.change(path, text)
            yield path
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                script = stream.read() if stream.read(2) == b"#!" and not stream.seek(0) else b""
            changed = launchers.movable(script, path, root, known)
            if changed != script:
                writing.change(path, changed)
                yield path
