"""How artifacts differ, in words: a text for a terminal, and Markdown for the notes of a release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from builder.artifacts.difference import Change, Difference
from builder.console import table

_MOST = 20  # rows of a list that may have thousands
_NONE = "-"

Row = Sequence[str]
Part = tuple[str, Row, list[Row]]


def text(found: Difference) -> str:
    """For a terminal."""
    parts = [f"{title}\n{table(head, rows)}" for title, head, rows in _parts(found)]
    return "\n\n".join((f"{found.old} → {found.new}", *(parts or ["no difference"])))


def markdown(found: Difference) -> str:
    """For the notes of a release."""
    lines = [f"## {found.old} → {found.new}"]
    for title, head, rows in _parts(found):
        lines += ["", f"### {title}", "", _line(head), _line(["---"] * len(head)), *map(_line, rows)]
    return "\n".join(lines if len(lines) > 1 else (*lines, "", "No difference."))


def _parts(found: Difference) -> Iterator[Part]:
    """Each table that has a row: its title, its head, and its rows."""
    files = [(one, what) for what in ("added", "removed", "changed") for one in getattr(found, what)]
    sizes = [(one.name, f"{one.old:,}", f"{one.new:,}", f"{one.new - one.old:+,}") for one in found.sizes]
    cves = [*((one, "fixed by a patch") for one in found.fixed), *((one, "patch gone") for one in found.unpatched)]
    all_parts: list[Part] = [
        ("Versions", ("COMPONENT", "BEFORE", "NOW"), [*map(_row, found.components)]),
        ("Properties", ("KEY", "BEFORE", "NOW"), [*map(_row, found.facts)]),
        ("CVEs", ("CVE", "WHAT"), [*cves]),
        ("Bytes", ("OF", "BEFORE", "NOW", "CHANGE"), _first(sizes)),
        (f"Files: {len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed",
         ("FILE", "WHAT"), _first(files)),
    ]  # fmt: skip
    yield from (part for part in all_parts if part[2])


def _row(change: Change) -> Row:
    return (change.name, change.old or _NONE, change.new or _NONE)


def _first(rows: Sequence[Row]) -> list[Row]:
    """The first rows, and how many more there are: `--json` has all."""
    if len(rows) <= _MOST:
        return [*rows]
    return [*rows[:_MOST], (f"and {len(rows) - _MOST:,} more", *[""] * (len(rows[0]) - 1))]


def _line(cells: Row) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
