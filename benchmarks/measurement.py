"""The measurement as a stage: a container with every interpreter, the benchmarks, and one step that measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path, PurePosixPath

from benchmarks.others import Other, unpack_stock
from benchmarks.suite import SUITE
from builder.stages.stage import WORK, File, Stage, Step, unpack_tree

OUTPUT = "measured.json"
RUNTIME = "runtime.tgz"


def plan_measurement(
    prt_root: PurePosixPath,
    label: str,
    others: Sequence[Other],
    *,
    rounds: int,
    only: Sequence[str],
    programs: tuple[File, ...],
) -> Stage:
    """Plan to measure the runtime in `prt_root`, called `label`, in alternation with the others.

    `only` names the benchmarks, none for all; `programs` are what `program_files()` finds.
    """
    ours = f"{prt_root}/bin/python"
    interpreters = [f"{label}={ours}", *(f"{other.label}={other.python}" for other in others)]
    chosen = ("--only", *only) if only else ()
    return Stage(
        name="bench",
        inputs={},
        files=programs,
        steps=(
            unpack_tree("unpack runtime", RUNTIME, str(prt_root)),
            *(step for other in others if other.compiled for step in unpack_stock()),
            Step(
                f"measure {', '.join(interpreters)}",
                (ours, "-m", "benchmarks.measure", *interpreters, f"--rounds={rounds}", f"--output={OUTPUT}", *chosen),
                {"PYTHONPATH": f"{WORK}/lib"},
                hint="see what the benchmark printed",
            ),
        ),
        output=OUTPUT,
    )


def program_files() -> Iterator[File]:
    """What a container needs to measure: measure.py, and of this environment pyperf and the benchmarks."""
    pyperf, pyperformance = (Path(str(files(name))) for name in ("pyperf", "pyperformance"))
    yield from _files("benchmarks", Path(__file__).parent, "*.py")
    yield from _files("lib/pyperf", pyperf, "*.py")
    yield File("lib/pyperformance/__init__.py", b"")
    for folder in sorted({one.folder for one in SUITE}):
        name = f"data-files/benchmarks/bm_{folder}"
        yield from _files(f"lib/pyperformance/{name}", pyperformance / name, "*")


def _files(name: str, folder: Path, pattern: str) -> Iterator[File]:
    for path in sorted(folder.rglob(pattern)):
        if path.is_file() and "__pycache__" not in path.parts:
            yield File(f"{name}/{path.relative_to(folder)}", path.read_bytes())
