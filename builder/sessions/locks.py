"""The session that locks the recipes' packages."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, product
from pathlib import Path

from packaging.pylock import Package
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from builder.console import say
from builder.errors import UserError
from builder.inputs import build_system
from builder.inputs.makefile_vars import nearest
from builder.inputs.package_lock import FILE
from builder.inputs.project import Project
from builder.inputs.recipe import Recipe, RecipeFile, SourceTree, Venv, chain_of
from builder.sessions.locking import Locking, Question
from builder.sessions.opening import read_project, reported
from builder.stages.locked import Platform, of_recipe, of_venv
from builder.targets import Arch, Variant


@reported
def renew(args: Sequence[str], uv: Path) -> None:
    """Lock what each recipe's requirements resolve to, and those of its virtual environments, in a pylock.toml each."""
    locking = Locking(read_project(), uv, _arguments(args))
    project = locking.project
    _demand_known(locking.wanted.upgrade or (), project.recipes.values())
    done: dict[Variant, Recipe] = {}
    for variant in Variant:
        recipes = chain_of({**project.recipes, **done}, variant)
        recipe = recipes[-1]
        _demand_agreement(recipes)
        new = locking.lock(_question(recipes, project.recipes_folder), recipe, recipe.lock)
        builds = locking.builds(recipes, recipe, new)
        venvs = tuple(_with_locks(venv, recipe, locking) for venv in recipe.venvs)
        done[variant] = replace(recipe, lock=new, builds=builds, venvs=venvs)
    notes = dict.fromkeys(note for one in project.each_version() for note in _unfit(one, done))
    say("\n".join(f"note: {note}" for note in notes) if notes else "every package has a file for every platform")


def _question(recipes: tuple[Recipe, ...], folder: Path) -> Question:
    """What the lock of the last recipe is to answer."""
    asked = tuple(chain.from_iterable(one.asked for one in recipes))
    path = folder / recipes[-1].variant.recipe_folder / FILE
    below = next((one.lock for one in recipes[:-1]), None)
    return Question(_files(recipes), asked, path, _sources(recipes), below)


def _with_locks(venv: Venv, recipe: Recipe, locking: Locking) -> Venv:
    """A virtual environment with new locks."""
    files = {f"{venv.name}-requirements.txt": venv.requirements}
    question = Question(files, venv.asked, venv.folder / FILE, _sources((venv,)))
    new = locking.lock(question, recipe, venv.lock)
    return replace(venv, lock=new, builds=locking.builds((venv,), recipe, new))


def _sources(asking: Sequence[Recipe | Venv]) -> frozenset[str] | None:
    """The packages that are known to come as sources; None where nothing can."""
    asked = [line for one in asking for line in one.asked]
    compiled = frozenset[str]().union(*(one.compiled for one in asking))
    direct = (re.match(r"([\w.-]+)\s*(?:\[.*?\])?\s*@", line) for line in asked)
    projects = [project for one in asking if isinstance(one, Recipe) for project in one.projects]
    if not (compiled or projects or any("://" in line for line in asked)):
        return None
    named = (canonicalize_name(match[1]) for match in direct if match)
    return compiled.union(named, filter(None, map(_name, projects)))


def _name(project: RecipeFile | SourceTree) -> str | None:
    """What a project is called, if that can be seen without building it."""
    if isinstance(project, SourceTree):
        return build_system.name(project.content(build_system.PYPROJECT))
    return canonicalize_name(project.name.rpartition("-")[0])


def _demand_known(names: Iterable[str], recipes: Iterable[Recipe]) -> None:
    """Raise UserError for a package that no lock has: nothing of that name could become newer."""
    known = {package.name for recipe in recipes for lock in recipe.locks for package in lock.content.packages}
    for name in names:
        if known and canonicalize_name(name) not in known:
            raise UserError(f"--upgrade {name}: no lock has a package of that name", nearest(name.lower(), known))


def _demand_agreement(recipes: tuple[Recipe, ...]) -> None:
    """Raise UserError for a line of the last recipe that excludes what those before it have: that is not chosen again.

    The resolver would name packages that want both, and neither of the files.
    """
    *before, recipe = recipes
    for line, below in product(recipe.asked, filter(None, (one.lock for one in before))):
        asked = line.removeprefix("--constraint ")
        try:
            wanted = Requirement(asked)
        except InvalidRequirement:  # an option, or code of its own
            continue
        name = canonicalize_name(wanted.name)
        there = [str(one.version) for one in below.content.packages if one.name == name and one.version]
        if there and not wanted.marker and not any(wanted.specifier.filter(there, prereleases=True)):
            file = "requirements" if line == asked else "constraints.txt"
            raise UserError(
                f"recipes/{recipe.variant.recipe_folder}/{file} has {asked}, and {below.path} {name} {there[0]}",
                f"take the line out, for {recipe.variant.value} has the same release; or move it to the recipe below",
            )


def _unfit(project: Project, recipes: Mapping[Variant, Recipe]) -> Iterator[str]:
    """What a build of a version could not install, for each architecture."""
    settings = project.settings
    for arch, variant in product(Arch, Variant):
        platform = Platform(settings.python_version, arch, project.pins.sysroot(settings.sysroot, arch).glibc)
        try:
            of_recipe(chain_of(recipes, variant), platform)
            for venv in recipes[variant].venvs:
                of_venv(venv, platform)
        except UserError as problem:
            yield problem.message


def _files(recipes: tuple[Recipe, ...]) -> dict[str, bytes]:
    """What the resolver reads, by name. What the lock of the recipe below has is not chosen again."""
    files = {f"{one.variant.recipe_folder}-{file.name}": file.content for one in recipes for file in one.requirements}
    files |= {f"constraints-{one.variant.recipe_folder}.txt": one.constraints for one in recipes}
    files["pip.txt"] = b"pip\n"  # which installs the others
    # By the way from the recipe that is locked: so the lock has it.
    wheels = {f"../{one.variant.recipe_folder}/wheels/{wheel.name}": wheel for one in recipes for wheel in one.wheels}
    files |= {name: wheel.content for name, wheel in wheels.items()}
    files["wheels.txt"] = "".join(f"{name}{_marker(wheel.name)}\n" for name, wheel in wheels.items()).encode()
    sources = {
        f"../{one.variant.recipe_folder}/packages/{source.name}": source for one in recipes for source in one.projects
    }
    for name, source in sources.items():
        files |= source.below(name)
    files["packages.txt"] = "".join(f"{name}\n" for name in sources).encode()
    for one in recipes[:-1]:
        packages = one.lock.content.packages if one.lock else ()
        released = (package for package in packages if package.version and not package.vcs)
        files["constraints-below.txt"] = "".join(map(_line, released)).encode()
    return files


def _marker(wheel: str) -> str:
    """For which platforms a wheel is, as a requirement says it: one of each may be in a recipe."""
    *_, tags = parse_wheel_filename(wheel)
    machines = {arch.machine for arch in Arch for tag in tags if tag.platform.endswith(f"_{arch.machine}")}
    series = {tag.abi.rstrip("t").removeprefix("cp3") for tag in tags if tag.abi.startswith("cp3")}
    markers = [
        *(f"platform_machine == '{name}'" for name in machines if len(machines) == 1),
        *(f"python_version == '3.{name}'" for name in series if len(series) == 1),
    ]
    return f" ; {' and '.join(markers)}" if markers else ""


def _line(package: Package) -> str:
    return f"{package.name}=={package.version}{f' ; {package.marker}' if package.marker else ''}\n"


def _arguments(args: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s lock --", description="Lock the recipes' packages.")
    parser.add_argument(
        "--upgrade", nargs="*", metavar="NAME", help="take newer releases of these packages, or of all of them"
    )
    parser.add_argument("--diff", action="store_true", help="show what would change, and write nothing")
    parser.add_argument("--cool-down", type=int, default=0, metavar="DAYS", help="take no file that is younger")
    return parser.parse_args(args)
