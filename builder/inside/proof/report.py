"""How a proof ends: well, or with everything that differs, as expected and as seen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator


def differs(what: str, expected: object, seen: object) -> Iterator[str]:
    """One message if the two differ, none if they are equal."""
    if expected != seen:
        yield f"{what}\n  expected: {expected}\n  seen:     {seen}"


def complaint(*command: str) -> str:
    """What a command prints when it fails, or why it does not start; nothing when it ends well."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as problem:
        return str(problem)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()


def end(differences: Iterable[str]) -> None:
    """Exit with every difference, or well if there is none."""
    found = list(differences)
    if found:
        sys.exit("\n".join(found))
