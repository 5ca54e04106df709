"""pip's part: what the requirements resolve to is locked by sha256, and only what the lock names is installed.

The *lock* is a stage of its own, made once and kept like a compiled result. The files it names are distributions,
known by their sha256 wherever they come from: downloaded with the lock, or by `fetch` if some are missing later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from builder.inputs.recipe import Recipe, RecipeFile
from builder.stages.lock import LOCK, Distribution, lines
from builder.stages.programs import BYTECODE, program_file, run_program
from builder.stages.stage import WORK, File, Json, Stage, Step, unpack_tree
from builder.targets import Variant

PARENT = "parent.tgz"
LOCK_STAGE = "lock"
FETCHED = "fetched.tar"
DISTRIBUTIONS = "distributions"

OPTIONS = ("--no-cache-dir", "--no-input", "--disable-pip-version-check")
_INSTALL = ("install", *OPTIONS, "--root-user-action=ignore")
_FROM_FILES = (*_INSTALL, "--no-compile", "--no-deps", "--require-hashes")
_REPORT = f"{WORK}/report.json"
_UNPACKED = f"{WORK}/pip"
UNPACK_PIP = program_file("unpack_pip.py")
# A hint that shows how to avoid this check would be worse than none.
_OTHER_FILE = (
    "where a digest differs, somebody replaced a released file or altered it on the way: find out before you take it; "
    "a file that is gone needs another version in the requirements or constraints.txt"
)


def plan_lock(
    recipes: tuple[Recipe, ...], inputs: Mapping[str, Json], *, prt_root: PurePosixPath, env: Mapping[str, str]
) -> Stage:
    """Plan the resolution of the last recipe's requirements. `inputs` say which files suit the interpreter."""
    recipe = recipes[-1]
    pip = _pip(prt_root)
    constraint = f"--constraint={WORK}/constraints.txt"
    # The requirements below are asked for again: what they want still holds, or pip names the conflict.
    asked = [f"--requirement={WORK}/{requirement(one, file)}" for one in recipes for file in one.requirements]
    first = recipe.variant is Variant.RUNTIME
    folder = f"recipes/{recipe.variant.recipe_folder}/requirements"
    named = ", ".join(f"{folder}/{file.name}" for file in recipe.requirements) or "the requirements"
    steps = (
        unpack_tree("unpack parent", PARENT, str(prt_root)),
        *have_pip(recipe, prt_root),
        *(
            (Step("install pip", (*pip, *_INSTALL, constraint, "pip"), with_unpacked_pip(env), network=True),)
            if first
            else ()
        ),
        Step(
            "resolve requirements",
            (
                *pip, *_INSTALL, "--dry-run", "--quiet", f"--report={_REPORT}", "--only-binary=:all:",
                *(("--ignore-installed",) if first else ()), constraint, "pip", *asked,
            ),
            env,
            network=True,
            hint=f"fix {named} or constraints.txt; a package that has no wheel for Python {inputs['version']} on "
            f"{inputs['arch']} is compiled from its source if the requirements say `--no-binary NAME`",
        ),
        Step(
            "write lock",
            run_program(f"{prt_root}/bin/python", "write_lock.py", _REPORT, f"{WORK}/{LOCK}"),
            env,
            hint="without a lock, a requirement must be a release on an index; `nox -s lock` locks others as well",
        ),
    )  # fmt: skip
    steps += _download(prt_root, env, [LOCK])  # while there is a pip at hand
    return Stage(
        LOCK_STAGE,
        inputs,
        (*pip_files(recipes), program_file("write_lock.py")),
        steps,
        LOCK,
        byproducts=(FETCHED,),
        resolves=True,
    )


def given_lock(named: tuple[Distribution, ...]) -> Stage:
    """The stage of a lock that is part of the recipe: it has no steps, for its result is known."""
    return Stage(LOCK_STAGE, {}, (File(LOCK, lines(named)),), (), LOCK)


def plan_fetch(
    recipes: tuple[Recipe, ...], locks: Iterable[str], *, prt_root: PurePosixPath, env: Mapping[str, str]
) -> Stage:
    """Plan the download of what locks name; the files of these names have the lines of what is wanted of each."""
    steps = (
        unpack_tree("unpack parent", PARENT, str(prt_root)),
        *have_pip(recipes[-1], prt_root),
        *_download(prt_root, _installing(recipes[-1], env), locks),
    )
    return Stage("fetch", {}, tuple(pip_files(recipes[-1:])), steps, FETCHED)


def _download(prt_root: PurePosixPath, env: Mapping[str, str], locks: Iterable[str]) -> tuple[Step, ...]:
    """One after the other: two locks may name two versions of a package."""
    download = (
        *_pip(prt_root), "download", *OPTIONS, "--no-deps", "--require-hashes",
        f"--dest={WORK}/{DISTRIBUTIONS}",
    )  # fmt: skip
    archive = ("tar", "--create", f"--file={WORK}/{FETCHED}", f"--directory={WORK}/{DISTRIBUTIONS}", ".")
    return (
        Step("make folder", ("mkdir", "-p", f"{WORK}/{DISTRIBUTIONS}")),
        *(
            Step(_named("download packages", lock), (*download, f"--requirement={WORK}/{lock}"), env, network=True,
                 hint=_OTHER_FILE)
            for lock in locks
        ),
        Step("pack packages", archive),
    )  # fmt: skip


def _named(step: str, lock: str) -> str:
    return step if lock == LOCK else f"{step} of {PurePosixPath(lock).stem}"


def install(recipe: Recipe, prt_root: PurePosixPath, env: Mapping[str, str]) -> Iterable[Step]:
    """The steps that install what the lock names, from files only; by the pip that it names."""
    pip = _pip(prt_root)
    yield from have_pip(recipe, prt_root)
    compiles = bool(recipe.compiled) and recipe.lock is None
    yield install_lock(pip, LOCK, _installing(recipe, env), compiles=compiles)
    if recipe.variant is Variant.RUNTIME:
        folders = (str(prt_root), f"{WORK}/{DISTRIBUTIONS}")
        yield Step("bundle pip", run_program(f"{prt_root}/bin/python", "bundle_pip.py", *folders), env)
    yield Step("compare with the lock", compare_lock(str(prt_root), LOCK), env, hint=elsewhere(recipe))
    yield Step("pip check", (*pip, "check"), env, hint="two requirements exclude each other: change one of them")


def folder_of(lock: str) -> str:
    """Where in the work folder the files are that a lock names: two locks may name two files of one release."""
    return DISTRIBUTIONS if lock == LOCK else lock.removesuffix(".lock")


def from_files(lock: str = LOCK) -> tuple[str, ...]:
    """pip's arguments for an installation of the files of a lock."""
    return (*_FROM_FILES, f"--find-links={WORK}/{folder_of(lock)}")


def install_lock(pip: tuple[str, ...], lock: str, env: Mapping[str, str], *, compiles: bool = False) -> Step:
    """Install what a lock names, from files only. Where nothing was locked before, it compiles sources as well: what
    they ask for comes from the index.
    """
    name = _named("install packages", lock)
    if compiles:
        name += " (what they are compiled with comes unlocked from the index)"
    offline = () if compiles else ("--no-index",)
    return Step(name, (*pip, *from_files(lock), *offline, f"--requirement={WORK}/{lock}"), env, network=compiles)


def compare_lock(root: str, lock: str) -> tuple[str, ...]:
    """The command that fails unless the Python below a folder has what a lock names."""
    return run_program(f"{root}/bin/python", "compare_lock.py", root, f"{WORK}/{lock}")


def elsewhere(recipe: Recipe) -> str:
    """What to look at where something else was installed than a lock names."""
    return f"pip installed elsewhere, or nothing: recipes/{recipe.variant.recipe_folder}/pip.conf may say so"


def environment(libc_floor: str | None) -> dict[str, str]:
    """The variables of every step that runs pip: it takes no wheel that needs a newer glibc than `libc_floor`."""
    floor = {"PYTHONPATH": f"{WORK}/wheels", "MANYLINUX_FLOOR": libc_floor} if libc_floor else {}
    return {"PYTHONPYCACHEPREFIX": BYTECODE, **floor}


def have_pip(recipe: Recipe, prt_root: PurePosixPath) -> Iterable[Step]:
    """The steps after which there is a pip, configured as the recipe wants it; the tree of an interpreter has none."""
    if recipe.pip_conf is not None:
        yield Step("pip.conf", ("install", "-m", "644", f"{WORK}/pip.conf", f"{prt_root}/pip.conf"))
    if recipe.variant is Variant.RUNTIME:
        yield unpack_pip(prt_root)


def unpack_pip(prt_root: PurePosixPath) -> Step:
    """Unpack a pip outside of the tree; `with_unpacked_pip` has Python find it."""
    args = (f"{WORK}/{DISTRIBUTIONS}", _UNPACKED)
    return Step("unpack pip", run_program(f"{prt_root}/bin/python", UNPACK_PIP.name, *args))


def with_unpacked_pip(env: Mapping[str, str]) -> Mapping[str, str]:
    """The variables of a step that runs the unpacked pip."""
    places = (*env.get("PYTHONPATH", "").split(":"), _UNPACKED)
    return {**env, "PYTHONPATH": ":".join(filter(None, places))}


def _installing(recipe: Recipe, env: Mapping[str, str]) -> Mapping[str, str]:
    return with_unpacked_pip(env) if recipe.variant is Variant.RUNTIME else env


def _pip(prt_root: PurePosixPath) -> tuple[str, ...]:
    return (f"{prt_root}/bin/python", "-m", "pip")


def pip_files(recipes: tuple[Recipe, ...]) -> Iterable[File]:
    """The requirements and constraints of all recipes, and pip's configuration of the last."""
    yield File("constraints.txt", b"\n".join(one.constraints for one in recipes))
    for one in recipes:
        yield from (File(requirement(one, file), file.content) for file in one.requirements)
    if recipes[-1].pip_conf is not None:
        yield File("pip.conf", recipes[-1].pip_conf)
    yield replace(program_file("_manylinux.py"), name="wheels/_manylinux.py")
    yield UNPACK_PIP


def requirement(recipe: Recipe, file: RecipeFile) -> str:
    """Where a requirements file is in the work folder."""
    return f"requirements/{recipe.variant.recipe_folder}/{file.name}"
