"""Every variation of what can be built, one chain of targets for each architecture, side by side where JOBS allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from builder.console import clock, table
from builder.errors import BuilderError, BuildError
from builder.prover import Outcome
from builder.targets import Arch, Format, Target, Variant

T = TypeVar("T")


@dataclass(frozen=True)
class Variation:
    """One package that can be built."""

    target: Target
    format: Format

    def __str__(self) -> str:
        return f"{self.format.value} {self.target}"


@dataclass(frozen=True)
class Row:
    """A line of the closing table; `problem` is the whole story of a failure."""

    what: str
    image: str
    result: str
    seconds: float
    problem: str = ""


def chain(arch: Arch) -> list[Variation]:
    """What is built for an architecture, in this order: each starts from what stands before it."""
    return [Variation(Target(variant, arch), each) for variant in Variant for each in Format]


def side_by_side(chains: Mapping[Arch, Callable[[], T]], jobs: int, stop: Callable[[], None]) -> dict[Arch, T]:
    """Run the chains, up to `jobs` at a time; where one raises or the user interrupts, `stop` must end the others."""
    if jobs == 1:
        return {arch: run() for arch, run in chains.items()}
    with ThreadPoolExecutor(jobs) as pool:
        running = {arch: pool.submit(run) for arch, run in chains.items()}
        try:
            return {arch: future.result() for arch, future in running.items()}
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop()
            raise


def attempt(variation: Variation, work: Callable[[Variation], list[Row]]) -> list[Row]:
    """The rows of a variation, or the one row of its failure, so that others go on."""
    try:
        return work(variation)
    except BuilderError as problem:
        return [Row(str(variation), "", f"failed: {problem.message.splitlines()[0]}", 0, f"{variation}: {problem}")]


def proved(what: str, outcomes: Iterable[Outcome]) -> list[Row]:
    """One row for each image."""
    by_image: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_image.setdefault(outcome.image, []).append(outcome)
    rows = []
    for image, found in by_image.items():
        failed = [one.check for one in found if one.problem]
        result = f"{len(failed)} of {len(found)} checks failed: {', '.join(failed)}" if failed else "passed"
        seconds = sum(one.seconds for one in found)
        rows.append(Row(what, image, result, seconds, failures(what, found)))
    return rows


def closing(rows: Iterable[Row]) -> str:
    """The table of every variation."""
    lines = [(row.what, row.image, clock(row.seconds) if row.seconds else "", row.result) for row in rows]
    return "\n" + table(("PACKAGE", "IMAGE", "TIME", "RESULT"), lines)


def checks_table(outcomes: Iterable[Outcome]) -> str:
    """Checks down, images across; each cell is a time, or says that the check failed."""
    cells = {(one.check, one.image): "failed" if one.problem else clock(one.seconds) for one in outcomes}
    checks, images = (list(dict.fromkeys(keys)) for keys in zip(*cells, strict=True))
    return "\n" + table(
        ("CHECK", *images), [(check, *(cells.get((check, i), "-") for i in images)) for check in checks]
    )


def failures(what: str, outcomes: Iterable[Outcome]) -> str:
    """What every failed check said; empty if none failed."""
    parts = []
    for one in outcomes:
        if one.problem:
            said = "\n".join(f"    {line}" for line in one.problem.splitlines())
            parts.append(f"{what} on {one.image}: check '{one.check}' failed:\n{said}")
    return "\n".join(parts)


def demand(problems: Iterable[str], hint: str) -> None:
    """Raise BuildError with all problems, if there are any."""
    found = [problem for problem in problems if problem]
    if found:
        raise BuildError("\n".join(found), hint)
