"""Virtual environments inside a runtime: each from its own lock, from files only, its commands linked into bin/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from builder.inputs.recipe import Recipe
from builder.stages import pip
from builder.stages.lock import Distribution, lines
from builder.stages.programs import run_program
from builder.stages.stage import File, Step

Locked = Mapping[str, tuple[Distribution, ...]]  # what each venv has, by its name


def lock_of(name: str) -> str:
    """Where the lock of a venv is in the work folder."""
    return f"venvs/{name}.lock"


def files(locked: Locked) -> Iterator[File]:
    """Their locks."""
    return (File(lock_of(name), lines(named)) for name, named in locked.items())


def install(recipe: Recipe, prt_root: PurePosixPath, env: Mapping[str, str]) -> Iterator[Step]:
    """The steps that make a recipe's, and check what is in them. They have no pip: the runtime's installs."""
    python = f"{prt_root}/bin/python"
    for venv in recipe.venvs:
        folder, lock = f"{prt_root}/venv/{venv.name}", lock_of(venv.name)
        own = (python, "-m", "pip", f"--python={folder}/bin/python")
        yield Step(f"make venv {venv.name}", (python, "-m", "venv", "--without-pip", folder), env)
        yield pip.install_lock(own, lock, env)
        compare = pip.compare_lock(folder, lock)
        yield Step(f"compare {venv.name} with its lock", compare, env, hint=pip.elsewhere(recipe))
        yield Step(f"pip check {venv.name}", (*own, "check"), env, hint="its requirements exclude each other")
        link = run_program(python, "link_commands.py", str(prt_root), folder, *venv.commands)
        hint = f"{venv.folder}/commands.txt has patterns of what is in the bin folder of {venv.name}"
        yield Step(f"link commands of {venv.name}", link, env, hint=hint)
