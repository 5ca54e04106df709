"""What the sessions do that prove packages, run a command where one is installed, or go over every package."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence

from builder import variations
from builder.console import Console, say
from builder.engines import choice
from builder.errors import UserError
from builder.packages.record import Artifact
from builder.pipeline import Pipeline
from builder.prover import Prover
from builder.sessions import console_for, pipeline_for, read_project, reported
from builder.targets import Arch, Format, Target, Variant
from builder.variations import Row, Variation

_LOGS = "the full output of every step is in ARTIFACT_DIR/logs"


@reported
def test(target: Target, form: Format) -> None:
    """Prove one package on every test image, built first if needed."""
    project = read_project()
    console = console_for(project)
    pipeline = pipeline_for(project, target.arch, console)
    prover = Prover(project, pipeline.engine, console)
    reason = prover.unable(form)
    if reason:
        raise UserError(reason, "start Docker, or prove the tarball: nox -s test")
    packages = _packages(pipeline, Variation(target, form))
    outcomes = prover.prove(target, form, packages)
    console.say(variations.checks_table(outcomes))
    variations.demand([variations.failures(packages[0], outcomes)], _LOGS)


@reported
def run(target: Target, args: Sequence[str]) -> int:
    """Run a command where the package is installed, or a shell; returns its exit code."""
    project = read_project()
    # Standard output is the command's own.
    console = Console(stream=sys.stderr, verbose=project.settings.v)
    pipeline = pipeline_for(project, target.arch, console)
    archive = pipeline.build(target)[0].name
    with Prover(project, pipeline.engine, console).installed(target, archive) as place:
        return place.attach(args or ("bash",))


@reported
def build_all() -> None:
    """Build every package this machine can, and print them all."""

    def build(pipeline: Pipeline, one: Variation) -> list[Row]:
        made = _make(pipeline, one)
        return [Row(artifact.name, "", f"{artifact.size:,} bytes", artifact.seconds) for artifact in made]

    _every_variation(build)


@reported
def test_all() -> None:
    """Prove every package this machine can, and print one table."""

    def prove(pipeline: Pipeline, one: Variation) -> list[Row]:
        prover = Prover(pipeline.project, pipeline.engine, pipeline.console)
        reason = prover.unable(one.format)
        if reason:
            return [Row(str(one), "", f"left out: {reason}", 0)]
        packages = _packages(pipeline, one)
        return variations.proved(packages[0], prover.prove(one.target, one.format, packages))

    _every_variation(prove)


def _every_variation(work: Callable[[Pipeline, Variation], list[Row]]) -> None:
    """Do some work for every variation, print the table of all, and fail if any failed."""
    project = read_project()
    jobs = project.settings.jobs
    pipelines, rows = {}, []
    for arch in Arch:
        reason = choice.unable(project.settings, arch)
        if reason:
            rows.append(Row(f"every package for {arch.value}", "", f"left out: {reason}", 0))
        else:
            prefix = f"{arch.value}: " if jobs > 1 else ""
            console = Console(verbose=project.settings.v, folding=project.folding and jobs == 1, prefix=prefix)
            pipelines[arch] = pipeline_for(project, arch, console)

    def run(arch: Arch) -> list[Row]:
        chain = variations.chain(arch)
        return [row for one in chain for row in variations.attempt(one, functools.partial(work, pipelines[arch]))]

    def stop() -> None:
        for pipeline in pipelines.values():
            pipeline.engine.stop()

    chains = {arch: functools.partial(run, arch) for arch in pipelines}
    for found in variations.side_by_side(chains, jobs, stop).values():
        rows += found
    say(variations.closing(rows))
    variations.demand([row.problem for row in rows], _LOGS)


def _make(pipeline: Pipeline, one: Variation) -> list[Artifact]:
    return pipeline.deb(one.target) if one.format is Format.DEB else pipeline.build(one.target)


def _packages(pipeline: Pipeline, one: Variation) -> list[str]:
    """The package to prove, by its file's name, built if needed; and what its proof needs beside it."""
    archive = pipeline.build(one.target)[0].name  # with its manifest, which every proof reads
    if one.format is Format.TAR:
        return [archive]
    others = [Target(Variant.RUNTIME, one.target.arch)] if one.target.variant is Variant.RUNTIME_DEV else []
    return [pipeline.deb(target)[0].name for target in (one.target, *others)]
