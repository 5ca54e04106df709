"""What pip installs, brought together: the locks, and the files that they name, from the cache or else downloaded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from builder.engines.base import Item
from builder.pipeline.distributions import unpacked, wheel_of
from builder.pipeline.results import Results
from builder.plan import Plan
from builder.stages.lock import LOCK, Distribution, lines, read_lock
from builder.stages.pip import DISTRIBUTIONS, FETCHED, folder_of
from builder.stages.stage import Stage
from builder.stages.venvs import lock_of
from builder.stages.wheel import Wheel


@dataclass(frozen=True)
class LockedFiles:
    """The packages of one plan. `parent` is the tree that they are installed into, `parts` a folder for parts."""

    results: Results
    plan: Plan
    parent: Item
    parts: Path

    def items(self) -> list[Item]:
        """What the runtime stage is given besides its own files."""
        locks = self.plan.locks
        locked = {LOCK: self._named, **{lock_of(name): each for name, each in locks.venvs.items()}}
        own = {file.name for file in self.plan.stage.files}  # the recipe's own wheels among them
        wanted = {
            lock: [one for one in each if f"{folder_of(lock)}/{one.file}" not in own] for lock, each in locked.items()
        }
        archive = self.parts / f"{locks.stage.key[:16]}-{FETCHED}"  # came with the resolution, if that was made now
        files = self._files(wanted, archive)
        for lock, wheels in locks.wheels.items():
            built = dict(map(self._built, wheels))
            locked[lock] = (*locked[lock], *built)
            files |= built
        return [
            *(Item(lock, lines(each)) for lock, each in locked.items()),
            *(
                Item(f"{folder_of(lock)}/{one.file}", files[one])
                for lock, each in locked.items()
                for one in each
                if one in files
            ),
        ]

    def distributions(self) -> Iterator[Distribution]:
        """Every file that is installed, and those that the packages from source are built with."""
        locks = self.plan.locks
        yield from chain(self._named, *locks.venvs.values(), *(one.source.requires for one in locks.every_wheel))

    @cached_property
    def _named(self) -> tuple[Distribution, ...]:
        """What the recipe's lock has, or else what its requirements resolve to."""
        locks = self.plan.locks
        if locks.named is not None:
            return locks.named
        hit = self.results.of(locks.stage, self.plan.target, self.parts, lambda _: (self.parent,))
        return tuple(read_lock(hit.path))

    def _built(self, wheel: Wheel) -> tuple[Distribution, Path]:
        """A package that is built from its source, unless that was done before."""

        def needed(stage: Stage) -> Iterator[Item]:
            if stage is wheel.stage:
                files = self._files({LOCK: [*wheel.source.requires]})
                yield from (Item(f"{DISTRIBUTIONS}/{one.file}", path) for one, path in files.items())

        hit = self.results.of(wheel.stage, self.plan.target, self.parts, needed)
        return wheel_of(hit.path, wheel.source.name, self.parts)

    def _files(self, wanted: Mapping[str, list[Distribution]], came: Path | None = None) -> dict[Distribution, Path]:
        """The files that locks want: from the cache, else out of an archive that `came`, else downloaded."""
        cache = self.results.cache
        files = {one: cache.content(one.sha256, self.parts) for one in chain.from_iterable(wanted.values())}
        if came and came.is_file():
            files |= self._kept(came, [one for one in wanted[LOCK] if files[one] is None])
        missing = {lock: [one for one in each if files[one] is None] for lock, each in wanted.items()}
        if any(missing.values()):
            files |= self._fetched(missing)
        return {one: path for one, path in files.items() if path}

    def _fetched(self, missing: Mapping[str, list[Distribution]]) -> dict[Distribution, Path]:
        """Distributions that are downloaded."""
        archive = self.parts / f"{self.plan.stage.key[:16]}-{FETCHED}"
        results, target = self.results, self.plan.target
        with results.engine.workplace(target.arch) as place:
            locks = (LOCK, *map(lock_of, self.plan.locks.venvs))
            wanted = (Item(lock, lines(missing.get(lock, ()))) for lock in locks)
            results.run(self.plan.fetch, place, target, [self.parent, *wanted])
            place.get(FETCHED, archive)
        return self._kept(archive, dict.fromkeys(chain.from_iterable(missing.values())))

    def _kept(self, archive: Path, wanted: Collection[Distribution]) -> dict[Distribution, Path]:
        """Each is verified by its sha256 before it is kept; an archive that has nothing we want is not even read."""
        cache = self.results.cache
        if not wanted:
            return {}
        return {one: cache.keep_content(one.sha256, part) for one, part in unpacked(archive, wanted, self.parts)}
