"""What of a `pylock.toml` is installed on one target: one file of each package, as the standard chooses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from packaging.markers import Environment
from packaging.pylock import (
    Package,
    PackageArchive,
    PackageSdist,
    PackageWheel,
    PylockSelectError,
    PylockValidationError,
)
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.version import Version

from builder.errors import UserError
from builder.inputs.package_lock import FILE, PackageLock, build_file
from builder.inputs.recipe import Builds, Recipe, Venv
from builder.stages.from_source import FromSource, file_of, is_download, source_of
from builder.stages.lock import Distribution, distribution
from builder.targets import Arch, Variant
from builder.versions import is_debug, is_free_threaded, minor, series, without_flags

_AGAIN = "`nox -s lock` makes it again"
_OTHER_FILE = (
    "ask for another release, or have it compiled by `--no-binary NAME`, in the requirements; then `nox -s lock`"
)
_OTHER_TOOL = "what builds a package is installed from wheels: ask for another release of it in [build-system] requires"
# Older names of what is manylinux_2_N today: https://peps.python.org/pep-0600/
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


@dataclass(frozen=True)
class Platform:
    """What files are chosen for: an exact version of Python, an architecture, and the glibc they may need."""

    version: str
    arch: Arch
    glibc: str

    def __str__(self) -> str:
        return f"Python {self.version} on {self.arch.value} with glibc {self.glibc}"

    @property
    def environment(self) -> Environment:
        """What markers are compared with."""
        version = Version(without_flags(self.version)).base_version  # a pre-release counts as what it will be
        return Environment(
            implementation_name="cpython", implementation_version=version, os_name="posix",
            platform_machine=self.arch.machine, platform_release="", platform_system="Linux", platform_version="",
            python_full_version=version, platform_python_implementation="CPython", python_version=minor(version),
            sys_platform="linux",
        )  # fmt: skip

    @property
    def tags(self) -> tuple[Tag, ...]:
        """What a wheel may be made for, the best first."""
        plain = f"cp{''.join(map(str, series(self.version)))}"
        threading = plain + ("t" if is_free_threaded(self.version) else "")
        abis = [f"{threading}d", threading] if is_debug(self.version) else [threading]
        platforms = [*self._platforms()]
        return (
            *cpython_tags(series(self.version), abis, platforms),
            *compatible_tags(series(self.version), plain, platforms),
        )

    def _platforms(self) -> Iterator[str]:
        newest = int(self.glibc.rpartition(".")[2])
        oldest = {Arch.AMD64: 5, Arch.ARM64: 17}[self.arch]
        for number in range(newest, oldest - 1, -1):
            yield f"manylinux_2_{number}_{self.arch.machine}"
            if number in _LEGACY:
                yield f"{_LEGACY[number]}_{self.arch.machine}"
        yield f"linux_{self.arch.machine}"


Named = Distribution | FromSource


def of_recipe(recipes: tuple[Recipe, ...], platform: Platform) -> tuple[Named, ...] | None:
    """What the last recipe's lock has for a platform and the recipes before it have not; None where it has no lock.

    UserError for a lock that does not fit its requirements or the locks before it, and for a package without a file
    that can be installed on the platform.
    """
    recipe = recipes[-1]
    if recipe.lock is None and (recipe.wheels or recipe.projects):
        folder = "wheels" if recipe.wheels else "packages"
        raise UserError(
            f"recipes/{recipe.variant.recipe_folder}/{folder} is installed by a lock only", "`nox -s lock` makes it"
        )
    if recipe.lock is None:
        return None
    chosen = _chosen(recipe.lock, recipes, platform)
    if recipe.variant is Variant.RUNTIME:
        return tuple(chosen.values())
    before = recipes[0].lock
    if before is None:
        raise UserError(f"{recipe.lock.path}: recipes/{Variant.RUNTIME.recipe_folder} has no lock", _AGAIN)
    below = _chosen(before, recipes[:1], platform)
    for name in chosen.keys() & below.keys():
        if chosen[name] != below[name]:
            raise UserError(f"{recipe.lock.path} has {chosen[name]}, {before.path} {below[name]}", _AGAIN)
    return tuple(one for name, one in chosen.items() if name not in below)


def of_venv(venv: Venv, platform: Platform) -> tuple[Named, ...]:
    """What a virtual environment's lock has for a platform; UserError as above, and for one without a lock."""
    if venv.lock is None:
        raise UserError(f"{venv.folder} has no {FILE}", "`nox -s lock` makes it")
    return tuple(_chosen(venv.lock, (venv,), platform).values())


def _chosen(lock: PackageLock, asking: Sequence[Recipe | Venv], platform: Platform) -> dict[str, Named]:
    """One file or source of each package by its name, in their order, for what is asked."""
    _demand_up_to_date(lock, {*chain.from_iterable(one.asked for one in asking)})
    compiled = frozenset[str]().union(*(one.compiled for one in asking))
    selected = [*_selected(lock, compiled, platform)]
    for package, artifact in selected:
        if isinstance(artifact, PackageSdist) and not is_compiled(package.name, compiled):
            raise UserError(f"{lock.path}: {package.name} {package.version} has no wheel for {platform}", _OTHER_FILE)
    return {package.name: _named(lock, package, artifact, asking, platform) for package, artifact in selected}


def is_compiled(name: str, compiled: frozenset[str]) -> bool:
    """Whether a package is among those that are wanted compiled."""
    return name in compiled or ":all:" in compiled


def _selected(lock: PackageLock, compiled: frozenset[str], platform: Platform) -> Iterator[tuple[Package, object]]:
    """What of a lock is for a platform, as the standard chooses."""
    if lock.content.requires_python and platform.environment["python_full_version"] not in lock.content.requires_python:
        python = f"Python {lock.content.requires_python}"
        raise UserError(f"{lock.path} is for {python}, and this build for {platform.version}", _AGAIN)
    selecting = lock.content.select(
        environment=platform.environment,
        tags=platform.tags,
        prefer_sdist_predicate=lambda name: is_compiled(name, compiled),
    )
    try:
        yield from sorted(selecting, key=lambda pair: pair[0].name)
    except (PylockSelectError, PylockValidationError, ValueError, KeyError) as problem:  # two of them of markers
        raise UserError(f"{lock.path}, for {platform}: {problem}", _OTHER_FILE) from None


def _demand_up_to_date(lock: PackageLock, asked: set[str]) -> None:
    if asked == lock.made_for:
        return
    new, gone = sorted(asked - lock.made_for), sorted(lock.made_for - asked)
    changes = [*(f"+ {line}" for line in new), *(f"- {line}" for line in gone)]
    raise UserError(f"{lock.path} was made for other requirements: {', '.join(changes)}", _AGAIN)


def _named(
    lock: PackageLock, package: Package, artifact: object, asking: Sequence[Recipe | Venv], platform: Platform
) -> Named:
    """A release, a wheel of the recipe or at a URL, or a source to be built."""
    source = source_of(package, artifact, asking)
    if source:
        builds = next((one.builds for one in asking if source.name in one.builds.locks), Builds())
        return replace(source, requires=_needed(source, builds, lock.path.parent, platform))
    own = {wheel.sha256: wheel.name for one in asking if isinstance(one, Recipe) for wheel in one.wheels}
    if isinstance(artifact, PackageWheel):
        return _distribution(lock, package, artifact, artifact.filename)
    if isinstance(artifact, PackageArchive) and artifact.hashes.get("sha256") in own:
        return _distribution(lock, package, artifact, own[artifact.hashes["sha256"]])
    if isinstance(artifact, PackageArchive) and artifact.url and is_download(artifact.url, ".whl"):
        return _distribution(lock, package, artifact, file_of(artifact.url), artifact.url)
    raise UserError(f"{lock.path}: {package.name} is nothing that can be installed or built", _AGAIN)


def _distribution(
    lock: PackageLock, package: Package, artifact: PackageWheel | PackageArchive, file: str, url: str = ""
) -> Distribution:
    try:
        return distribution(package.name, str(package.version), file, artifact.hashes["sha256"], url)
    except (KeyError, ValueError):
        raise UserError(f"{lock.path}: {package.name} has no file with a sha256", _AGAIN) from None


def _needed(source: FromSource, builds: Builds, folder: Path, platform: Platform) -> tuple[Distribution, ...]:
    """The files that the build of a source needs; UserError for a lock of them that is missing or of another source."""
    lock = builds.locks.get(source.name)
    if lock is None:
        raise UserError(f"{folder / build_file(source.name)} is missing: it locks what builds {source.name}", _AGAIN)
    requires = source.build_requirements
    if requires is not None:
        _demand_up_to_date(lock, {*requires, *builds.asked})
    for line in (*source.identity, *builds.asked):
        if line not in lock.made_for:
            raise UserError(f"{lock.path} was not made for {line}", _AGAIN)
    needed = []
    for package, artifact in _selected(lock, frozenset(), platform):
        if not isinstance(artifact, PackageWheel):
            raise UserError(f"{lock.path}: {package.name} {package.version} has no wheel for {platform}", _OTHER_TOOL)
        needed.append(_distribution(lock, package, artifact, artifact.filename))
    return tuple(needed)
