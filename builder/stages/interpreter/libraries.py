"""The libraries stage: what CPython's modules link against, compiled from source, static, its symbols hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from builder.errors import UserError
from builder.inputs.pins import Source
from builder.inputs.recipe import RecipeFile
from builder.stages.interpreter.compiler import DEPS, CrossCompiler
from builder.stages.interpreter.library_recipes import OPENSSL_BUILDINF, RECIPES, Toolset
from builder.stages.stage import WORK, File, Stage, Step, pack
from builder.targets import Arch

OUTPUT = "libraries.tgz"


def plan_libraries(
    target: CrossCompiler,
    sources: Mapping[str, Source],
    patches: Mapping[str, tuple[RecipeFile, ...]],
    *,
    builds_on: Arch,
    toolchain: str,
    epoch: int,
) -> Stage:
    """Plan the static libraries of one architecture, each from its pinned source with the recipe's patches."""
    tools = Toolset(target, builds_on)
    steps = [*target.steps]
    files = [*target.files, File(OPENSSL_BUILDINF, _buildinf(target))]
    unknown = {*sources, *patches} - RECIPES.keys()
    if unknown:
        raise UserError(
            f"recipes/pins.toml or recipes/libraries: no way to build {', '.join(sorted(unknown))}", "correct its name"
        )
    for name, source in sources.items():
        files.append(File(f"sources/{source.file}", source))
        folder = f"--one-top-level={WORK}/build/{name}"
        archive = f"--file={WORK}/sources/{source.file}"
        steps.append(Step(f"unpack {name}", ("tar", "--extract", archive, folder, "--strip-components=1")))
        for patch in patches.get(name, ()):
            files.append(File(f"patches/{name}/{patch.name}", patch.content))
            apply = ("patch", "-p1", "--force", f"--input={WORK}/patches/{name}/{patch.name}")
            hint = f"recipes/libraries/{name}/{patch.name} does not fit {name} {source.version}"
            steps.append(Step(f"patch {name} {patch.name}", apply, cwd=f"{WORK}/build/{name}", hint=hint))
        steps += _steps(name, tools)
    steps.append(pack("pack libraries", DEPS, OUTPUT, epoch))
    inputs = {"arch": target.arch.value, "toolchain": toolchain}
    return Stage("libraries", inputs, tuple(files), tuple(steps), OUTPUT, compiles=True)


def _steps(name: str, tools: Toolset) -> Iterator[Step]:
    """The commands of one library, numbered."""
    recipe = RECIPES[name]
    env, folder = recipe.env(tools), f"{WORK}/build/{name}"
    for number, args in enumerate(recipe.commands(tools), 1):
        yield Step(f"{name} {number}: {PurePosixPath(args[0]).name}", args, env, cwd=folder)


def _buildinf(target: CrossCompiler) -> bytes:
    """What OpenSSL keeps as text in place of the compiler's command line, which has paths of the build machine."""
    return (
        f'#define PLATFORM "platform: {target.triple}"\n'
        '#define DATE "built on: reproducible build"\n'
        'static const char compiler_flags[] = "compiler: clang";\n'
    ).encode()
