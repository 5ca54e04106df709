"""The vulnerabilities that a recipe does not want to be shown, each for a reason and up to a day: `audit.toml`."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.errors import UserError
from builder.files import read as read_file
from builder.inputs import toml

FILE = "audit.toml"
_LARGEST = 1 << 20  # bytes
_KEYS = {"id", "component", "reason", "until"}
_SHAPE = "each [[ignore]] has id, component, reason, and until, the last day it counts on, such as 2027-01-31"


@dataclass(frozen=True)
class Ignore:
    """A vulnerability by any of its names, in a component as the audit names it; it counts up to the day `until`."""

    id: str
    component: str
    reason: str
    until: datetime.date


def read(path: Path) -> tuple[Ignore, ...]:
    """What a file has; nothing without a file, UserError for a file that is no such list."""
    try:
        table = toml.parsed(read_file(path, _LARGEST))
        rows = table.pop("ignore", [])
        if table:
            raise ValueError(f"{', '.join(table)} is not part of it")
        return tuple(_ignore(row) for row in rows)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, AttributeError) as problem:
        raise UserError(f"{path}: {problem}", _SHAPE) from None


def _ignore(row: dict[str, Any]) -> Ignore:
    if row.keys() != _KEYS:
        raise ValueError(f"an [[ignore]] has {', '.join(row) or 'nothing'}")
    until = row["until"]
    if type(until) is not datetime.date:
        raise ValueError(f"until is no day: {until!r:.50}")
    for key in sorted(_KEYS - {"until"}):
        if not isinstance(row[key], str) or not row[key].strip():
            raise ValueError(f"{key} is no text: {row[key]!r:.50}")
    return Ignore(row["id"], row["component"], row["reason"], until)
