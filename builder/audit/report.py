"""What an audit found, in words and for programs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from builder.audit.findings import Audit, Finding
from builder.console import table

_HEAD = ("COMPONENT", "VERSION", "VULNERABILITY", "SEVERITY", "FIXED IN", "ALSO CALLED")
_MOST = 5  # advisories that are named of a component


def text(audits: Sequence[Audit], database: str, notes: Sequence[str]) -> str:
    """For a terminal."""
    parts = [f"asked: {database}", *("\n".join(_part(one)) for one in audits)]
    return "\n\n".join((*parts, *(["\n".join(f"note: {note}" for note in notes)] if notes else [])))


def as_json(audits: Sequence[Audit], database: str, notes: Sequence[str]) -> dict[str, Any]:
    """The same for programs."""
    return {"database": database, "artifacts": [_as_json(one) for one in audits], "notes": [*notes]}


def _part(audit: Audit) -> Iterator[str]:
    yield f"{audit.name}: {summary(audit)}"
    if audit.findings:
        yield table(_HEAD, map(_row, audit.findings))
    for one in audit.patched:
        yield f"fixed by a patch: {one.id} in {one.component} {one.version}"
    for one, ignore in audit.ignored:
        yield f"ignored until {ignore.until}: {one.id} in {one.component} {one.version}: {ignore.reason}"
    unchecked = defaultdict(list)
    for each in audit.unchecked:
        advisories = f" ({_first(each.advisories)})" if each.advisories else ""
        unchecked[each.reason].append(f"{each.component} {each.version}".rstrip() + advisories)
    for reason, names in unchecked.items():
        yield f"not checked, because {reason}: {', '.join(names)}"


def _first(names: Sequence[str]) -> str:
    """The first names, and how many more there are: `--json` has all."""
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def summary(audit: Audit) -> str:
    """How many vulnerabilities in how many components, in words."""
    known = f"{len(audit.findings) or 'no'} known vulnerabilit{'y' if len(audit.findings) == 1 else 'ies'}"
    unchecked = len({(one.component, one.version) for one in audit.unchecked})
    return f"{known} in {audit.components} components" + (f", {unchecked} not checked" if unchecked else "")


def _row(one: Finding) -> tuple[str, ...]:
    return (one.component, one.version, one.id, str(one.severity), one.fixed or "-", " ".join(one.aliases))


def _as_json(audit: Audit) -> dict[str, Any]:
    ignored = [{**asdict(one), "reason": why.reason, "until": str(why.until)} for one, why in audit.ignored]
    return {**asdict(audit), "ignored": ignored}
