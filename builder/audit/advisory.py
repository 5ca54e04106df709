"""One advisory as OSV publishes it, read: https://ossf.github.io/osv-schema/ (version 1)."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from builder.audit.packages import Package, named, of_repository
from builder.audit.severity import Severity, rated

LARGEST = 16 << 20  # bytes of an advisory
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,99}", re.ASCII)
_EVENTS = ("introduced", "fixed", "last_affected", "limit")
_LONGEST = 200  # characters of a summary that is shown

Event = tuple[str, str]  # one of _EVENTS, and a version


@dataclass(frozen=True)
class Affected:
    """Some packages, and which versions of them an advisory is about: those listed, and those in a range.

    `fixed` are versions that have a fix, where the ranges themselves are commits.
    """

    packages: frozenset[Package]
    versions: tuple[str, ...]
    ranges: tuple[tuple[Event, ...], ...]
    fixed: tuple[str, ...]


@dataclass(frozen=True)
class Advisory:
    """A vulnerability, by its name in one database and those in others."""

    id: str
    aliases: frozenset[str]
    summary: str
    severity: Severity
    modified: datetime.date
    withdrawn: bool
    affected: tuple[Affected, ...]

    @property
    def names(self) -> frozenset[str]:
        """What it is called anywhere."""
        return self.aliases | {self.id}


def parse(content: bytes) -> Advisory:
    """The advisory that a text is; ValueError with what is wrong for anything else."""
    try:
        return _advisory(json.loads(content))
    except KeyError as problem:
        raise ValueError(f"{problem.args[0]} is missing") from None
    except (TypeError, AttributeError, RecursionError):
        raise ValueError("it is not as OSV's schema has it") from None


def identifier(value: object) -> str:
    """A name that advisories have, which may be part of a URL; ValueError for anything else."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ValueError(f"{value!r:.100} names no advisory")
    return value


def _advisory(record: dict[str, Any]) -> Advisory:
    schema = _text(record.get("schema_version", "1.0.0"))
    if not schema.startswith("1."):
        raise ValueError(f"version {schema:.20} of OSV's schema is not known")
    affected = record.get("affected") or []
    scores = [*(record.get("severity") or []), *(one for part in affected for one in part.get("severity") or [])]
    rating = (record.get("database_specific") or {}).get("severity")
    summary = _text(record.get("summary") or record.get("details") or "")
    return Advisory(
        id=identifier(record["id"]),
        aliases=frozenset(map(_text, record.get("aliases") or [])),
        summary=(summary.strip() or "no summary").splitlines()[0][:_LONGEST],
        severity=rated([(_text(one["type"]), _text(one["score"])) for one in scores], rating),
        modified=datetime.date.fromisoformat(_text(record["modified"])[:10]),
        withdrawn=bool(record.get("withdrawn")),
        affected=tuple(map(_affected, affected)),
    )


def _affected(part: dict[str, Any]) -> Affected:
    ranges = part.get("ranges") or []
    package = part.get("package")
    packages = {named(_text(package["ecosystem"]), _text(package["name"]))} if package else set()
    commits = [one for one in ranges if one["type"] == "GIT"]
    return Affected(
        frozenset(packages | {of_repository(_text(one["repo"])) for one in commits}),
        tuple(map(_text, part.get("versions") or [])),
        tuple(tuple(_events(one["events"])) for one in ranges if one["type"] != "GIT"),
        tuple(version for one in commits for version in _fixed(one.get("database_specific") or {})),
    )


def _events(events: list[dict[str, Any]]) -> Iterator[Event]:
    for event in events:
        ((kind, version),) = event.items()
        if kind not in _EVENTS:
            raise ValueError(f"{kind!r:.50} is no event of a range")
        yield kind, _text(version)


def _fixed(more: dict[str, Any]) -> Iterator[str]:
    """What the record was made from said, where OSV made it from a CVE: it turned versions into commits."""
    for event in more.get("extracted_events") or []:
        if "fixed" in event:
            yield _text(event["fixed"])


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.100} is not a text")
    return value
