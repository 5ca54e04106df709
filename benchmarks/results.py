"""What was measured, and what it says: how fast the first interpreter is relative to each other one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import geometric_mean, median
from typing import Any


@dataclass(frozen=True)
class Results:
    """Times of some benchmarks by some interpreters.

    `interpreters` are label and description, the one in question first; `seconds` holds for each benchmark and label
    the time of every turn.
    """

    machine: str
    interpreters: Mapping[str, str]
    seconds: Mapping[str, Mapping[str, tuple[float, ...]]]

    @property
    def ours(self) -> str:
        """The label of the interpreter in question."""
        return next(iter(self.interpreters))

    @property
    def others(self) -> list[str]:
        """The labels of those it is compared with."""
        return list(self.interpreters)[1:]

    def speed(self, benchmark: str, other: str) -> float:
        """Times as fast as `other` in one benchmark, by the medians: above 1 ours is faster."""
        times = self.seconds[benchmark]
        return median(times[other]) / median(times[self.ours])

    def mean_speed(self, other: str) -> float:
        """Times as fast as `other` over all benchmarks: the geometric mean."""
        return geometric_mean([self.speed(benchmark, other) for benchmark in self.seconds])

    @property
    def noise(self) -> float:
        """How far half of all turns at most are from their median, as a fraction of it: 0.01 is a quiet machine."""
        return median(
            abs(value / median(values) - 1)
            for times in self.seconds.values()
            for values in times.values()
            for value in values
        )

    def rows(self) -> Iterator[tuple[str, list[float]]]:
        """The comparison: the mean first, then each benchmark, with the speed relative to each other interpreter."""
        yield "geometric mean", [self.mean_speed(other) for other in self.others]
        for benchmark in self.seconds:
            yield benchmark, [self.speed(benchmark, other) for other in self.others]


def read(text: str) -> Results:
    """Results from the JSON that measure.py wrote."""
    raw: dict[str, Any] = json.loads(text)
    seconds = {
        benchmark: {label: tuple(values) for label, values in times.items()}
        for benchmark, times in raw["seconds"].items()
    }
    return Results(raw["machine"], raw["interpreters"], seconds)


def write(results: Results) -> str:
    """The results as JSON to keep: the comparison, then the times of every turn, one interpreter a line."""
    times = ",\n".join(
        f"  {json.dumps(benchmark)}: {{\n"
        + ",\n".join(
            f"   {json.dumps(label)}: [{', '.join(f'{value:.5g}' for value in values)}]"
            for label, values in one.items()
        )
        + "\n  }"
        for benchmark, one in results.seconds.items()
    )
    head = {
        "machine": results.machine,
        "interpreters": dict(results.interpreters),
        "noise": round(results.noise, 4),
        "speed": {
            other: {name: round(speeds[column], 3) for name, speeds in results.rows()}
            for column, other in enumerate(results.others)
        },
    }
    return json.dumps(head, indent=1).removesuffix("\n}") + f',\n "seconds": {{\n{times}\n }}\n}}\n'
