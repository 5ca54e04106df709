"""The results of stages: found in the cache, or made by an engine, each in a workplace of its own."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from builder.cache.cache import Cache
from builder.cache.store import Hit
from builder.console import Console, clock
from builder.engines.base import Engine, Item, Workplace
from builder.engines.running import new_log, run_steps
from builder.inputs.choices import Profile
from builder.inputs.project import Project
from builder.pipeline.materials import materials_of
from builder.pipeline.schedule import Release, Schedule
from builder.sources.shelf import SourceShelf
from builder.stages.interpreter.configure import PROFILE
from builder.stages.lock import read_lock
from builder.stages.manifest import ENGINE
from builder.stages.stage import Json, Stage, Step
from builder.targets import Arch, Target

COMPILED = "compiled"  # how it was, in what is recorded of a result
_LONGEST_WAIT = 4 * 3600  # seconds for another build that makes the same: more than any compile takes

# What a stage's workplace gets besides its own files, brought only where it is made.
More = Callable[[Stage], Iterable[Item]]

# Stages are made side by side; these downloads are the same for several of them.
ONE_AT_A_TIME = threading.Lock()


@dataclass
class Results:
    """What the stages of one project give. `found` has by key what this run found or made."""

    project: Project
    engine: Engine
    console: Console
    sources: SourceShelf
    cache: Cache
    found: dict[str, Hit] = field(default_factory=dict)
    longest_wait: float = _LONGEST_WAIT

    def of(self, stage: Stage, target: Target, parts: Path, more: More = lambda stage: ()) -> Hit:
        """The result of a stage that is kept: from the cache, else made with what `more` gives it.

        `parts` is a folder for files until they are complete. BuildError names the step that failed.
        """
        work = _Making(self, target, parts, more)
        return Schedule(work, self.found, self.engine.at_once(target.arch)).result(stage)

    def run(self, stage: Stage, place: Workplace, target: Target, more: Iterable[Item]) -> None:
        """Put a stage's files into a workplace and run its steps; BuildError names the first that fails."""
        place.put([*self.materials(stage), *more])
        self.run_steps(stage, place, target, stage.steps)

    def materials(self, stage: Stage) -> list[Item]:
        """The files of a stage, downloaded where they are not at hand."""
        with ONE_AT_A_TIME:
            return [*materials_of(stage, self.sources, self.project.pins)]

    def run_steps(self, stage: Stage, place: Workplace, target: Target, steps: Iterable[Step]) -> None:
        """Run steps of a stage in a workplace that has its files."""
        arch = stage.inputs.get("arch", target.arch.value)
        log = new_log(self.project.settings.artifact_dir, f"{stage.name}-{arch}", self.project.network)
        with self.console.stage(stage.name, log) if stage.brief else nullcontext(self.console) as console:
            run_steps(steps, place, console, log)

    def prove(self, stage: Stage, target: Target, result: Path) -> None:
        """Run a stage's proof with a result that was compiled or fetched; BuildError if it fails."""
        if stage.resolves:
            read_lock(result)
        if stage.acceptance:
            with self.engine.workplace(target.arch) as place:
                self.run(stage.acceptance, place, target, [Item(stage.output, result)])

    def how(self, stage: Stage, arch: Arch) -> str:
        """How a stage was compiled, in the manifest's words."""
        builds_on, emulator = self.engine.builds_on(arch), self.engine.emulator(arch)
        if stage.compiles and builds_on is not arch:
            return f"across on {builds_on.value}"
        return f"emulated by {emulator}" if emulator else "native"


@dataclass
class _Making:
    """The work of one schedule."""

    results: Results
    target: Target
    parts: Path
    more: More
    waiting: dict[str, float] = field(default_factory=dict)  # for other builds, by key: since when
    stopped: threading.Event = field(default_factory=threading.Event)

    def claim(self, stage: Stage) -> Release | None:
        """The cache's lock of its key; held by another build for too long, it is done without."""
        cache, say = self.results.cache, self.results.console.say
        release = cache.claim(stage)
        if release:
            return release
        if stage.key not in self.waiting:
            say(f"{stage.name}: another build makes the same: waiting for it")
        since = self.waiting.setdefault(stage.key, time.monotonic())
        if time.monotonic() - since < self.results.longest_wait:
            return None
        cache.report.trouble("lock", f"the lock of {stage.name} is held for too long: continuing without it")
        return lambda: None

    def find(self, stage: Stage) -> Hit | None:
        """What the cache has; says so, or why it has nothing."""
        results, say = self.results, self.results.console.say
        found = results.cache.find(stage, self.parts, lambda path: results.prove(stage, self.target, path))
        if isinstance(found, Hit):
            say(f"{stage.name}: from the cache ({found.path})")
            return found
        warning = "warning: " if found.damaged else ""
        verb = "resolved" if stage.resolves else "compiled"
        took = f"; took {clock(found.took)} last time" if found.took else ""
        say(f"{warning}{stage.name}: to be {verb} ({found.reason}{took})")
        if stage.output == PROFILE and results.project.settings.profile is Profile.KEPT:
            say("note: recipes/profiles has none for this version; `nox -s train` puts it there")
        return None

    def gather(self, stage: Stage, parents: Mapping[str, Hit]) -> list[Item]:
        """Its own files, those of its parents, and what was given."""
        items = (Item(name, hit.path) for name, hit in parents.items())
        return [*self.results.materials(stage), *items, *self.more(stage)]

    def make(self, stage: Stage, items: list[Item]) -> Hit:
        """Run it and prove what it made."""
        results, target = self.results, self.target
        started = time.monotonic()
        part = self.parts / f"{stage.key[:16]}-{stage.output}"
        with results.engine.workplace(target.arch, stage.compiles) as place:
            place.put(items)
            results.run_steps(stage, place, target, self._until_stopped(stage.steps))
            place.get(stage.output, part)
            for name in stage.byproducts:
                place.get(name, self.parts / f"{stage.key[:16]}-{name}")
        if stage.compiles:  # otherwise it has run as the target already
            results.prove(stage, target, part)
        built: dict[str, Json] = {
            COMPILED: results.how(stage, target.arch),
            ENGINE: results.engine.name,
            "seconds": round(time.monotonic() - started),
            "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }
        return Hit(part, built)

    def keep(self, stage: Stage, made: Hit) -> Hit:
        """Put it into the cache."""
        return self.results.cache.keep(stage, made.path, made.built)

    def stop(self) -> None:
        """End what runs, in this engine only until it is asked again."""
        self.stopped.set()
        self.results.engine.end_stages()

    def _until_stopped(self, steps: Iterable[Step]) -> Iterator[Step]:
        for step in steps:
            if self.stopped.is_set():
                raise KeyboardInterrupt
            yield step
