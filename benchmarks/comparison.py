"""The whole comparison: build the runtime and the others, measure all in one container, write numbers and chart."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from benchmarks import chart, results
from benchmarks.measurement import OUTPUT, RUNTIME, plan_measurement, program_files
from benchmarks.others import Other, stock
from builder.artifact_dir import WORK
from builder.console import Console, table
from builder.engines import choice
from builder.engines.base import Engine, Item
from builder.files import write_whole
from builder.inputs.choices import EngineChoice, Libraries
from builder.inputs.project import Project
from builder.pipeline import stores
from builder.pipeline.pipeline import Pipeline
from builder.sessions import build, opening
from builder.stages.interpreter.cpython import CPython
from builder.targets import Arch, Target, Variant
from builder.work import remove_abandoned, work_folder

_BUSY = 0.03  # noise above which a comparison is worth little


@opening.reported
def compare(others: Sequence[Other], *, rounds: int, only: Sequence[str], base: str) -> None:
    """Compare this machine's runtime with others, in an image `base` of Debian.

    Leaves bench.json and bench.svg in ARTIFACT_DIR, and prints the table.
    """
    target = Target(Variant.RUNTIME, Arch.native())
    project = opening.read_project()
    settings = project.settings
    console = opening.console_for(project)
    work = settings.artifact_dir / WORK
    remove_abandoned(work, "bench", console.say)
    with work_folder(work, "bench") as folder:
        scratch = folder.path
        engine = engine_with(others, base, project, scratch, console)
        build.tarball(target)
        runtime = settings.artifact_dir / target.artifact(settings.package_prefix, settings.package_version, "tgz")
        pipeline = Pipeline(project, engine, console, stores.source_shelf(project, console.say))
        items = [Item(RUNTIME, runtime), *compiled(others, pipeline, target, scratch)]
        label = settings.package_prefix
        files = tuple(program_files())
        stage = plan_measurement(settings.prt_root, label, others, rounds=rounds, only=only, programs=files)
        measured = scratch / OUTPUT
        with engine.workplace(target.arch) as place:
            pipeline.results.run(stage, place, target, items)
            place.get(OUTPUT, measured)
        found = results.read(measured.read_text())
    kept = results.write(found)
    # Drawn from the rounded numbers, so that anyone can draw the same again from the file.
    for name, text in (("bench.json", kept), ("bench.svg", chart.draw(results.read(kept)))):
        write_whole(settings.artifact_dir / name, text)
        console.say(str(settings.artifact_dir / name))
    rows = [(name, *(f"{speed:.2f}" for speed in speeds)) for name, speeds in found.rows()]
    if found.noise > _BUSY:
        console.say(f"note: half of all turns are {found.noise:.1%} off their median: this machine did something else")
    console.say("\n" + table((f"{label}: TIMES AS FAST AS", *found.others), rows))


def engine_with(others: Sequence[Other], base: str, project: Project, scratch: Path, console: Console) -> Engine:
    """Docker, with a builder image that starts from `base` and has the packages of the others.

    UserError where no daemon answers. `scratch` must stay until the image is made.
    """
    ours = project.recipes_folder / "builder"
    packages = [package for other in others for package in other.packages]
    if any(other.compiled for other in others):
        packages.append((ours / "builder.txt").read_text())
    folder = scratch / "builder"
    folder.mkdir()
    (folder / "Dockerfile").write_bytes((ours / "Dockerfile").read_bytes())
    (folder / "builder.txt").write_text("\n".join(packages))
    # The others need their own packages of that system: an image on a base image.
    settings = dataclasses.replace(
        project.settings, base_image=base, engine=EngineChoice.DOCKER, libraries=Libraries.SYSTEM
    )
    roots = dataclasses.replace(
        stores.roots(project, stores.source_shelf(project, console.say), console.say), recipes=scratch
    )
    return choice.choose(settings, project.network, roots, Arch.native(), console)


def compiled(others: Sequence[Other], pipeline: Pipeline, target: Target, scratch: Path) -> list[Item]:
    """What has to be compiled of the others, from the cache or now."""
    if not any(other.compiled for other in others):
        return []
    project = pipeline.project
    python_build, version = stores.python_build(project, pipeline.sources, lambda line: None)
    toolchain = pipeline.engine.toolchain(target.arch, version, compiles=False)
    stage = stock(CPython(version, python_build, (), toolchain, target.arch, project.settings.line_editor), target.arch)
    return [Item(stage.output, pipeline.results.of(stage, target, scratch).path)]
