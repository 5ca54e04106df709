"""Measure interpreters in alternation: in each round every benchmark by one after the other, on one processor.

    python -m benchmarks.measure --output FILE LABEL=PYTHON LABEL=PYTHON …

runs wherever pyperf and pyperformance lie on PYTHONPATH; the interpreters need nothing else. FILE gets JSON, as
results.py reads it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pyperf

from benchmarks.suite import SUITE, Benchmark, positive_number

# Asked of each interpreter: what it is, in a few words.
_WHAT = "import platform; print(platform.python_version() + ', ' + platform.python_compiler())"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the rounds and write what was measured."""
    parser = argparse.ArgumentParser(prog="benchmarks.measure")
    parser.add_argument("interpreters", nargs="+", metavar="LABEL=PYTHON", type=lambda text: text.rsplit("=", 1))
    parser.add_argument("--rounds", type=positive_number, default=5)
    parser.add_argument("--only", nargs="+", choices=[one.name for one in SUITE], metavar="BENCHMARK")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args(argv)
    interpreters: dict[str, str] = dict(args.interpreters)
    chosen = [one for one in SUITE if not args.only or one.name in args.only]
    seconds: dict[str, dict[str, list[float]]] = {one.name: {label: [] for label in interpreters} for one in chosen}
    for number in range(args.rounds):
        for benchmark in chosen:
            for label, python in interpreters.items():
                values = _values(benchmark, python)
                seconds[benchmark.name][label] += values
                print(f"{number + 1}/{args.rounds} {benchmark.name} {label}: {min(values):.4g} s", flush=True)
    measured = {
        "machine": f"{_processor()}, {os.cpu_count()} processors, {platform.system()} {platform.release()}",
        "interpreters": {label: _output(python, "-c", _WHAT).strip() for label, python in interpreters.items()},
        "seconds": seconds,
    }
    args.output.write_text(json.dumps(measured))


def _values(benchmark: Benchmark, python: str) -> list[float]:
    """Seconds per turn, of one process that has warmed up."""
    programs = Path(str(find_spec("pyperformance").origin)).parent / "data-files" / "benchmarks"  # type: ignore[union-attr]
    program = programs / f"bm_{benchmark.folder}" / "run_benchmark.py"
    processor = max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        how = ("--quiet", "--processes=1", "--warmups=1", "--values=3", f"--affinity={processor}")
        _output(python, str(program), *benchmark.args, *how, f"--output={result}")
        return [float(value) for value in pyperf.Benchmark.load(str(result)).get_values()]


def _output(*args: str) -> str:
    done = subprocess.run(args, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(args)} failed:\n{done.stderr}{done.stdout}")
    return done.stdout


def _processor() -> str:
    """The processor's model, as the kernel names it; not every architecture's kernel does."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
