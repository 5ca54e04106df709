"""The recipe: what the user puts in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from packaging.utils import canonicalize_name

from builder.inputs.license_policy import LicensePolicy
from builder.inputs.package_lock import PackageLock
from builder.targets import Variant

# Files of a project that a build back end reads its name and dependencies from.
_METADATA = ("pyproject.toml", "setup.cfg", "setup.py")


@dataclass(frozen=True)
class RecipeFile:
    """One file of a recipe: its name and content, and whether it is to be executable where that is not given."""

    name: str
    content: bytes
    executable: bool = False

    @cached_property
    def sha256(self) -> str:
        """The digest of its content, as hex digits."""
        return hashlib.sha256(self.content).hexdigest()

    def below(self, path: str) -> dict[str, bytes]:
        """Its content by its path."""
        return {path: self.content}


@dataclass(frozen=True)
class SourceTree:
    """A folder with a Python project, to be built and installed: its name, and all its files in name order."""

    name: str
    files: tuple[RecipeFile, ...]

    def below(self, path: str) -> dict[str, bytes]:
        """The content of each of its files by its path, which begins with the folder's."""
        return {f"{path}/{file.name}": file.content for file in self.files}

    def content(self, name: str) -> bytes | None:
        """The content of one of its files."""
        return next((file.content for file in self.files if file.name == name), None)

    @cached_property
    def sha256(self) -> str:
        """One digest of all its files, by name, mode and content."""
        return _digest(self.files)

    @property
    def metadata_sha256(self) -> str:
        """The same of the files that say what it depends on."""
        return _digest(file for file in self.files if file.name in _METADATA)


@dataclass(frozen=True)
class Builds:
    """What packages are built with: a lock for each, by its name, and constraints of what is in these locks.

    `requirements` are for every build: what a back end asks for that the package itself does not name.
    """

    locks: Mapping[str, PackageLock] = field(default_factory=dict)
    constraints: bytes = b""
    requirements: bytes = b""

    @property
    def asked(self) -> tuple[str, ...]:
        """The requirements and constraints, line by line."""
        return (*lines(self.requirements), *(f"--constraint {line}" for line in lines(self.constraints)))


@dataclass(frozen=True)
class Venv:
    """A virtual environment inside the runtime: what it has, and patterns of its commands that are linked into bin/."""

    folder: Path
    requirements: bytes
    commands: tuple[str, ...]
    lock: PackageLock | None
    builds: Builds = Builds()

    @property
    def name(self) -> str:
        """What it is called, in the recipe and in the runtime."""
        return self.folder.name

    @property
    def asked(self) -> tuple[str, ...]:
        """What its requirements ask for, line by line."""
        return tuple(lines(self.requirements))

    @property
    def compiled(self) -> frozenset[str]:
        """As a recipe's."""
        return _compiled(self.asked)


@dataclass(frozen=True)
class Recipe:
    """One variant's recipe; each tuple in name order. Without a `lock` its packages are resolved when it is built.

    `trees` and `sdists` are built into wheels.
    """

    variant: Variant
    requirements: tuple[RecipeFile, ...]
    pre_patches: tuple[RecipeFile, ...]
    post_patches: tuple[RecipeFile, ...]
    scripts: tuple[RecipeFile, ...]
    checks: tuple[RecipeFile, ...]
    constraints: bytes
    pip_conf: bytes | None
    prune: tuple[str, ...]
    lock: PackageLock | None = None
    venvs: tuple[Venv, ...] = ()
    wheels: tuple[RecipeFile, ...] = ()
    trees: tuple[SourceTree, ...] = ()
    sdists: tuple[RecipeFile, ...] = ()
    builds: Builds = Builds()
    licenses: LicensePolicy | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """What its requirements, constraints and the code in it ask for, line by line."""
        return (
            *(line for file in self.requirements for line in lines(file.content)),
            *(f"--constraint {line}" for line in lines(self.constraints)),
            *(f"wheels/{file.name} --hash=sha256:{file.sha256}" for file in self.wheels),
            *(f"packages/{file.name} --hash=sha256:{file.sha256}" for file in self.sdists),
            *(f"packages/{tree.name} with metadata sha256:{tree.metadata_sha256}" for tree in self.trees),
        )

    @property
    def projects(self) -> tuple[RecipeFile | SourceTree, ...]:
        """What in it is built into wheels."""
        return (*self.sdists, *self.trees)

    @property
    def locks(self) -> Iterator[PackageLock]:
        """All of its locks."""
        yield from _locks(self.lock, self.builds)
        for venv in self.venvs:
            yield from _locks(venv.lock, venv.builds)

    @property
    def digests(self) -> Iterator[str]:
        """The sha256 of every file that its locks name."""
        for lock in self.locks:
            yield from lock.digests

    @property
    def compiled(self) -> frozenset[str]:
        """The packages that the requirements want compiled from source, by their normalized names; or `:all:`."""
        return _compiled(self.asked)


@dataclass(frozen=True)
class InterpreterRecipe:
    """What belongs to no variant: patches to bundled libraries by library, to CPython by its version, and kept PGO
    profiles by Python version.
    """

    library_patches: Mapping[str, tuple[RecipeFile, ...]]
    python_patches: Mapping[str, tuple[RecipeFile, ...]]
    profiles: Mapping[str, bytes]


def chain_of(recipes: Mapping[Variant, Recipe], variant: Variant) -> tuple[Recipe, ...]:
    """The recipes an artifact of a variant is made of, the production one first."""
    return tuple(recipes[one] for one in dict.fromkeys((Variant.RUNTIME, variant)))


def _locks(lock: PackageLock | None, builds: Builds) -> Iterator[PackageLock]:
    yield from (lock,) if lock else ()
    yield from builds.locks.values()


def _digest(files: Iterable[RecipeFile]) -> str:
    rows = (f"{file.sha256} {'x' if file.executable else '-'} {file.name}\n" for file in files)
    return hashlib.sha256("".join(rows).encode()).hexdigest()


def _compiled(asked: tuple[str, ...]) -> frozenset[str]:
    found = (re.findall(r"(?:^|\s)--no-binary[=\s]+(\S+)", line) for line in asked)
    names = (name for values in found for value in values for name in value.split(","))
    return frozenset(map(canonicalize_name, names))


def lines(content: bytes) -> Iterator[str]:
    """What a requirements file asks for: its lines without blank ones and comments."""
    for line in content.decode("utf-8-sig", errors="replace").splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield stripped
