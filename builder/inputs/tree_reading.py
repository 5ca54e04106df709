"""A Python project's folder read whole, within bounds: what of it counts, and what is refused in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from builder.errors import UserError
from builder.files import read
from builder.inputs.recipe import RecipeFile, SourceTree

# What version control, environments and tools keep in a project's folder.
_LEFT_OUT = re.compile(r"\..*|__pycache__|.*\.egg-info")
_PROJECT = ("pyproject.toml", "setup.py")
_MOST_FILES, _MOST_BYTES = 10_000, 256 << 20
_SMALLER = "a project has what it is built from; what it makes or downloads belongs elsewhere"


def read_tree(folder: Path) -> SourceTree:
    """Read a project's folder; UserError for what is none, is too large, or leads out of it."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", folder.name, re.ASCII):
        raise UserError(f"{folder} is not the folder of a project", "name it plainly, such as `billing`")
    if not any((folder / name).is_file() for name in _PROJECT):
        lacks = f"it has no {' or '.join(_PROJECT)}"
        raise UserError(f"{folder} is not a Python project: {lacks}", "write one, or keep what is no project elsewhere")
    files: list[RecipeFile] = []
    left = _MOST_BYTES
    for path in _paths(folder, folder.resolve()):
        if len(files) == _MOST_FILES:
            raise UserError(f"{folder} has more than {_MOST_FILES:,} files", _SMALLER)
        try:
            content = read(path, left)
        except OSError as problem:
            raise UserError(f"{path} can't be read: {problem.strerror}", _SMALLER) from None
        left -= len(content)
        files.append(RecipeFile(path.relative_to(folder).as_posix(), content, os.access(path, os.X_OK)))
    return SourceTree(folder.name, tuple(files))


def _paths(folder: Path, root: Path) -> Iterator[Path]:
    """Its files, and those of its folders, in name order. A link is the file that it leads to."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and _LEFT_OUT.fullmatch(path.name):
            continue
        if not path.name.isprintable():
            raise UserError(f"{path.name!r} in {folder} has characters that can't be seen", "rename it")
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise UserError(f"{path} is a link that leads out of the folder", "put what it leads to into the folder")
        if not path.is_dir():
            yield path
        elif path.is_symlink():
            raise UserError(f"{path} is a link to a folder", "put what it leads to in its place")
        else:
            yield from _paths(path, root)
