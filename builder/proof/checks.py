"""What is checked of an installed runtime, however it was installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from builder.inputs.recipe import Recipe
from builder.inputs.settings import Settings
from builder.proof.proof import MANIFEST, TLS
from builder.stages.programs import as_package
from builder.stages.runtime import recipe_environment
from builder.stages.stage import WORK, File, Step
from builder.targets import Target

# Small, pure Python, without dependencies, and hardly in anybody's recipe.
_FROM_THE_INDEX = "peppercorn==0.6"

_PROGRAMS = Path(__file__).parents[1] / "inside" / "proof"


def check_files(recipes: tuple[Recipe, ...]) -> Iterator[File]:
    """The programs of `inside/proof/`, and the recipes' own checks."""
    yield from as_package(*(f"proof/{path.name}" for path in sorted(_PROGRAMS.glob("*.py"))))
    yield File("constraints.txt", b"\n".join(recipe.constraints for recipe in recipes))
    for recipe in recipes:
        for one in recipe.checks:
            yield File(f"checks/{recipe.variant.recipe_folder}/{one.name}", one.content)


def run_program(name: str, prt_root: PurePosixPath, module: str, *args: str, network: bool = False) -> Step:
    """A check by one of the programs of `inside/proof/`, run by the installed Python."""
    command = (_python(prt_root), "-B", "-m", f"builder.inside.proof.{module}", *args)
    return Step(name, command, network=network)


def all_checks(target: Target, settings: Settings, recipes: tuple[Recipe, ...]) -> Iterator[Step]:
    """Every check of a target; `recipes` are those it is made of, the production one first."""
    root = settings.prt_root
    python = _python(root)
    facts = {
        "arch": target.arch.value,
        "variant": target.variant.value,
        "prt_root": str(root),
        "runtime_version": settings.package_version,
    }

    said = (f"{name}={value}" for name, value in facts.items())
    yield run_program("manifest", root, "manifest", str(root), f"{WORK}/{MANIFEST}", *said)
    yield _doctor(root, settings)
    yield run_program("ELF files", root, "elf", str(root))
    yield run_program("standard library", root, "stdlib", *_pruned(recipes))
    yield run_program("TLS", root, "tls", f"{WORK}/{TLS}")
    yield run_program("SQLite", root, "sqlite")
    yield run_program("virtual environment", root, "venv")
    yield Step("pip check", (python, "-B", "-m", "pip", "check"))
    yield run_program("pip install, uninstall", root, "pip", _FROM_THE_INDEX, network=True)
    yield from _own_checks(root, recipes)


def moved_checks(root: PurePosixPath, settings: Settings, recipes: tuple[Recipe, ...]) -> Iterator[Step]:
    """What is checked again of a tree that is now at `root`."""
    yield run_program("moved: places", root, "moved", str(root))
    yield run_program("moved: standard library", root, "stdlib", *_pruned(recipes))
    yield Step("moved: pip check", (_python(root), "-B", "-m", "pip", "check"))
    for step in _own_checks(root, recipes):
        yield replace(step, name=f"moved: {step.name}")
    yield replace(_doctor(root, settings), name="moved: doctor")  # the last: nothing above altered a file


def _doctor(root: PurePosixPath, settings: Settings) -> Step:
    return Step("doctor", (f"{root}/bin/{settings.package_prefix}-doctor",))


def _own_checks(root: PurePosixPath, recipes: tuple[Recipe, ...]) -> Iterator[Step]:
    """The checks of the recipes."""
    for recipe in recipes:
        folder = recipe.variant.recipe_folder
        env = {"PYTHONDONTWRITEBYTECODE": "1", **recipe_environment(root, recipe.variant)}
        for one in recipe.checks:
            command = (_python(root), "-I", "-B", f"{WORK}/checks/{folder}/{one.name}")
            yield Step(f"recipes/{folder}/checks/{one.name}", command, env)


def _pruned(recipes: tuple[Recipe, ...]) -> Iterator[str]:
    return (pattern for recipe in recipes for pattern in recipe.prune)


def _python(prt_root: PurePosixPath) -> str:
    return f"{prt_root}/bin/python"
