"""The sessions over every package: one sequence for each architecture, in parallel where JOBS allows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import chain, product

from builder.console import Console, say
from builder.engines import choice
from builder.errors import BuilderError
from builder.pipeline.pipeline import Pipeline
from builder.proof.prover import Prover
from builder.sessions import tables
from builder.sessions.build import make
from builder.sessions.opening import LOGS, fail_for, pipeline_for, read_project, reported
from builder.sessions.prove import needed
from builder.sessions.tables import Row
from builder.targets import Arch, Format, Package, Target, Variant
from builder.threads import side_by_side


@reported
def build_all() -> None:
    """Build every package this machine can."""

    def build(pipeline: Pipeline, package: Package) -> list[Row]:
        made = make(pipeline, package)
        return [Row(artifact.name, "", f"{artifact.size:,} bytes", artifact.seconds) for artifact in made]

    _every_package(build)


@reported
def test_all() -> None:
    """Prove every package this machine can."""

    def prove(pipeline: Pipeline, package: Package) -> list[Row]:
        prover = Prover(pipeline.project, pipeline.engine, pipeline.console)
        reason = prover.why_not(package.format)
        if reason:
            return [Row(str(package), "", f"left out: {reason}", 0)]
        files = needed(pipeline, package)
        return tables.proved(files[0], prover.prove(package.target, package.format, files))

    _every_package(prove)


def _every_package(work: Callable[[Pipeline, Package], list[Row]]) -> None:
    """Do some work for every package of every version, print the table of all, and fail if any failed."""
    project = read_project()
    jobs, several = project.settings.jobs, len(project.each_version()) > 1
    pipelines: dict[Arch, list[Pipeline]] = {}
    rows: list[Row] = []
    for arch in Arch:
        reason = choice.why_not(project.settings, arch)
        if reason:
            rows.append(Row(f"every package for {arch.value}", "", f"left out: {reason}", 0))
        else:
            prefix = f"{arch.value}: " if jobs > 1 else ""
            console = Console(verbose=project.settings.v, folding=project.folding and jobs == 1, prefix=prefix)
            pipelines[arch] = [pipeline_for(one, arch, console) for one in project.each_version()]

    def run(arch: Arch) -> list[Row]:
        each = product(pipelines[arch], packages(arch))
        return [
            row
            for pipeline, one in each
            for row in attempt(name(pipeline, one), functools.partial(work, pipeline, one))
        ]

    def name(pipeline: Pipeline, package: Package) -> str:
        return f"{package}, Python {pipeline.project.settings.python_version}" if several else str(package)

    def stop() -> None:
        for pipeline in chain.from_iterable(pipelines.values()):
            pipeline.engine.stop()

    sequences = {arch: functools.partial(run, arch) for arch in pipelines}
    for found in side_by_side(sequences, jobs, stop).values():
        rows += found
    say(tables.packages(rows))
    fail_for([row.problem for row in rows], LOGS)


def packages(arch: Arch) -> list[Package]:
    """What is built for an architecture, in this order: each starts from the ones before it."""
    return [Package(Target(variant, arch), each) for variant in Variant for each in Format]


def attempt(name: str, work: Callable[[], list[Row]]) -> list[Row]:
    """The rows of a package, or the one row of its failure, so that the others are still built."""
    try:
        return work()
    except BuilderError as problem:
        return [Row(name, "", f"failed: {problem.message.splitlines()[0]}", 0, f"{name}: {problem}")]
