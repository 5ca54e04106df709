"""In which order stages are made: what is missing after its parents, side by side as far as there is room.

One thread looks results up, waits for other builds, downloads, and keeps what was made; the others only run steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol

from builder.cache.store import Hit
from builder.engines.base import Item
from builder.stages.stage import Stage

_POLL = 0.2  # seconds between two looks at what another build makes

Release = Callable[[], None]


class Work(Protocol):
    """What is done with a stage. Only `make` is called in other threads."""

    def claim(self, stage: Stage) -> Release | None:
        """Have a stage for ourselves, and say how to give it back; None while another build makes the same."""

    def find(self, stage: Stage) -> Hit | None:
        """Its result, if there is one."""

    def gather(self, stage: Stage, parents: Mapping[str, Hit]) -> list[Item]:
        """All that its steps need; `parents` are the results of its parents, by the names of their outputs."""

    def make(self, stage: Stage, items: list[Item]) -> Hit:
        """Run its steps."""

    def keep(self, stage: Stage, made: Hit) -> Hit:
        """Keep a result that was made."""

    def stop(self) -> None:
        """End every `make`: one of them failed, or the user interrupted us."""


@dataclass
class Schedule:
    """One result on its way, with all that it is made of. `done` has results by key, and gets every new one."""

    work: Work
    done: MutableMapping[str, Hit]
    at_once: int
    busy: dict[str, Stage] = field(default_factory=dict)  # by key: another build makes them
    missing: dict[str, Stage] = field(default_factory=dict)  # to be made once their parents are there
    running: dict[Future[Hit], Stage] = field(default_factory=dict)
    claims: dict[str, Release] = field(default_factory=dict)  # of those that are missing or running

    def result(self, stage: Stage) -> Hit:
        """Find it or make it; the first failure ends everything else that runs."""
        self.busy[stage.key] = stage
        with ThreadPoolExecutor(self.at_once) as pool:
            try:
                while stage.key not in self.done:
                    self._look()
                    for one in self._ready():
                        parents = {parent.output: self.done[parent.key] for parent in one.parents}
                        self.running[pool.submit(self.work.make, one, self.work.gather(one, parents))] = one
                    self._collect()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self.work.stop()
                raise
            finally:
                for release in self.claims.values():
                    release()
        return self.done[stage.key]

    def _look(self) -> None:
        """Look up what nobody else makes; of what is missing, the parents as well."""
        wanted = [*self.busy.values()]
        self.busy.clear()
        for stage in wanted:  # it grows
            if stage.key in self.done or stage.key in self.claims:
                continue
            release = self.work.claim(stage)
            if release is None:
                self.busy[stage.key] = stage
                continue
            self.claims[stage.key] = release
            found = self.work.find(stage)
            if found:
                self._end(stage, found)
            else:
                self.missing[stage.key] = stage
                wanted += stage.parents

    def _ready(self) -> Iterator[Stage]:
        """The missing ones whose parents are there, and for which there is room."""
        for key, stage in [*self.missing.items()]:
            if len(self.running) < self.at_once and all(parent.key in self.done for parent in stage.parents):
                del self.missing[key]
                yield stage

    def _collect(self) -> None:
        """Wait until something happens, and keep what was made."""
        if not self.running:
            time.sleep(_POLL if self.busy else 0)
            return
        ended, _ = wait(self.running, _POLL if self.busy else None, FIRST_COMPLETED)
        for future in ended:
            stage = self.running.pop(future)
            self._end(stage, self.work.keep(stage, future.result()))

    def _end(self, stage: Stage, found: Hit) -> None:
        self.done[stage.key] = found
        self.claims.pop(stage.key)()
