"""The session that locks the recipes' packages."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from pathlib import Path

from packaging.pylock import Package
from packaging.utils import canonicalize_name, parse_wheel_filename

from builder import versions
from builder.artifact_dir import WORK
from builder.console import say
from builder.errors import UserError
from builder.files import write_whole
from builder.inputs import network, package_lock
from builder.inputs.environment import environment
from builder.inputs.makefile_vars import nearest
from builder.inputs.package_lock import FILE, PackageLock
from builder.inputs.project import Project
from builder.inputs.recipe import Recipe, Venv, chain_of
from builder.sessions.opening import read_project, reported
from builder.sources.uv import Uv
from builder.stages.locked import Platform, locked, of_venv
from builder.targets import Arch, Variant
from builder.work import work_folder


@reported
def lock(args: Sequence[str], uv: Path) -> None:
    """Lock what each recipe's requirements resolve to, and those of its virtual environments, in a pylock.toml each."""
    locking = _Locking(read_project(), uv, _arguments(args))
    project = locking.project
    _demand_known(locking.wanted.upgrade or (), project.recipes.values())
    done: dict[Variant, Recipe] = {}
    for variant in Variant:
        recipes = chain_of({**project.recipes, **done}, variant)
        recipe, path = recipes[-1], project.recipes_folder / variant.recipe_folder / FILE
        asked = tuple(chain.from_iterable(one.asked for one in recipes))
        new = locking.lock(recipe, _files(recipes), asked, path, recipe.lock)
        venvs = tuple(replace(venv, lock=locking.lock_venv(recipe, venv)) for venv in recipe.venvs)
        done[variant] = replace(recipe, lock=new, venvs=venvs)
    notes = dict.fromkeys(note for one in project.each_version() for note in _unfit(one, done))
    say("\n".join(f"note: {note}" for note in notes) if notes else "every package has a file for every platform")


@dataclass(frozen=True)
class _Locking:
    """How locks are made: by which resolver, and what of them may become newer."""

    project: Project
    uv: Path
    wanted: argparse.Namespace

    def lock(
        self, recipe: Recipe, files: Mapping[str, bytes], asked: tuple[str, ...], path: Path, old: PackageLock | None
    ) -> PackageLock:
        """One lock, made again where it has to be."""
        kept = "" if old is None or self.wanted.upgrade == [] else old.text
        resolver = Uv(self.uv, sys.executable, _network(self.project, recipe), environment())
        with work_folder(self.project.settings.artifact_dir / WORK, "lock") as work:
            folder = work.path / recipe.variant.recipe_folder
            folder.mkdir()
            resolved = resolver.resolve(folder, files, kept, _options(self.project, self.wanted))
        new = package_lock.parse(path, package_lock.text_of(resolved, asked).encode())
        _take(self.project, old, new, write=not self.wanted.diff)
        return new

    def lock_venv(self, recipe: Recipe, venv: Venv) -> PackageLock:
        """The lock of one of a recipe's virtual environments."""
        files = {f"{venv.name}-requirements.txt": venv.requirements}
        return self.lock(recipe, files, venv.asked, venv.folder / FILE, venv.lock)


def _demand_known(names: Iterable[str], recipes: Iterable[Recipe]) -> None:
    """Raise UserError for a package that no lock has: nothing of that name could become newer."""
    locks = [lock for recipe in recipes for lock in (recipe.lock, *(venv.lock for venv in recipe.venvs)) if lock]
    known = {package.name for lock in locks for package in lock.content.packages}
    for name in names:
        if known and canonicalize_name(name) not in known:
            raise UserError(f"--upgrade {name}: no lock has a package of that name", nearest(name.lower(), known))


def _options(project: Project, wanted: argparse.Namespace) -> Iterator[str]:
    """The resolver's options."""
    yield f"--python-version={_lowest(project)}"
    yield from (f"--upgrade-package={name}" for name in wanted.upgrade or ())
    if wanted.cool_down:
        newest = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=wanted.cool_down)
        yield f"--exclude-newer={newest.isoformat(timespec='seconds')}"


def _lowest(project: Project) -> str:
    """The lowest series that is asked for or pinned: another PYTHON_VERSION then needs no other lock."""
    known = (*project.pins.pythons, *(one.settings.python_version for one in project.each_version()))
    return ".".join(map(str, min(map(versions.series, known))))


def _unfit(project: Project, recipes: Mapping[Variant, Recipe]) -> Iterator[str]:
    """What a build of a version could not install, for each architecture."""
    settings = project.settings
    for arch, variant in product(Arch, Variant):
        platform = Platform(settings.python_version, arch, project.pins.sysroot(settings.sysroot, arch).glibc)
        try:
            locked(chain_of(recipes, variant), platform)
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
    for one in recipes[:-1]:
        packages = one.lock.content.packages if one.lock else ()
        files["constraints-below.txt"] = "".join(map(_line, packages)).encode()
    return files


def _take(project: Project, old: PackageLock | None, new: PackageLock, *, write: bool) -> None:
    """Write a lock if it is another than before, and say what changed."""
    done = "unchanged"
    if old is None or old.text != new.text:
        done = "written" if write else "not written (--diff)"
        if write:
            write_whole(new.path, new.text)
    changes = _changes(old.content.packages if old else (), new.content.packages)
    say("\n".join((f"{new.path.relative_to(project.root)}: {done}", *changes)))


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


def _network(project: Project, recipe: Recipe) -> network.Network:
    """The machine's network, and what the recipe's pip.conf says where the machine says nothing."""
    pip = network.configured(recipe.pip_conf or b"")
    return replace(project.network, pip={**pip, **project.network.pip})


def _line(package: Package) -> str:
    return f"{package.name}=={package.version}{f' ; {package.marker}' if package.marker else ''}\n"


def _changes(before: Iterable[Package], after: Iterable[Package]) -> Iterator[str]:
    """What a lock gained and lost, a line each."""
    old, new = ({(one.name, str(one.version)) for one in packages} for packages in (before, after))
    for name, version in sorted(old ^ new):
        yield f"  {'+' if (name, version) in new else '-'} {name} {version}"


def _arguments(args: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s lock --", description="Lock the recipes' packages.")
    parser.add_argument(
        "--upgrade", nargs="*", metavar="NAME", help="take newer releases of these packages, or of all of them"
    )
    parser.add_argument("--diff", action="store_true", help="show what would change, and write nothing")
    parser.add_argument("--cool-down", type=int, default=0, metavar="DAYS", help="take no file that is younger")
    return parser.parse_args(args)
