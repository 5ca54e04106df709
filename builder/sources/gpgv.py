"""The program that checks PGP signatures, and what it says."""

from __future__ import annotations

import shutil
from pathlib import Path

from builder import command

_STATUS = "[GNUPG:] "


def is_there() -> bool:
    """Whether this machine has it."""
    return shutil.which("gpgv") is not None


def status(keyring: Path, *args: str) -> list[str]:
    """Its status lines (https://github.com/gpg/gnupg/blob/master/doc/DETAILS), without what begins each.

    Its exit code is no help: it is about all signatures of a file together, and about keys that have expired.
    """
    said: list[str] = []
    command.stream(("gpgv", "--status-fd=1", f"--keyring={keyring}", *args), said.append)
    return [line.removeprefix(_STATUS) for line in said if line.startswith(_STATUS)]
