"""What a build would find and what it would make, before it runs: for each stage a hit, or a miss and why.

The plan needs to know the compilers. Nothing is started to look at them: they are taken as the last build saw them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from builder.cache.cache import Cache
from builder.files import read, write_whole
from builder.inputs.project import Project
from builder.pipeline import stores
from builder.plan import plan_runtime
from builder.stages.planning import BuildMachine
from builder.stages.stage import Stage
from builder.targets import Arch, Target

_LARGEST = 4096  # bytes of a note


def remember(project: Project, arch: Arch, machine: BuildMachine) -> None:
    """Note what builds for an architecture. Where that can't be written, the next outlook knows nothing."""
    with suppress(OSError):
        write_whole(_note(project, arch), json.dumps({**asdict(machine), "builds_on": machine.builds_on.value}))


def look_ahead(project: Project, target: Target, cache: Cache) -> Iterator[tuple[str, str]]:
    """Each stage a build of the target goes through, and what becomes of it; none if nothing was built here yet."""
    machine = _remembered(project, target.arch)
    if machine is None:
        return
    python_build, version = stores.python_build(
        project, stores.source_shelf(project, lambda line: None), lambda line: None
    )
    plan = plan_runtime(target, stores.inputs(project, version, python_build, machine))
    yield from _stages(plan.interpreter, cache)
    lock = plan.locks.stage
    yield lock.name, cache.outlook(lock)[1] if plan.locks.named is None else "in the recipe"
    yield from ((wheel.stage.name, cache.outlook(wheel.stage)[1]) for wheel in plan.locks.every_wheel)
    current = all(stores.artifacts(project).current(name, plan.stage.key) for name in plan.files)
    yield plan.stage.name, "up to date" if current else "to be built"


def _stages(stage: Stage, cache: Cache) -> Iterator[tuple[str, str]]:
    found, description = cache.outlook(stage)
    for parent in () if found else stage.parents:
        yield from _stages(parent, cache)
    yield stage.name, description


def _remembered(project: Project, arch: Arch) -> BuildMachine | None:
    try:
        fields = json.loads(read(_note(project, arch), _LARGEST))
        return BuildMachine(**{**fields, "builds_on": Arch(fields["builds_on"])})
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _note(project: Project, arch: Arch) -> Path:
    return stores.cache_folder(project) / "machines" / f"{arch.value}.json"
