"""The sessions that build one target."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from builder.pipeline import training
from builder.pipeline.artifacts import Artifact
from builder.pipeline.pipeline import Pipeline
from builder.sessions import tables
from builder.sessions.opening import console_for, pipeline_for, read_project, reported
from builder.targets import Arch, Format, Package, Target


@reported
def tarball(target: Target) -> None:
    """Build one target and print its artifacts."""
    _made(target, Pipeline.build)


@reported
def deb(target: Target) -> None:
    """Build the Debian package of one target and print it."""
    _made(target, Pipeline.deb)


@reported
def builder_image(arch: Arch) -> None:
    """Make what steps run in: the root file systems, and the builder images of them with Docker."""
    project, *_ = read_project().each_version()
    console = console_for(project)
    engine, version = pipeline_for(project, arch, console).engine, project.settings.python_version
    fingerprint = ""
    for compiles in (True, False) if engine.crosses(arch) else (False,):
        fingerprint = engine.toolchain(arch, version, compiles)
        with engine.workplace(arch, compiles):
            pass
    console.say(f"ready to build for {arch.value} (toolchain {fingerprint[:12]})")


@reported
def train() -> None:
    """Train PGO for PYTHON_VERSION, and keep the profile in recipes/profiles."""
    project = read_project()
    console = console_for(project)
    for one in project.each_version():
        kept = training.train(pipeline_for(one, Arch.native(), console))
        console.say(f"{kept}: {kept.stat().st_size:,} bytes")


def _made(target: Target, make: Callable[[Pipeline, Target], list[Artifact]]) -> None:
    """Make artifacts of a target, and print them."""
    project = read_project()
    console = console_for(project)
    each = [make(pipeline_for(one, target.arch, console), target) for one in project.each_version()]
    console.say(tables.artifacts(chain.from_iterable(each), project.settings.artifact_dir))


def make(pipeline: Pipeline, package: Package) -> list[Artifact]:
    """Build a package, its tarball first."""
    return pipeline.deb(package.target) if package.format is Format.DEB else pipeline.build(package.target)
