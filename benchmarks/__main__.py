"""`nox -s bench`: build the runtime and what it is compared with, measure them in one container, draw the chart."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import chart, results
from benchmarks.measurement import OUTPUT, RUNTIME, measurement, programs
from benchmarks.others import OTHERS, Other, stock
from benchmarks.suite import SUITE
from builder import project as projects
from builder import sessions
from builder.console import Console, table
from builder.engines import choice
from builder.engines.base import Engine, Item
from builder.pipeline import Pipeline
from builder.project import Project
from builder.settings import environment
from builder.stages.compile import CPython
from builder.targets import Arch, Target, Variant


def main(argv: Sequence[str]) -> None:
    """Read the arguments, and measure."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("--against", nargs="+", choices=OTHERS, default=[*OTHERS], help="what to compare with")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in SUITE], default=[], metavar="BENCHMARK")
    parser.add_argument("--rounds", type=int, default=5, help="how often each benchmark is run by each (default 5)")
    parser.add_argument(
        "--base", default="debian:trixie-slim", help="Debian image in which all run; {arch} as in BASE_IMAGE"
    )
    args = parser.parse_args(argv)
    others = [OTHERS[name] for name in args.against]
    try:
        bench(others, args.only, args.rounds, args.base)
    except sessions.SessionFailed as failure:
        raise SystemExit(f"\nerror: {failure}\n") from None


@sessions.reported
def bench(others: Sequence[Other], only: Sequence[str], rounds: int, base: str) -> None:
    """Compare this machine's runtime with others; leaves bench.json and bench.svg in ARTIFACT_DIR."""
    target = Target(Variant.RUNTIME, Arch.native())
    sessions.build(target)
    project = projects.read(sessions.ROOT, environment())
    settings = project.settings
    console = Console(verbose=settings.v, folding=project.folding)
    runtime = settings.artifact_dir / target.artifact(settings.package_prefix, settings.package_version, "tgz")
    with tempfile.TemporaryDirectory(dir=settings.artifact_dir / "work", prefix="bench-") as scratch:
        engine = _engine(project, others, base, Path(scratch), console)
        pipeline = Pipeline(project, engine, console, project.source_shelf(console.say))
        items = [Item(RUNTIME, runtime), *_compiled(pipeline, target, others, Path(scratch))]
        stage = measurement(
            settings.prt_root, settings.package_prefix, others, rounds=rounds, only=only, programs=tuple(programs())
        )
        measured = Path(scratch) / OUTPUT
        with engine.workplace(target.arch) as place:
            pipeline.run(stage, place, target, items)
            place.get(OUTPUT, measured)
        found = results.read(measured.read_text())
    for name, text in (("bench.json", results.write(found)), ("bench.svg", chart.draw(found))):
        (settings.artifact_dir / name).write_text(text)
        console.say(str(settings.artifact_dir / name))
    rows = [(name, *(f"{speed:.2f}" for speed in speeds)) for name, speeds in found.rows()]
    console.say("\n" + table((f"{found.ours} IS … TIMES AS FAST AS", *found.others), rows))


def _engine(project: Project, others: Sequence[Other], base: str, scratch: Path, console: Console) -> Engine:
    """Containers of a builder image that starts from `base` and has what the others need."""
    ours = project.recipes_folder / "builder"
    packages = [package for other in others for package in other.packages]
    if any(other.compiled for other in others):
        packages.append((ours / "builder.txt").read_text())
    folder = scratch / "builder"
    folder.mkdir()
    (folder / "Dockerfile").write_bytes((ours / "Dockerfile").read_bytes())
    (folder / "builder.txt").write_text("\n".join(packages))
    settings = dataclasses.replace(project.settings, base_image=base, engine="docker")
    return choice.choose(settings, project.network, scratch, Arch.native(), console)


def _compiled(pipeline: Pipeline, target: Target, others: Sequence[Other], scratch: Path) -> list[Item]:
    """What has to be compiled of the others, from the cache or now."""
    if not any(other.compiled for other in others):
        return []
    project, engine = pipeline.project, pipeline.engine
    python_build = project.python_build(pipeline.sources)
    version = project.python_version(python_build, lambda note: None)
    toolchain = engine.toolchain(target.arch, compiles=False)
    stage = stock(CPython(version, python_build, (), toolchain, target.arch), target.arch)
    return [Item(stage.output, pipeline.compiled(stage, target, scratch).path)]


if __name__ == "__main__":
    main(sys.argv[1:])
