"""The libraries that CPython's modules link against: a stage each, from source, static, its symbols hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from builder.errors import UserError
from builder.inputs.pins import Source
from builder.inputs.recipe import RecipeFile
from builder.stages.interpreter.compiler import DEPS, CrossCompiler
from builder.stages.interpreter.configure import BUILD_PREFIX
from builder.stages.interpreter.library import LibraryRecipe, Toolset
from builder.stages.interpreter.library_recipes import RECIPES
from builder.stages.interpreter.licenses import keep_license
from builder.stages.stage import WORK, File, Stage, Step, pack, unpack
from builder.targets import Arch

_PREFIX = "library-"


@dataclass(frozen=True)
class Libraries:
    """What the libraries of one architecture are made from: pinned sources, with the recipe's patches for each.

    `build_python` is the build machine's own interpreter.
    """

    sources: Mapping[str, Source]
    patches: Mapping[str, tuple[RecipeFile, ...]]
    builds_on: Arch
    toolchain: str
    epoch: int
    build_python: Stage

    def plan(self, target: CrossCompiler) -> tuple[Stage, ...]:
        """A stage for each library, in the order of the pins; UserError for one that nothing says how to build."""
        unknown = {*self.sources, *self.patches} - RECIPES.keys()
        if unknown:
            names = ", ".join(sorted(unknown))
            raise UserError(f"recipes/pins.toml or recipes/libraries: no way to build {names}", "correct its name")
        return tuple(self._stage(name, target) for name in self.sources)

    def _stage(self, name: str, target: CrossCompiler) -> Stage:
        """One library. Its archive has what it needs as well, the same files that the parents' archives have."""
        recipe, tools = RECIPES[name], Toolset(target, self.builds_on)
        absent = [one for one in recipe.needs if one not in self.sources]
        if absent:
            raise UserError(f"recipes/pins.toml: {name} needs {', '.join(absent)}", f"pin it, or remove {name}")
        libraries = tuple(self._stage(one, target) for one in recipe.needs)
        python = (self.build_python,) if recipe.python else ()
        source, patches, folder = self.sources[name], self.patches.get(name, ()), f"{WORK}/build/{name}"
        output = f"{_PREFIX}{name}.tgz"
        return Stage(
            name=f"{_PREFIX}{name}",
            inputs={"arch": target.arch.value, "toolchain": self.toolchain},
            files=(
                *target.files,
                File(f"sources/{source.file}", source),
                *(File(f"patches/{patch.name}", patch.content) for patch in patches),
                *recipe.files(tools),
            ),
            steps=(
                *target.steps,
                *unpack_libraries(libraries),
                *(step for one in python for step in unpack_python(one.output)),
                *_unpack(source, folder),
                *(_apply(patch, source, folder) for patch in patches),
                *_commands(name, recipe, tools),
                pack(f"pack {name}", DEPS, output, self.epoch),
            ),
            output=output,
            parents=(*libraries, *python),
            compiles=True,
            brief=True,
        )


def unpack_libraries(parents: Iterable[Stage]) -> Iterator[Step]:
    """Unpack those of a stage's parents that are libraries."""
    for parent in parents:
        if parent.name.startswith(_PREFIX):
            yield unpack(f"unpack {parent.name.removeprefix(_PREFIX)} as built", parent.output, DEPS)


def unpack_python(archive: str) -> Iterator[Step]:
    """Unpack the build machine's own interpreter."""
    yield Step("make build Python's folder", ("mkdir", "-p", BUILD_PREFIX))
    yield unpack("unpack build Python", archive, BUILD_PREFIX)


def _unpack(source: Source, folder: str) -> Iterator[Step]:
    """Unpack a tarball, or a Debian package of files that are the same for every architecture."""
    file, name = f"{WORK}/sources/{source.file}", f"unpack {source.name}"
    if source.file.endswith(".deb"):
        yield Step("make source folder", ("mkdir", "-p", folder))
        yield Step(name, ("dpkg-deb", "--extract", file, folder))
    else:
        args = ("tar", "--extract", f"--file={file}", f"--one-top-level={folder}", "--strip-components=1")
        yield Step(name, args)


def _apply(patch: RecipeFile, source: Source, folder: str) -> Step:
    args = ("patch", "-p1", "--force", f"--input={WORK}/patches/{patch.name}")
    hint = f"recipes/libraries/{source.name}/{patch.name} does not fit {source.name} {source.version}"
    return Step(f"patch {source.name} {patch.name}", args, cwd=folder, hint=hint)


def _commands(name: str, recipe: LibraryRecipe, tools: Toolset) -> Iterator[Step]:
    """The commands of one library, numbered; the last keeps its license."""
    env = recipe.env(tools)
    for number, args in enumerate(recipe.commands(tools), 1):
        yield Step(f"{name} {number}: {PurePosixPath(args[0]).name}", args, env, cwd=f"{WORK}/build/{name}")
    yield Step(f"keep license of {name}", keep_license(name, recipe.license), cwd=f"{WORK}/build/{name}")
