"""The package stage: a recipe laid on a parent tree, checked, pruned, described and packed.

The parent of `runtime` is the interpreter; the parent of `runtime-dev` is the finished runtime.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from builder.recipe import Recipe, RecipeFile
from builder.stages.interpreter import SYMBOLS
from builder.stages.step import WORK, File, Json, Stage, Step, pack, unpack
from builder.targets import Variant

PARENT = "parent.tgz"
PLANNED_MANIFEST = "planned-manifest.json"
MANIFEST = "manifest.json"
ARTIFACT = "artifact.tgz"
SYMBOLS_ARTIFACT = "symbols.tgz"

_INSIDE = Path(__file__).parents[1] / "inside"
_PATCH = ("patch", "-p1", "--force", "--no-backup-if-mismatch")
_PROGRAMS = ("check_portable.py", "compile_bytecode.py", "prune.py", "write_manifest.py")
_PIP_OPTIONS = ("--no-cache-dir", "--no-compile", "--no-input", "--root-user-action=ignore")


def runtime(
    recipes: tuple[Recipe, ...],
    parent_key: str,
    *,
    prt_root: PurePosixPath,
    epoch: int,
    manifest: Mapping[str, Json],
    libc_floor: str | None,
    symbols: bool,
) -> Stage:
    """Plan the package stage of the last recipe; those before it are already in the parent tree.

    `manifest` is what the plan knows of it; the rest is measured in the finished tree. `epoch` dates every file.
    `libc_floor` is the glibc version beyond which nothing may need anything; None accepts what comes. `symbols` says
    that the parent has a folder of debug symbols, to be packed by themselves.
    """
    recipe = recipes[-1]
    python = f"{prt_root}/bin/python"
    env = {"SOURCE_DATE_EPOCH": str(epoch), "PYTHONDONTWRITEBYTECODE": "1"}
    if libc_floor:
        env |= {"PYTHONPATH": f"{WORK}/wheels", "MANYLINUX_FLOOR": libc_floor}
    recipe_env = {**env, **recipe_environment(prt_root, recipe.variant)}
    folder = f"recipes/{recipe.variant.recipe_folder}"
    steps = [
        unpack("unpack parent", PARENT, str(prt_root)),
        *((_take_symbols(prt_root, epoch)) if symbols else ()),
        *(_post_patch(patch, prt_root, folder) for patch in recipe.post_patches),
        *_pip(recipes, python, prt_root, env),
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
            "write manifest",
            (
                python,
                "-I",
                "-B",
                f"{WORK}/write_manifest.py",
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
        inputs={"parent": parent_key, "manifest": dict(manifest)},
        files=tuple(_files(recipes)),
        steps=tuple(steps),
        output=ARTIFACT,
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
    yield File("constraints.txt", b"\n".join(one.constraints for one in recipes))
    for one in recipes:
        yield from (File(_requirement(one, file), file.content) for file in one.requirements)
    if recipe.pip_conf is not None:
        yield File("pip.conf", recipe.pip_conf)
    yield from (File(f"post-patch/{patch.name}", patch.content) for patch in recipe.post_patches)
    yield from (File(f"scripts/{script.name}", script.content, executable=True) for script in recipe.scripts)
    yield from (File(f"checks/{check.name}", check.content) for check in recipe.checks)
    yield from (File(name, (_INSIDE / name).read_bytes()) for name in _PROGRAMS)
    yield File("wheels/_manylinux.py", (_INSIDE / "_manylinux.py").read_bytes())


def _requirement(recipe: Recipe, file: RecipeFile) -> str:
    return f"requirements/{recipe.variant.recipe_folder}/{file.name}"


def _pip(recipes: tuple[Recipe, ...], python: str, prt_root: PurePosixPath, env: dict[str, str]) -> Iterable[Step]:
    recipe = recipes[-1]
    pip = (python, "-m", "pip")
    install = (*pip, "install", *_PIP_OPTIONS, f"--constraint={WORK}/constraints.txt")
    if recipe.pip_conf is not None:
        yield Step("pip.conf", ("install", "-m", "644", f"{WORK}/pip.conf", f"{prt_root}/pip.conf"))
    if recipe.variant is Variant.RUNTIME:
        yield Step("ensure pip", (python, "-m", "ensurepip", "--default-pip"), env)
        yield Step("upgrade pip", (*install, "--upgrade", "pip"), env, network=True)
    # Each file is installed together with those before it: what they ask for still holds, or pip names the conflict.
    earlier = [f"--requirement={WORK}/{_requirement(one, file)}" for one in recipes[:-1] for file in one.requirements]
    for file in recipe.requirements:
        earlier.append(f"--requirement={WORK}/{_requirement(recipe, file)}")
        yield Step(
            f"requirements {file.name}",
            (*install, *earlier),
            env,
            network=True,
            hint=f"mend recipes/{recipe.variant.recipe_folder}/requirements/{file.name} or constraints.txt",
        )
    yield Step("pip check", (*pip, "check"), env, hint="two requirements exclude each other: change one of them")


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
        (python, "-I", "-B", f"{WORK}/check_portable.py", str(prt_root), floor),
        hint="pin an older release of the package, or build for newer systems only: LIBRARIES=system",
    )


def _check(check: RecipeFile, python: str, env: dict[str, str], folder: str) -> Step:
    args = (python, "-I", "-B", f"{WORK}/checks/{check.name}")
    return Step(f"check {check.name}", args, env, hint=f"the runtime is not what {folder}/checks/{check.name} expects")
