"""A checkout, read: settings, recipes, pins and what git says, ready to plan with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from builder import network, package_recipe, pins, python_build, recipe, repository, settings, versions
from builder.cache import layers
from builder.cache.layers import Cache
from builder.cache.remote import Remote
from builder.cache.report import Report
from builder.engines.roles import Roots
from builder.errors import UserError
from builder.makefile_vars import nearest
from builder.network import Network
from builder.package_recipe import PackageRecipe
from builder.packages.record import ArtifactShelf
from builder.pins import Pins
from builder.python_build import PythonBuild
from builder.recipe import Extras, Recipe
from builder.repository import Repository
from builder.root_tree import RootShelf
from builder.settings import Settings, Value
from builder.sources import SourceShelf
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

    @property
    def recipes_folder(self) -> Path:
        """Where the recipes are."""
        return self.root / "recipes"

    @cached_property
    def extras(self) -> Extras:
        """Patches to bundled libraries, and kept profiles; UserError for patches to a library that nobody pins."""
        found = recipe.read_extras(self.recipes_folder)
        for name in sorted(found.library_patches.keys() - self.pins.libraries.keys()):
            raise UserError(
                f"{self.recipes_folder}/libraries/{name}: recipes/pins.toml has no library of that name",
                nearest(name, self.pins.libraries.keys()),
            )
        return found

    @cached_property
    def package_recipe(self) -> PackageRecipe:
        """What a Debian package has beside the tree."""
        return package_recipe.read(self.recipes_folder / "deb")

    @property
    def cache_folder(self) -> Path:
        """Where everything is that `clobber` removes and another build can make again."""
        return self.settings.artifact_dir / "cache"

    def cache(self, say: Callable[[str], None]) -> Cache:
        """The cache of results; `say` hears of all that goes wrong with it."""
        return layers.opened(self.settings, self.network, self.cache_folder, say)

    def remote_cache(self, say: Callable[[str], None]) -> Remote:
        """The shared cache, for those who ask for it by name; UserError if no setting says where it is."""
        if not self.settings.cache_url:
            raise UserError("CACHE_URL is not set", "set it to the web server that is to be the cache")
        server = layers.server(self.settings, self.network)
        return Remote(server, Report(say, strict=True), self.cache_folder / "quarantine", writes=True)

    @cached_property
    def artifacts(self) -> ArtifactShelf:
        """The finished artifacts."""
        return ArtifactShelf(self.settings.artifact_dir)

    @cached_property
    def pins(self) -> Pins:
        """What recipes/pins.toml pins."""
        return pins.read(self.recipes_folder / "pins.toml")

    def source_shelf(self, note: Callable[[str], None]) -> SourceShelf:
        """The downloaded sources; `note` hears of every oddity."""
        mirror, debian = self.settings.source_mirror, self.settings.debian_mirror
        return SourceShelf(self.cache_folder / "sources", self.network, mirror, debian, note)

    def roots(self, shelf: SourceShelf, say: Callable[[str], None]) -> Roots:
        """The root file systems that steps run in; `say` hears of every oddity."""
        return Roots(self.recipes_folder, RootShelf(self.cache_folder / "roots", shelf, say))

    def python_build(self, shelf: SourceShelf, say: Callable[[str], None]) -> tuple[PythonBuild, str]:
        """What compiles CPython, and the exact version it is to build; says so if a newer patch of it is known.

        It is the pinned python-build, wherever that knows the version: two machines are to build alike. Where it does
        not, that of PYENV_ROOT.
        """
        wanted, pyenv_root = self.settings.python_version, self.settings.pyenv_root
        found = python_build.pinned(self.pins, shelf)
        try:
            version, newest = versions.resolve_python(wanted, found.versions())
        except UserError:
            if not pyenv_root:
                raise
            found = python_build.of_pyenv(pyenv_root, self.pins)
            version, newest = versions.resolve_python(wanted, found.versions())
            say(f"note: the pinned python-build does not know Python {version}: taking that of PYENV_ROOT={pyenv_root}")
        if version != newest:
            say(f"note: Python {newest} is known; PYTHON_VERSION asks for {version}")
        return found, version


def read(root: Path, environ: Mapping[str, str]) -> Project:
    """Read the checkout at `root`; UserError for anything in it that can't be built from."""
    git = repository.read(root)
    fallbacks = {"PACKAGE_VERSION": Value(git.release, "git tag")} if git.release else {}
    loaded = settings.load(root, environ, fallbacks)
    return Project(
        root=root,
        settings=loaded,
        repository=git,
        network=network.read(
            environ, loaded.ca_bundle, network.forms(loaded.cache_user, loaded.cache_password, loaded.cache_token)
        ),
        recipes={variant: recipe.read(root / "recipes", variant) for variant in Variant},
        folding=bool(environ.get("GITHUB_ACTIONS")),
    )
