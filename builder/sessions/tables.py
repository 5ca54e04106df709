"""The tables that sessions close with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from builder.console import clock, table
from builder.pipeline.artifacts import Artifact
from builder.proof.prover import Outcome


@dataclass(frozen=True)
class Row:
    """A line of the closing table; `problem` is the whole story of a failure."""

    what: str
    image: str
    result: str
    seconds: float
    problem: str = ""


def artifacts(made: Iterable[Artifact], folder: Path) -> str:
    """What a session made: file, size in bytes, digest, time."""
    rows = [(str(folder / one.name), f"{one.size:,}", one.sha256, clock(one.seconds)) for one in made]
    return "\n" + table(("FILE", "SIZE", "SHA256", "TIME"), rows)


def packages(rows: Iterable[Row]) -> str:
    """Every package with what became of it."""
    lines = [(row.what, row.image, clock(row.seconds) if row.seconds else "", row.result) for row in rows]
    return "\n" + table(("PACKAGE", "IMAGE", "TIME", "RESULT"), lines)


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


def checks(outcomes: Iterable[Outcome]) -> str:
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
