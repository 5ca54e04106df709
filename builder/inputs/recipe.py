"""The recipe: what the user puts in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.utils import canonicalize_name

from builder.inputs.package_lock import PackageLock
from builder.targets import Variant


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


@dataclass(frozen=True)
class Venv:
    """A virtual environment inside the runtime: what it has, and patterns of its commands that are linked into bin/."""

    folder: Path
    requirements: bytes
    commands: tuple[str, ...]
    lock: PackageLock | None

    @property
    def name(self) -> str:
        """What it is called, in the recipe and in the runtime."""
        return self.folder.name

    @property
    def asked(self) -> tuple[str, ...]:
        """What its requirements ask for, line by line."""
        return tuple(_lines(self.requirements))

    @property
    def compiled(self) -> frozenset[str]:
        """As a recipe's."""
        return _compiled(self.asked)


@dataclass(frozen=True)
class Recipe:
    """One variant's recipe; each tuple in name order. Without a `lock` its packages are resolved when it is built."""

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

    @property
    def asked(self) -> tuple[str, ...]:
        """What its requirements, constraints and wheels ask for, line by line."""
        return (
            *(line for file in self.requirements for line in _lines(file.content)),
            *(f"--constraint {line}" for line in _lines(self.constraints)),
            *(f"wheels/{file.name} --hash=sha256:{file.sha256}" for file in self.wheels),
        )

    @property
    def digests(self) -> Iterator[str]:
        """The sha256 of every file that its locks name."""
        for lock in (self.lock, *(venv.lock for venv in self.venvs)):
            yield from lock.digests if lock else ()

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


def _compiled(asked: tuple[str, ...]) -> frozenset[str]:
    found = (re.findall(r"(?:^|\s)--no-binary[=\s]+(\S+)", line) for line in asked)
    names = (name for values in found for value in values for name in value.split(","))
    return frozenset(map(canonicalize_name, names))


def _lines(content: bytes) -> Iterator[str]:
    """What a requirements file asks for: its lines without blank ones and comments."""
    for line in content.decode("utf-8-sig", errors="replace").splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield stripped
