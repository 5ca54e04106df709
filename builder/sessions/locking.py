"""How one lock is made: what the resolver gets, what is kept of the lock before it, and what is said of the new one."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.pylock import Package

from builder import versions
from builder.artifact_dir import WORK
from builder.console import say
from builder.files import write_whole
from builder.inputs import build_system, network, package_lock
from builder.inputs.environment import logins
from builder.inputs.package_lock import PackageLock, build_file
from builder.inputs.project import Project
from builder.inputs.recipe import Builds, Recipe, Venv
from builder.pipeline import stores
from builder.pipeline.materials import brought
from builder.sources.uv import Uv
from builder.stages.from_source import FromSource, source_of
from builder.stages.locked import is_compiled
from builder.work import fresh_folder

ALL = ":all:"


@dataclass(frozen=True)
class Question:
    """What a lock is to answer: the files that the resolver reads, and the lines in them that count.

    `sources` are the packages known to come as sources; None says that there are none at all. `below` is the lock of
    the recipe below: where a branch moved on since, both have the commit of that one.
    """

    files: Mapping[str, bytes]
    asked: tuple[str, ...]
    path: Path
    sources: frozenset[str] | None = None
    below: PackageLock | None = None


@dataclass(frozen=True)
class Locking:
    """How locks are made: by which resolver, and what of them may become newer."""

    project: Project
    uv: Path
    wanted: argparse.Namespace

    def lock(self, question: Question, recipe: Recipe, old: PackageLock | None) -> PackageLock:
        """One lock, made again where it has to be."""
        before = question.below if old is None or self.wanted.upgrade == [] else old
        kept = before.text if before else ""
        with fresh_folder(self.project.settings.artifact_dir / WORK, "lock", say) as work:
            folder = work / recipe.variant.recipe_folder
            folder.mkdir()
            resolved = self._resolved(question, recipe, folder, kept)
        new = package_lock.parse(question.path, package_lock.text_of(resolved, question.asked).encode())
        _take(self.project, old, new, write=not self.wanted.diff)
        return new

    def builds(self, asking: tuple[Recipe, ...] | tuple[Venv], recipe: Recipe, lock: PackageLock) -> Builds:
        """Locks of what builds the packages that a lock has as sources; those of the recipe below have theirs."""
        *below, last = asking
        old = last.builds
        wanted: dict[str, list[FromSource]] = {}
        for source in _sources(lock, asking):
            if not any(source.name in one.builds.locks for one in below):
                wanted.setdefault(source.name, []).append(source)
        done = {}
        for name, sources in wanted.items():  # of several, each is for other platforms
            requires = tuple(dict.fromkeys(line for source in sources for line in self._requires(source)))
            asked = (*(line for source in sources for line in source.identity), *requires, *old.asked)
            files = {
                "requires.txt": "\n".join(requires).encode(),
                "requirements.txt": old.requirements,
                "constraints.txt": old.constraints,
            }
            question = Question(files, asked, lock.path.parent / build_file(name))
            done[name] = self.lock(question, recipe, old.locks.get(name))
        for name in old.locks.keys() - done.keys():
            say(f"{old.locks[name].path.relative_to(self.project.root)}: not needed any more")
            if not self.wanted.diff:
                old.locks[name].path.unlink()
        return replace(old, locks=done)

    def _resolved(self, question: Question, recipe: Recipe, folder: Path, kept: str) -> str:
        """What the resolver says. Only what has to be is a source: what an index gave as one is asked for again."""
        resolver = Uv(self.uv, sys.executable, _network(self.project, recipe), logins())
        sources = question.sources
        if sources is None:
            return resolver.resolve(folder, question.files, kept, self._options({ALL}))
        wheels = frozenset() if ALL in sources else package_lock.with_wheel(kept) - sources
        while True:
            resolved = resolver.resolve(folder, question.files, kept, self._options(wheels))
            more = {name for name in package_lock.without_wheel(resolved) if not is_compiled(name, sources)}
            if more <= wheels:
                return resolved
            wheels |= more

    def _options(self, wheels: Iterable[str]) -> Iterator[str]:
        """The resolver's options; of some packages it takes wheels only."""
        yield f"--python-version={_lowest(self.project)}"
        yield from (f"--only-binary={name}" for name in sorted(wheels))
        yield from (f"--upgrade-package={name}" for name in self.wanted.upgrade or ())
        if self.wanted.cool_down:
            newest = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=self.wanted.cool_down)
            yield f"--exclude-newer={newest.isoformat(timespec='seconds')}"

    def _requires(self, source: FromSource) -> tuple[str, ...]:
        """What a source says it is built with; it is fetched if need be."""
        if source.build_requirements is not None:
            return source.build_requirements
        (file,) = source.files
        archive = brought(file.content, stores.source_shelf(self.project, say), self.project.pins)
        return build_system.of_archive(archive, source.strip, source.subdirectory, source.described["source"])


def _sources(lock: PackageLock, asking: Iterable[Recipe | Venv]) -> Iterator[FromSource]:
    """What a lock has as sources, for whichever platform."""
    asking = tuple(asking)
    compiled = frozenset[str]().union(*(one.compiled for one in asking))
    for package in lock.content.packages:
        sdist = package.sdist if is_compiled(package.name, compiled) else None
        source = source_of(package, package.directory or package.vcs or package.archive or sdist, asking)
        if source:
            yield source


def _lowest(project: Project) -> str:
    """The lowest series that is asked for or pinned: another PYTHON_VERSION then needs no other lock."""
    known = (*project.pins.pythons, *(one.settings.python_version for one in project.each_version()))
    return ".".join(map(str, min(map(versions.series, known))))


def _take(project: Project, old: PackageLock | None, new: PackageLock, *, write: bool) -> None:
    """Write a lock if it is another than before, and say what changed."""
    done = "unchanged"
    if old is None or old.text != new.text:
        done = "written" if write else "not written (--diff)"
        if write:
            write_whole(new.path, new.text)
    changes = _changes(old.content.packages if old else (), new.content.packages)
    say("\n".join((f"{new.path.relative_to(project.root)}: {done}", *changes)))


def _network(project: Project, recipe: Recipe) -> network.Network:
    """The machine's network, and what the recipe's pip.conf says where the machine says nothing."""
    pip = network.configured(recipe.pip_conf or b"")
    return replace(project.network, pip={**pip, **project.network.pip})


def _changes(before: Iterable[Package], after: Iterable[Package]) -> Iterator[str]:
    """What a lock gained and lost, a line each."""
    old, new = ({(one.name, str(one.version or "from source")) for one in packages} for packages in (before, after))
    for name, version in sorted(old ^ new):
        yield f"  {'+' if (name, version) in new else '-'} {name} {version}"
