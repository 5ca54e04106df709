"""What is changed in CPython itself, of each series that has these lines. Every patch begins with its reason."""

from __future__ import annotations

from pathlib import Path

from builder.inputs.recipe import RecipeFile
from builder.versions import series

FOLDER = "builder/stages/interpreter/patch"
OWN_PATCHES = tuple(
    RecipeFile(path.name, path.read_bytes()) for path in sorted(Path(__file__).with_name("patch").glob("*.patch"))
)
_SINCE = (3, 13)


def patches_to(version: str) -> tuple[RecipeFile, ...]:
    """Those to a version of CPython."""
    return OWN_PATCHES if series(version) >= _SINCE else ()
