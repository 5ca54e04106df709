"""The runtime stage: a recipe laid on a parent tree, checked, pruned, described and packed.

The parent of `runtime` is the interpreter; the parent of `runtime-dev` is the finished runtime.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from builder.inputs.pins import Source
from builder.inputs.recipe import Recipe, RecipeFile
from builder.inputs.settings import Settings
from builder.stages import pip, venvs
from builder.stages.description import describe, policy_of
from builder.stages.interpreter.acceptance import SYMBOLS
from builder.stages.lock import LOCK, Distribution
from builder.stages.movable import make_movable
from builder.stages.pip import PARENT
from builder.stages.planning import Inputs
from builder.stages.programs import MOVABLE, SBOM_PROGRAMS, as_package, cyclonedx, program_file, run_program
from builder.stages.pruning import patterns
from builder.stages.sbom import PLANNED_SBOM, planned
from builder.stages.stage import WORK, File, Json, Stage, Step, pack, unpack_tree
from builder.stages.wheel import Wheel
from builder.targets import Arch, Target, Variant

ARTIFACT = "artifact.tgz"
SYMBOLS_ARTIFACT = "symbols.tgz"

_PROGRAMS = (
    "bundle_pip.py", "check_plain.py", "compare_lock.py", "compile_bytecode.py", "link_commands.py", "prune.py",
)  # fmt: skip
_MODULES = (
    "check_movable.py", "check_portable.py", "doctor.py", "doctor.sh", "write_doctor.py", "write_manifest.py",
)  # fmt: skip
_PATCH = ("patch", "-p1", "--force", "--no-backup-if-mismatch")

# The interpreter looks for it (interpreter/patch/user-site.patch).
_NO_USER_SITE = File(
    "no-user-site",
    b"While this file is here, this Python takes no packages from its user's home folder (~/.local).\n"
    b"To have a runtime without it, name it in prune.txt.\n",
)


@dataclass(frozen=True)
class Locks:
    """What is installed. `stage` resolves the recipe's packages, unless they are `named` by a lock of its own; `venvs`
    has what each of its virtual environments is made of. `wheels` are built first, for each lock that wants some.
    """

    stage: Stage
    named: tuple[Distribution, ...] | None
    venvs: venvs.Locked
    wheels: Mapping[str, tuple[Wheel, ...]] = field(default_factory=dict)

    @property
    def every_wheel(self) -> tuple[Wheel, ...]:
        """What is built, each once."""
        return tuple({one.stage.key: one for each in self.wheels.values() for one in each}.values())

    @property
    def placed(self) -> Iterator[File]:
        """The files that no index has, but a URL."""
        for lock, named in (
            (LOCK, self.named or ()),
            *((venvs.lock_of(name), each) for name, each in self.venvs.items()),
        ):
            for one in named:
                if one.url:
                    source = Source(one.name, "", one.file, one.sha256, (one.url,))
                    yield File(f"{pip.folder_of(lock)}/{one.file}", source)


def plan_tree(
    recipes: tuple[Recipe, ...],
    inputs: Inputs,
    arch: Arch,
    parent_key: str,
    locks: Locks,
    manifest: Mapping[str, Json],
) -> Stage:
    """Plan the runtime stage of the last recipe; those before it are already in the parent tree.

    `locks` say what it installs. `manifest` is what the plan knows of it; the rest is measured in the finished
    tree. Nothing may need a newer C library than the one that is linked against, where that is pinned.
    """
    recipe = recipes[-1]
    prt_root, epoch, floor = inputs.settings.prt_root, inputs.repository.date, inputs.libc_floor(arch)
    top = archive_folder(Target(recipe.variant, arch), inputs.settings)
    env = {"SOURCE_DATE_EPOCH": str(epoch), **pip.environment(floor)}
    recipe_env = recipe_environment(prt_root, recipe.variant)
    finished = {"SOURCE_DATE_EPOCH": str(epoch), "PYTHONDONTWRITEBYTECODE": "1"}  # the tree has its own
    folder = f"recipes/{recipe.variant.recipe_folder}"
    steps = (
        unpack_tree("unpack parent", PARENT, str(prt_root)),
        *(_take_symbols(prt_root, epoch, top) if has_symbols(inputs, recipe.variant) else ()),
        _user_site(recipe.variant, prt_root),
        *(_post_patch(patch, prt_root, folder) for patch in recipe.post_patches),
        *((make_movable("make movable", prt_root, env),) if recipe.variant is Variant.RUNTIME else ()),
        *pip.install(recipe, prt_root, env),
        *venvs.install(recipe, prt_root, env),
        *(_script(script, {**env, **recipe_env}, folder) for script in recipe.scripts),
        *_pruned_and_movable(patterns(recipe, inputs), prt_root, env),
        _bytecode(recipe, prt_root, env),
        *_portable(prt_root, inputs.newest_symbols(arch)),
        _check_movable(prt_root),
        *(_check(check, prt_root, {**finished, **recipe_env}, folder) for check in recipe.checks),
        *describe(recipe, inputs.settings, finished),
        pack("pack artifact", str(prt_root), ARTIFACT, epoch, top),
    )
    built: dict[str, Json] = {"wheels": [wheel.stage.key for wheel in locks.every_wheel]} if locks.wheels else {}
    return Stage(
        name=recipe.variant.value,
        inputs={"parent": parent_key, "manifest": dict(manifest), "surroundings": inputs.machine.surroundings, **built},
        files=(*_files(recipes), *venvs.files(locks.venvs), *locks.placed, *_sbom(inputs, recipe.variant)),
        steps=steps,
        output=ARTIFACT,
        parents=(locks.stage,),
    )


def has_symbols(inputs: Inputs, variant: Variant) -> bool:
    """Whether the parent has a folder of debug symbols, to be packed separately: a cross-compiled interpreter has."""
    return inputs.machine.crosses and variant is Variant.RUNTIME


def archive_folder(target: Target, settings: Settings) -> str:
    """The folder that a target's archives hold; empty where the content of PRT_ROOT is at the top."""
    return target.stem(settings.package_prefix, settings.package_version) if settings.archive_folder else ""


def recipe_environment(prt_root: PurePosixPath, variant: Variant) -> dict[str, str]:
    """What the scripts and checks of a recipe find in their environment."""
    return {
        "PRT_ROOT": str(prt_root),
        "PRT_VENV_ROOT": f"{prt_root}/venv",
        "CONSTRAINT_FILE": f"{WORK}/constraints.txt",
        "PRT_VARIANT": variant.value,
    }


def _files(recipes: tuple[Recipe, ...]) -> Iterable[File]:
    recipe = recipes[-1]
    yield from pip.pip_files(recipes)
    yield from (File(f"post-patch/{patch.name}", patch.content) for patch in recipe.post_patches)
    yield from (File(f"scripts/{script.name}", script.content, executable=True) for script in recipe.scripts)
    yield from (File(f"checks/{check.name}", check.content) for check in recipe.checks)
    yield from (File(f"{pip.DISTRIBUTIONS}/{wheel.name}", wheel.content) for wheel in recipe.wheels)
    yield from map(program_file, _PROGRAMS)
    yield _NO_USER_SITE
    yield from policy_of(recipe)
    yield from as_package(*_MODULES, *MOVABLE, *SBOM_PROGRAMS)


def _sbom(inputs: Inputs, variant: Variant) -> Iterable[File]:
    """The library that writes the SBOM, and what the plan knows for it."""
    yield from cyclonedx()
    yield File(PLANNED_SBOM, json.dumps(planned(inputs, variant), sort_keys=True).encode())


def _take_symbols(prt_root: PurePosixPath, epoch: int, top: str) -> tuple[Step, ...]:
    folder = f"{prt_root}/{SYMBOLS}"
    return pack("pack symbols", folder, SYMBOLS_ARTIFACT, epoch, top), Step("remove symbols", ("rm", "-r", folder))


def _user_site(variant: Variant, prt_root: PurePosixPath) -> Step:
    """A fleet's runtime runs what its manifest lists, and nothing that a user installed; developers try things out."""
    place = f"{prt_root}/{_NO_USER_SITE.name}"
    if variant is Variant.RUNTIME_DEV:
        return Step("allow packages of users", ("rm", "--force", place))
    return Step("allow no packages of users", ("install", "-m644", f"{WORK}/{_NO_USER_SITE.name}", place))


def _post_patch(patch: RecipeFile, prt_root: PurePosixPath, folder: str) -> Step:
    return Step(
        f"post-patch {patch.name}",
        (*_PATCH, f"--directory={prt_root}", f"--input={WORK}/post-patch/{patch.name}"),
        hint=f"{folder}/post-patch/{patch.name} does not fit the installed tree",
    )


def _script(script: RecipeFile, env: dict[str, str], folder: str) -> Step:
    hint = f"fix {folder}/scripts/{script.name}"
    return Step(f"script {script.name}", (f"{WORK}/scripts/{script.name}",), env, network=True, hint=hint)


def _pruned_and_movable(pruned: tuple[str, ...], prt_root: PurePosixPath, env: dict[str, str]) -> tuple[Step, ...]:
    """Remove what is pruned, and all bytecode; have what is left find itself in any folder."""
    python = f"{prt_root}/bin/python"
    prune = run_program(python, "prune.py", str(prt_root), *pruned, "**/__pycache__")
    return Step("prune", prune, env), make_movable("make what came movable", prt_root, env)


def _bytecode(recipe: Recipe, prt_root: PurePosixPath, env: dict[str, str]) -> Step:
    """Make bytecode, reproducibly. Developers edit what is installed: theirs is compared with its source."""
    mode = "checked-hash" if recipe.variant is Variant.RUNTIME_DEV else "unchecked-hash"
    # Without -I, which would ignore PYTHONHASHSEED.
    args = (f"{prt_root}/bin/python", f"{WORK}/compile_bytecode.py", mode, f"{prt_root}/lib", f"{prt_root}/venv")
    fixed = {"SOURCE_DATE_EPOCH": env["SOURCE_DATE_EPOCH"], "PYTHONHASHSEED": "0"}
    return Step("compile bytecode", args, fixed)


def _portable(prt_root: PurePosixPath, newest_symbols: tuple[str, ...]) -> Iterator[Step]:
    if newest_symbols:
        yield Step(
            f"check portable to {newest_symbols[0].replace('GLIBC_', 'glibc ')}",
            (f"{prt_root}/bin/python", "-B", "-m", "builder.inside.check_portable", str(prt_root), *newest_symbols),
            hint="pin an older release of the package, or have a lock for what is compiled: ./nox -s lock",
        )


def _check_movable(prt_root: PurePosixPath) -> Step:
    return Step(
        "check movable",
        (f"{prt_root}/bin/python", "-B", "-m", "builder.inside.check_movable", str(prt_root)),
        hint="have a script of the recipe change or remove these files",
    )


def _check(check: RecipeFile, prt_root: PurePosixPath, env: dict[str, str], folder: str) -> Step:
    args = (f"{prt_root}/bin/python", "-I", "-B", f"{WORK}/checks/{check.name}")
    return Step(f"check {check.name}", args, env, hint=f"the runtime is not what {folder}/checks/{check.name} expects")
