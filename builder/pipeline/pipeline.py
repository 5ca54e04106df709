"""Runs a plan: the stages that are not there yet, each in a workplace of its own, and publishes the result."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from builder.artifact_dir import WORK
from builder.cache.cache import Cache
from builder.console import Console
from builder.engines.base import Engine, Item
from builder.inputs.choices import Compile, Libraries
from builder.inputs.project import Project
from builder.pipeline import stores
from builder.pipeline.artifacts import Artifact
from builder.pipeline.locked_files import LockedFiles
from builder.pipeline.outlook import remember
from builder.pipeline.provenance import Provenance
from builder.pipeline.results import COMPILED, ONE_AT_A_TIME, Results
from builder.plan import DebPlan, Plan, plan_deb, plan_runtime
from builder.sources.shelf import SourceShelf
from builder.stages.description import MANIFEST, PLANNED_MANIFEST
from builder.stages.manifest import ENGINE
from builder.stages.pip import PARENT
from builder.stages.planning import BuildMachine
from builder.stages.stage import Json
from builder.targets import Target
from builder.trust.sshsig import fingerprint
from builder.trust.sums import SUMS
from builder.work import fresh_folder

_PARTS = "parts"  # kind of the work folders where files are until they are complete


@dataclass
class Pipeline:
    """Builds targets of one project with one engine."""

    project: Project
    engine: Engine
    console: Console
    sources: SourceShelf

    @cached_property
    def cache(self) -> Cache:
        """Where results of stages are found and kept."""
        return stores.cache(self.project, self.console.say)

    @cached_property
    def results(self) -> Results:
        """What finds and makes the results of stages."""
        return Results(self.project, self.engine, self.console, self.sources, self.cache)

    def build(self, target: Target) -> list[Artifact]:
        """Build a target, or find that nothing changed; returns its artifacts."""
        plan = self.plan(target)
        with self.parts() as parts:
            return self._summed_up(self._artifacts(plan, parts))

    def deb(self, target: Target) -> list[Artifact]:
        """Build the Debian package of a target, with its tarball first, or find that nothing changed."""
        project = self.project
        self.engine.can_package(target.arch)
        plan = plan_deb(self.plan(target), project.deb_recipe)
        current = [] if self.cache.skip_reason else self._current(plan)
        if current:
            self.console.say(f"{plan.file}: up to date, nothing to do")
            return self._summed_up(current)
        with self.parts() as parts:
            archive, *_ = self._artifacts(plan.runtime, parts)
            started = time.monotonic()
            self.console.say(f"{plan.file}: to be built")
            part = parts / plan.stage.output
            tarball = Item(PARENT, project.settings.artifact_dir / plan.runtime.tarball)
            with self.engine.workplace(target.arch, plan.stage.compiles) as place:
                self.results.run(plan.stage, place, target, [tarball])
                place.get(plan.stage.output, part)
            state = partial(self._provenance.of_deb, plan, archive)
            return self._summed_up(self._publish(plan, {plan.file: part}, started, state))

    def plan(self, target: Target) -> Plan:
        """Plan a target for the machine that will build it."""
        project = self.project
        with ONE_AT_A_TIME:
            python_build, version = stores.python_build(project, self.sources, self.console.say)
            machine = self._machine(target, version)
        remember(project, target.arch, machine)
        return plan_runtime(target, stores.inputs(project, version, python_build, machine))

    @contextmanager
    def parts(self) -> Iterator[Path]:
        """Where files are until they are complete."""
        scratch = self.project.settings.artifact_dir / WORK
        try:
            with fresh_folder(scratch, _PARTS, self.console.say) as parts:
                yield parts
        finally:
            self.cache.close(self.project.settings.artifact_dir)

    def _artifacts(self, plan: Plan, parts: Path) -> list[Artifact]:
        """A plan's artifacts, old or new."""
        settings = self.project.settings
        if not (self.cache.skip_reason or settings.no_package_cache):
            current = self._current(plan)
            if current:
                self.console.say(f"{plan.tarball}: up to date, nothing to do")
                return current
        before: list[Artifact] = []
        if plan.parent:
            before = self._artifacts(plan.parent, parts)[:1]
            parent = settings.artifact_dir / plan.parent.tarball
            compiled = json.loads((settings.artifact_dir / plan.parent.manifest_file).read_text())[COMPILED]
        else:
            interpreter = self.results.of(plan.interpreter, plan.target, parts)
            parent, compiled = interpreter.path, interpreter.built[COMPILED]
        return self._package(plan, Item(PARENT, parent), compiled, parts, before)

    def _current(self, plan: Plan | DebPlan) -> list[Artifact]:
        """All artifacts of a plan, in its order, if all of them are there and made by its key; else none."""
        found = [stores.artifacts(self.project).current(name, plan.stage.key) for name in plan.files]
        return [one for one in found if one] if all(found) else []

    def _summed_up(self, made: list[Artifact]) -> list[Artifact]:
        """The artifacts, after SHA256SUMS lists them; it is signed if there is a key."""
        key = stores.signing_key(self.project)
        if stores.artifacts(self.project).sum_up(key) and key:
            self.console.say(f"{SUMS}: signed by {fingerprint(key.public_key())}")
        return made

    def _machine(self, target: Target, version: str) -> BuildMachine:
        """Decide how the interpreter is compiled, and say why if it is not as the settings want it."""
        settings, engine = self.project.settings, self.engine
        crosses = settings.compile is Compile.ACROSS and settings.libraries is Libraries.BUNDLED
        if settings.compile is Compile.IN_PLACE and settings.libraries is Libraries.BUNDLED:
            self.console.say("note: COMPILE=in-place takes the libraries of the system, as LIBRARIES=system says")
        if crosses and not engine.crosses(target.arch):
            self.console.say(
                "note: no clang 19 here: the interpreter gets the libraries of this machine, and starts on no older "
                "system (the manifest's libc_floor); apt-get install $(grep -v '#' recipes/builder/compiler.txt)"
            )
            crosses = False
        toolchain = engine.toolchain(target.arch, version, compiles=crosses)
        surroundings = engine.surroundings(target.arch)
        return BuildMachine(toolchain, engine.builds_on(target.arch), crosses, surroundings)

    def _package(self, plan: Plan, parent: Item, compiled: Json, parts: Path, before: list[Artifact]) -> list[Artifact]:
        """The runtime stage: its artifacts appear under their names only when all are complete.

        `before` is the artifact that it starts from, if that is one.
        """
        started = time.monotonic()
        self.console.say(f"{plan.tarball}: to be built")
        manifest = {**plan.manifest, COMPILED: compiled, "stage_keys": plan.stage_keys}
        locked = LockedFiles(self.results, plan, parent, parts)
        planned = [parent, Item(PLANNED_MANIFEST, json.dumps(manifest).encode()), *locked.items()]
        parted = {name: parts / f"{plan.stage.name}-{name}" for name in plan.artifacts}
        with self.engine.workplace(plan.target.arch) as place:
            self.results.run(plan.stage, place, plan.target, planned)
            for name, part in parted.items():
                place.get(name, part)
        measured = json.loads(parted[MANIFEST].read_text())
        parted[MANIFEST].write_text(json.dumps({**measured, ENGINE: self.engine.name}, indent=2, sort_keys=True) + "\n")
        state = partial(self._provenance.of_runtime, plan, locked.distributions(), before)
        return self._publish(plan, {plan.artifacts[name]: part for name, part in parted.items()}, started, state)

    def _publish(
        self,
        plan: Plan | DebPlan,
        parted: Mapping[str, Path],
        started: float,
        state: Callable[[Iterable[Artifact]], bytes],
    ) -> list[Artifact]:
        """Give finished files their final names, and then what `state` says of them."""
        shelf, seconds = stores.artifacts(self.project), time.monotonic() - started
        made = [shelf.publish(part, name, plan.stage.key, seconds) for name, part in parted.items()]
        part = next(iter(parted.values())).with_name(plan.provenance)
        part.write_bytes(state(made))
        return [*made, shelf.publish(part, plan.provenance, plan.stage.key, seconds)]

    @property
    def _provenance(self) -> Provenance:
        roots = stores.roots(self.project, self.sources, self.console.say)
        return Provenance(self.project, roots, self.engine.name)
