"""What is removed from a finished tree: what the recipe names, and what is of no use without a setting."""

from __future__ import annotations

from fnmatch import fnmatchcase

from builder.errors import UserError
from builder.inputs.recipe import Recipe
from builder.stages.planning import Inputs
from builder.versions import minor

_TKINTER = "lib/python3*/tkinter"


def patterns(recipe: Recipe, inputs: Inputs) -> tuple[str, ...]:
    """Glob patterns below PRT_ROOT; UserError for one that would remove what a setting asks for."""
    if not inputs.settings.tk:
        return (*recipe.prune, _TKINTER)
    place = f"lib/python{minor(inputs.python_version)}/tkinter"
    for pattern in recipe.prune:
        if fnmatchcase(place, pattern.rstrip("/")):
            file = f"recipes/{recipe.variant.recipe_folder}/prune.txt"
            raise UserError(f"TK=1: {file} removes tkinter by {pattern}", "remove the line, or unset TK")
    return recipe.prune
