"""What pip installs, brought together: the locks, and the files that they name, from the cache or else downloaded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from builder.engines.base import Item
from builder.pipeline.distributions import unpacked
from builder.pipeline.results import Results
from builder.plan import Plan
from builder.stages.lock import LOCK, PIP_LOCK, Distribution, lines, read_lock
from builder.stages.pip import DISTRIBUTIONS, FETCHED
from builder.stages.venvs import lock_of


@dataclass(frozen=True)
class Packages:
    """The packages of one plan. `parent` is the tree that they are installed into, `parts` a folder for parts."""

    results: Results
    plan: Plan
    parent: Item
    parts: Path

    def items(self) -> list[Item]:
        """What the package stage is given besides its own files."""
        locks, cache = self.plan.locks, self.results.cache
        named = self._resolved() if locks.named is None else locks.named
        own = {file.name for file in self.plan.stage.files}  # the recipe's own wheels among them
        wanted = {
            lock: [one for one in each if f"{DISTRIBUTIONS}/{one.file}" not in own]
            for lock, each in ((LOCK, named), *((lock_of(name), each) for name, each in locks.venvs.items()))
        }
        files = {one: cache.content(one.sha256, self.parts) for one in chain.from_iterable(wanted.values())}
        archive = self.parts / f"{locks.stage.key[:16]}-{FETCHED}"  # came with the resolution, if that was made now
        if archive.is_file():
            files |= self._kept(archive, [one for one in wanted[LOCK] if files[one] is None])
        missing = {lock: [one for one in each if files[one] is None] for lock, each in wanted.items()}
        if any(missing.values()):
            files |= self._fetched(missing)
        return [
            Item(LOCK, lines(named)),
            Item(PIP_LOCK, lines(one for one in named if one.name == "pip")),
            *(Item(f"{DISTRIBUTIONS}/{one.file}", path) for one, path in files.items() if path),
        ]

    def _resolved(self) -> tuple[Distribution, ...]:
        stage = self.plan.locks.stage
        return tuple(read_lock(self.results.of(stage, self.plan.target, self.parts, (self.parent,)).path))

    def _fetched(self, missing: dict[str, list[Distribution]]) -> dict[Distribution, Path]:
        """Distributions that are downloaded."""
        archive = self.parts / f"{self.plan.stage.key[:16]}-{FETCHED}"
        results, target = self.results, self.plan.target
        with results.engine.workplace(target.arch) as place:
            wanted = (Item(lock, lines(each)) for lock, each in missing.items())
            results.run(self.plan.fetch, place, target, [self.parent, *wanted])
            place.get(FETCHED, archive)
        return self._kept(archive, dict.fromkeys(chain.from_iterable(missing.values())))

    def _kept(self, archive: Path, wanted: Collection[Distribution]) -> dict[Distribution, Path]:
        """Each is verified by its sha256 before it is kept; an archive that has nothing we want is not even read."""
        cache = self.results.cache
        if not wanted:
            return {}
        return {one: cache.keep_content(one.sha256, part) for one, part in unpacked(archive, wanted, self.parts)}
