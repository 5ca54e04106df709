"""Fail if a tree would break in another folder. Argument: the folder it is in."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from builder.inside.linkage import needs
from builder.inside.movable import launchers


def problems(root: Path) -> Iterator[str]:
    """What names the tree's folder, or any other by its whole path where only a place of its own is of use."""
    here = os.fsencode(root)
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if path.is_symlink():
            if root in Path(os.readlink(path)).parents:
                yield f"{name} is a link to {os.readlink(path)}"
        elif path.suffix == ".pc" and here in path.read_bytes():
            yield f"{name} names {root}"
        elif path.is_file() and launchers.names(_beginning(path), root):
            yield f"the first line of {name} names {root}"
    for path, needed in needs(root):
        package = "site-packages" in path.parts  # a wheel may look into folders of the machine that made it, in vain
        for folder in needed.folders:
            if folder.startswith(str(root)) or not (package or folder.startswith("$ORIGIN")):
                yield f"{path.relative_to(root)} looks for libraries in {folder}"


def _beginning(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(launchers.LONGEST)


wrong = [*problems(Path(sys.argv[1]))]
if wrong:
    sys.exit("it works in this folder only:\n  " + "\n  ".join(wrong))
