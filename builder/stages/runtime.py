"""The package stage: a recipe laid on a parent tree, checked, pruned, described and packed.

The parent of `runtime` is the interpreter; the parent of `runtime-dev` is the finished runtime.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from builder.inputs.recipe import Recipe, RecipeFile
from builder.stages import pip
from builder.stages.interpreter.acceptance import SYMBOLS
from builder.stages.pip import PARENT
from builder.stages.programs import as_package, program
from builder.stages.stage import WORK, File, Json, Stage, Step, pack, unpack
from builder.targets import Variant

PLANNED_MANIFEST = "planned-manifest.json"
MANIFEST = "manifest.json"
ARTIFACT = "artifact.tgz"
SYMBOLS_ARTIFACT = "symbols.tgz"

_PATCH = ("patch", "-p1", "--force", "--no-backup-if-mismatch")


def plan_packages(
    recipes: tuple[Recipe, ...],
    parent_key: str,
    lock: Stage,
    *,
    prt_root: PurePosixPath,
    epoch: int,
    manifest: Mapping[str, Json],
    libc_floor: str | None,
    symbols: bool,
    surroundings: str,
) -> Stage:
    """Plan the package stage of the last recipe; those before it are already in the parent tree.

    `lock` resolves its requirements. `manifest` is what the plan knows of it; the rest is measured in the finished
    tree. `epoch` dates every file. `libc_floor` is the glibc version beyond which nothing may need anything; None
    accepts what comes. `symbols` says that the parent has a folder of debug symbols, to be packed by themselves.
    `surroundings` is the fingerprint of where the steps run.
    """
    recipe = recipes[-1]
    python = f"{prt_root}/bin/python"
    env = {"SOURCE_DATE_EPOCH": str(epoch), **pip.environment(libc_floor)}
    recipe_env = {**env, **recipe_environment(prt_root, recipe.variant)}
    folder = f"recipes/{recipe.variant.recipe_folder}"
    steps = [
        unpack("unpack parent", PARENT, str(prt_root)),
        *((_take_symbols(prt_root, epoch)) if symbols else ()),
        *(_post_patch(patch, prt_root, folder) for patch in recipe.post_patches),
        *pip.install(recipe, prt_root, env),
        *(_script(script, recipe_env, folder) for script in recipe.scripts),
        Step("prune", (python, "-I", "-B", f"{WORK}/prune.py", str(prt_root), *recipe.prune, "**/__pycache__"), env),
        Step(
            "compile bytecode",
            # Without -I, which would ignore PYTHONHASHSEED.
            (python, f"{WORK}/compile_bytecode.py", f"{prt_root}/lib", f"{prt_root}/venv"),
            {"SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0"},
        ),
        *((_portable(python, prt_root, libc_floor),) if libc_floor else ()),
        *(_check(check, python, recipe_env, folder) for check in recipe.checks),
        Step(
            "check kinds of files",
            (python, "-I", "-B", f"{WORK}/check_plain.py", str(prt_root)),
            env,
            hint="no artifact has setuid, setgid or sticky bits, devices, pipes or sockets: remove them in a script",
        ),
        Step(
            "write manifest",
            (
                python,
                "-B",
                "-m",
                "builder.inside.write_manifest",
                str(prt_root),
                f"{WORK}/{PLANNED_MANIFEST}",
                f"{WORK}/{MANIFEST}",
            ),
            env,
        ),
        pack("pack artifact", str(prt_root), ARTIFACT, epoch),
    ]
    return Stage(
        name=recipe.variant.value,
        inputs={"parent": parent_key, "manifest": dict(manifest), "surroundings": surroundings},
        files=tuple(_files(recipes)),
        steps=tuple(steps),
        output=ARTIFACT,
        parents=(lock,),
    )


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
    yield from pip.files(recipes)
    yield from (File(f"post-patch/{patch.name}", patch.content) for patch in recipe.post_patches)
    yield from (File(f"scripts/{script.name}", script.content, executable=True) for script in recipe.scripts)
    yield from (File(f"checks/{check.name}", check.content) for check in recipe.checks)
    yield from map(program, ("check_installed.py", "check_plain.py", "compile_bytecode.py", "prune.py"))
    yield from as_package("check_portable.py", "write_manifest.py")


def _take_symbols(prt_root: PurePosixPath, epoch: int) -> tuple[Step, ...]:
    folder = f"{prt_root}/{SYMBOLS}"
    return pack("pack symbols", folder, SYMBOLS_ARTIFACT, epoch), Step("remove symbols", ("rm", "-r", folder))


def _post_patch(patch: RecipeFile, prt_root: PurePosixPath, folder: str) -> Step:
    return Step(
        f"post-patch {patch.name}",
        (*_PATCH, f"--directory={prt_root}", f"--input={WORK}/post-patch/{patch.name}"),
        hint=f"{folder}/post-patch/{patch.name} does not fit the installed tree",
    )


def _script(script: RecipeFile, env: dict[str, str], folder: str) -> Step:
    hint = f"mend {folder}/scripts/{script.name}"
    return Step(f"script {script.name}", (f"{WORK}/scripts/{script.name}",), env, network=True, hint=hint)


def _portable(python: str, prt_root: PurePosixPath, floor: str) -> Step:
    return Step(
        f"check portable to glibc {floor}",
        (python, "-B", "-m", "builder.inside.check_portable", str(prt_root), floor),
        hint="pin an older release of the package, or build for newer systems only: LIBRARIES=system",
    )


def _check(check: RecipeFile, python: str, env: dict[str, str], folder: str) -> Step:
    args = (python, "-I", "-B", f"{WORK}/checks/{check.name}")
    return Step(f"check {check.name}", args, env, hint=f"the runtime is not what {folder}/checks/{check.name} expects")
