"""Search paths that name the tree's folder, made to begin where the program or library is that has them.

What embeds Python is linked with `-rpath` of sysconfig's LIBDIR, uWSGI for example.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from builder.inside.linkage import Needs, names, needs


def rewrite(root: Path) -> Iterator[Path]:
    """Change them; yields what was changed. A path is changed in its place in the file: none can get longer."""
    for path, needed in needs(root):
        if any(_is_in(folder, root) for folder in needed.folders):
            content = path.read_bytes()
            changed = _changed(content, needed, path, root)
            if changed != content:
                path.write_bytes(changed)
                yield path


def _changed(content: bytes, needed: Needs, path: Path, root: Path) -> bytes:
    """The file with other search paths; as it is where one of them shares its bytes with another name."""
    changed = bytearray(content)
    for place, folders in needed.paths.items():
        relative = (_name(folder, path, root) for folder in folders.split(":"))
        text = os.fsencode(":".join(dict.fromkeys(relative)))
        if len(text) > len(os.fsencode(folders)):
            _link(needed, folders.split(":"), path, root)
            short = ("$ORIGIN" if _is_in(folder, root) else folder for folder in folders.split(":"))
            text = os.fsencode(":".join(dict.fromkeys(short)))
        if len(text) <= len(os.fsencode(folders)):
            changed[place : place + len(os.fsencode(folders))] = text.ljust(len(os.fsencode(folders)), b"\0")
    return bytes(changed) if names(bytes(changed)) == names(content) else content


def _link(needed: Needs, folders: list[str], path: Path, root: Path) -> None:
    """Have links to the libraries it needs of the tree next to it: `$ORIGIN` alone is shorter than any PRT_ROOT/lib."""
    for library in (Path(folder, name) for folder in folders if _is_in(folder, root) for name in needed.libraries):
        link = path.parent / library.name
        if library.exists() and not os.path.lexists(link):
            link.symlink_to(os.path.relpath(library, link.parent))


def _name(folder: str, path: Path, root: Path) -> str:
    return f"$ORIGIN/{os.path.relpath(folder, path.parent)}" if _is_in(folder, root) else folder


def _is_in(folder: str, root: Path) -> bool:
    return root in (Path(folder), *Path(folder).parents)
