"""Stages are made after their parents, side by side where there is room, and the first failure ends the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from builder.cache.store import Hit
from builder.engines.base import Item
from builder.errors import BuildError
from builder.pipeline.schedule import Release, Schedule
from builder.stages.stage import Stage

WAIT = 10  # seconds: more than any of this takes


def stage(name: str, *parents: Stage) -> Stage:
    """A stage that is nothing but its name."""
    return Stage(name, {}, (), (), f"{name}.tgz", parents)


A, B = stage("a"), stage("b")
C = stage("c", A)
TOP = stage("top", A, B, C)


@dataclass
class Recorded:
    """Work that notes what is asked of it. What `meets` others is made only while these are made as well."""

    there: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)  # with another build
    fails: set[str] = field(default_factory=set)
    meets: set[str] = field(default_factory=set)
    looked_up: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)
    given: dict[str, set[str]] = field(default_factory=dict)
    at_once: int = 0
    running: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Barrier = field(default_factory=lambda: threading.Barrier(2, timeout=WAIT))

    def claim(self, stage: Stage) -> Release | None:
        """None the first time for what is busy."""
        if stage.name in self.busy:
            self.busy.remove(stage.name)
            return None
        self.claimed.append(stage.name)
        return lambda: self.claimed.remove(stage.name)

    def find(self, stage: Stage) -> Hit | None:
        """What is there."""
        self.looked_up.append(stage.name)
        return Hit(Path(stage.name), {}) if stage.name in self.there else None

    def gather(self, stage: Stage, parents: Mapping[str, Hit]) -> list[Item]:
        """Nothing; notes the parents."""
        self.given[stage.name] = {*parents}
        return []

    def make(self, stage: Stage, items: list[Item]) -> Hit:
        """Fails where it shall, and then the others last until they are stopped."""
        self.begun.append(stage.name)
        self.running += 1
        self.at_once = max(self.at_once, self.running)
        if stage.name in self.meets:
            self.arrived.wait()
        if stage.name in self.fails:
            raise BuildError(f"{stage.name} failed")
        if self.fails:
            assert self.stopped.wait(WAIT)
        self.running -= 1
        return Hit(Path(stage.name), {})

    def keep(self, stage: Stage, made: Hit) -> Hit:
        """Note it."""
        self.kept.append(stage.name)
        return made

    def stop(self) -> None:
        """Let what runs end."""
        self.stopped.set()


def result(work: Recorded, at_once: int = 1, top: Stage = TOP) -> Hit:
    """The result of a stage."""
    return Schedule(work, {}, at_once).result(top)


def test_what_is_missing_is_looked_up_from_the_top_once_and_made_from_the_bottom() -> None:
    work = Recorded()
    assert result(work).path == Path("top")
    assert work.looked_up == ["top", "a", "b", "c"]
    assert work.begun == work.kept == ["a", "b", "c", "top"]
    assert work.given == {"a": set(), "b": set(), "c": {"a.tgz"}, "top": {"a.tgz", "b.tgz", "c.tgz"}}
    assert work.claimed == []


def test_the_parents_of_what_is_there_are_not_even_looked_up() -> None:
    work = Recorded(there={"top"})
    result(work)
    assert (work.looked_up, work.begun) == (["top"], [])
    work = Recorded(there={"c"})
    result(work)
    assert work.begun == ["a", "b", "top"]


def test_what_was_made_before_is_not_looked_up_again() -> None:
    work, done = Recorded(), {TOP.key: Hit(Path("top"), {})}
    assert Schedule(work, done, 1).result(TOP).path == Path("top")
    assert work.looked_up == []


def test_two_run_at_once_where_there_is_room_for_two() -> None:
    work = Recorded(meets={"a", "b"})
    result(work, at_once=2)
    assert work.at_once == 2


def test_no_more_run_at_once_than_there_is_room_for() -> None:
    many = stage("many", *(stage(f"{number}") for number in range(20)))
    work = Recorded()
    result(work, at_once=3, top=many)
    assert work.at_once <= 3
    assert len(work.kept) == 21


def test_what_another_build_makes_is_waited_for_while_the_rest_is_made() -> None:
    work = Recorded(busy={"a"}, there={"a"})
    result(work)
    assert work.looked_up[:3] == ["top", "b", "c"]
    assert sorted(work.kept) == ["b", "c", "top"]


def test_the_first_failure_ends_the_others_and_nothing_is_begun_or_held_after_it() -> None:
    work = Recorded(fails={"b"}, meets={"a", "b"})
    started = time.monotonic()
    with pytest.raises(BuildError, match="b failed"):
        result(work, at_once=2)
    assert time.monotonic() - started < WAIT
    assert sorted(work.begun) == ["a", "b"]
    assert work.stopped.is_set()
    assert work.claimed == []


def test_an_interruption_ends_everything() -> None:
    class Interrupted(Recorded):
        def keep(self, stage: Stage, made: Hit) -> Hit:
            raise KeyboardInterrupt

    work = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        result(work)
    assert work.stopped.is_set()
    assert work.claimed == []
