"""The sessions that prove a package, or run a command where one is installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import starmap

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
    proved = {}
    for one in project.each_version():
        pipeline = pipeline_for(one, target.arch, console)
        prover = Prover(one, pipeline.engine, console)
        reason = prover.why_not(form)
        if reason:
            raise UserError(reason, "set ENGINE=auto, or prove the tarball: nox -s test")
        packages = needed(pipeline, Package(target, form))
        proved[packages[0]] = prover.prove(target, form, packages)
    for name, outcomes in proved.items():
        console.say(f"\n{name}:{tables.checks(outcomes)}" if len(proved) > 1 else tables.checks(outcomes))
    fail_for(starmap(tables.failures, proved.items()), LOGS)


@reported
def run(target: Target, args: Sequence[str]) -> int:
    """Run a command where the package is installed, or a shell; returns its exit code."""
    project, *others = read_project().each_version()
    if others:
        raise UserError(
            "PYTHON_VERSION names several versions, and a command runs in one",
            f"PYTHON_VERSION={project.settings.python_version}",
        )
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
