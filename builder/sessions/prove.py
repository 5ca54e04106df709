"""The sessions that prove a package, or run a command where one is installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from builder.console import Console
from builder.errors import UserError
from builder.pipeline.pipeline import Pipeline
from builder.proof.prover import Prover
from builder.sessions import tables
from builder.sessions.opening import LOGS, console_for, fail_for, pipeline_for, read_project, reported
from builder.targets import Format, Package, Target, Variant


@reported
def test(target: Target, form: Format) -> None:
    """Prove one package on every test image, built first if needed."""
    project = read_project()
    console = console_for(project)
    pipeline = pipeline_for(project, target.arch, console)
    prover = Prover(project, pipeline.engine, console)
    reason = prover.why_not(form)
    if reason:
        raise UserError(reason, "set ENGINE=auto, or prove the tarball: nox -s test")
    packages = needed(pipeline, Package(target, form))
    outcomes = prover.prove(target, form, packages)
    console.say(tables.checks(outcomes))
    fail_for([tables.failures(packages[0], outcomes)], LOGS)


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


def needed(pipeline: Pipeline, package: Package) -> list[str]:
    """The file names of a package, built if needed, and of what else its proof installs."""
    target = package.target
    archive = pipeline.build(target)[0].name  # with its manifest, which every proof reads
    if package.format is Format.TAR:
        return [archive]
    others = [Target(Variant.RUNTIME, target.arch)] if target.variant is Variant.RUNTIME_DEV else []
    return [pipeline.deb(one)[0].name for one in (target, *others)]
