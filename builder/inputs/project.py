"""A checkout, read: settings, recipes, pins and what git says, ready to plan with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from builder.errors import UserError
from builder.inputs import deb_recipe, git, invocation, network, pins, reading, recipe_reading
from builder.inputs.deb_recipe import DebRecipe
from builder.inputs.git import Repository
from builder.inputs.invocation import Invocation
from builder.inputs.makefile_vars import nearest
from builder.inputs.network import Network
from builder.inputs.pins import Pins
from builder.inputs.recipe import InterpreterRecipe, Recipe
from builder.inputs.settings import Settings, Value
from builder.targets import Variant


@dataclass(frozen=True)
class Project:
    """Everything a build starts from. `folding` is true where GitHub Actions reads the output."""

    root: Path
    settings: Settings
    repository: Repository
    network: Network
    recipes: Mapping[Variant, Recipe]
    folding: bool
    invocation: Invocation

    def each_version(self) -> tuple[Project, ...]:
        """The project for each version that PYTHON_VERSION names."""
        return tuple(replace(self, settings=one) for one in self.settings.each_version())

    @property
    def recipes_folder(self) -> Path:
        """Where the recipes are."""
        return self.root / "recipes"

    @cached_property
    def interpreter(self) -> InterpreterRecipe:
        """Patches to libraries and to CPython, and kept profiles; UserError for patches to what nobody pins."""
        found = recipe_reading.read_interpreter(self.recipes_folder)
        for folder, what, patches, pinned in (
            ("libraries", "library of that name", found.library_patches, self.pins.libraries),
            ("cpython", "CPython of that version", found.python_patches, self.pins.pythons),
        ):
            for name in sorted(patches.keys() - pinned.keys()):
                raise UserError(
                    f"{self.recipes_folder}/{folder}/{name}: recipes/pins.toml has no {what}",
                    nearest(name, pinned.keys()),
                )
        return found

    @cached_property
    def deb_recipe(self) -> DebRecipe:
        """What a Debian package has besides the tree."""
        return deb_recipe.read(self.recipes_folder / "deb")

    @cached_property
    def pins(self) -> Pins:
        """What recipes/pins.toml pins."""
        return pins.read(self.recipes_folder / "pins.toml")


def read(root: Path, environ: Mapping[str, str]) -> Project:
    """Read the checkout at `root`; UserError for anything in it that can't be built from."""
    repository = git.read(root)
    fallbacks = {"PACKAGE_VERSION": Value(repository.release, "git tag")} if repository.release else {}
    loaded = reading.load(root, environ, fallbacks)
    return Project(
        root=root,
        settings=loaded,
        repository=repository,
        network=network.read(
            environ, loaded.ca_bundle, network.forms(loaded.cache_user, loaded.cache_password, loaded.cache_token)
        ),
        recipes={variant: recipe_reading.read(root / "recipes", variant) for variant in Variant},
        folding=bool(environ.get("GITHUB_ACTIONS")),
        invocation=invocation.read(environ),
    )
