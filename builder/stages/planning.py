"""What stages are planned from: what the user gave, the exact versions, and the machine that builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from builder.inputs.choices import LineEditor
from builder.inputs.git import Repository
from builder.inputs.pins import CPYTHON, Pins, Source
from builder.inputs.recipe import InterpreterRecipe, Recipe, RecipeFile
from builder.inputs.settings import Settings
from builder.sources.python_build import PythonBuild
from builder.stages.interpreter.own_patches import FOLDER, patches_to
from builder.stages.interpreter.tk_recipes import TK_LIBRARIES
from builder.targets import Arch, Variant
from builder.versions import has_zstd, is_debug, without_flags


@dataclass(frozen=True)
class BuildMachine:
    """What builds: the fingerprint of its compilers, and the architecture it compiles on.

    `crosses` says whether the interpreter is cross-compiled, with the libraries inside. `surroundings` is the
    fingerprint of where all else is done: where packages are installed, scripts and checks run.
    """

    toolchain: str
    builds_on: Arch
    crosses: bool
    surroundings: str


@dataclass(frozen=True)
class Inputs:
    """Everything a plan is made from but its target; `python_version` is exact."""

    python_version: str
    settings: Settings
    recipes: Mapping[Variant, Recipe]
    interpreter: InterpreterRecipe
    repository: Repository
    python_build: PythonBuild
    machine: BuildMachine

    @property
    def optimizes(self) -> bool:
        """Whether the interpreter is compiled with PGO and LTO: a debug build never is."""
        return self.settings.optimize and not is_debug(self.python_version)

    @property
    def pins(self) -> Pins:
        """Every source that is pinned."""
        return self.python_build.pins

    @property
    def libraries(self) -> dict[str, Source]:
        """The pinned libraries that go inside, by name: those this CPython can use, and one line editor."""
        if not self.machine.crosses:
            return {}
        left_out = {*map(str, LineEditor)} - {self.settings.line_editor}
        if not self.settings.gdbm:
            left_out.add("gdbm")
        if not self.settings.tk:
            left_out |= {*TK_LIBRARIES}
        if not has_zstd(self.python_version):
            left_out.add("zstd")
        return {name: source for name, source in self.pins.libraries.items() if name not in left_out}

    @property
    def compiled(self) -> tuple[Source, ...]:
        """What is compiled: CPython, and the libraries that go inside."""
        return (self.python_build.source(self.python_version), *self.libraries.values())

    @property
    def sources(self) -> tuple[Source, ...]:
        """The same, and python-build, which compiles it."""
        python, *libraries = self.compiled
        return (python, self.python_build.as_source(), *libraries)

    def patches(self, source: str) -> tuple[RecipeFile, ...]:
        """The patches to a source, in order, each named by its path in the repository.

        Our own to CPython come first, and those to its very version before the pre-patches, which every version gets.
        """
        version = without_flags(self.python_version)
        folders = {f"recipes/libraries/{source}": self.interpreter.library_patches.get(source, ())}
        if source == CPYTHON:
            folders = {
                FOLDER: patches_to(version),
                f"recipes/cpython/{version}": self.interpreter.python_patches.get(version, ()),
                "recipes/runtime/pre-patch": self.recipes[Variant.RUNTIME].pre_patches,
            }
        return tuple(replace(file, name=f"{folder}/{file.name}") for folder, files in folders.items() for file in files)

    def libc_floor(self, arch: Arch) -> str | None:
        """The glibc that is linked against; None where it is the one of the system that compiles."""
        return self.pins.sysroot(self.settings.sysroot, arch).glibc if self.machine.crosses else None

    def newest_symbols(self, arch: Arch) -> tuple[str, ...]:
        """The newest symbols that a program may need of a system; none where it is the one that compiles."""
        return self.pins.sysroot(self.settings.sysroot, arch).newest_symbols if self.machine.crosses else ()
