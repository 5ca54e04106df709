"""The lock: every file that pip installs, with its sha256. Made by a stage, and kept like a compiled result."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from builder.errors import BuildError
from builder.files import read

LOCK = "packages.lock"

# Names and versions as PEP 508 and PEP 440 have them: nothing else, which could be an option of pip's.
_LINE = re.compile(
    r"([a-z0-9](?:[\w.-]*[a-z0-9])?)==([a-z0-9][\w.!+-]*) --hash=sha256:([0-9a-f]{64})  # ([a-z0-9_][\w.+!-]*)",
    re.ASCII | re.IGNORECASE,
)
_LARGEST_LOCK = 8 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class Distribution:
    """A file the lock names, and its line there; `url` says where it is if no index has it."""

    name: str
    file: str
    sha256: str
    line: str
    url: str = ""


def read_lock(path: Path) -> list[Distribution]:
    """Read a lock: a comment, then files; BuildError for anything in it that is not a file with its sha256."""
    found = []
    try:
        text = read(path, _LARGEST_LOCK).decode(errors="replace")
    except OSError as problem:
        raise BuildError(f"{path} is not a lock: {problem.strerror}") from None
    head, *rest = text.splitlines() or [""]
    for line in rest if head.startswith("# ") else [head]:
        match = _LINE.fullmatch(line)
        if not match:
            raise BuildError(f"{path} is not a lock: {line[:100]!r}")
        found.append(Distribution(match[1], match[4], match[3], line + "\n"))
    return found


def distribution(name: str, version: str, file: str, sha256: str, url: str = "") -> Distribution:
    """A file to be installed; ValueError for names and digests that no lock has."""
    line = f"{name}=={version} --hash=sha256:{sha256}  # {file}"
    if not _LINE.fullmatch(line):
        raise ValueError(line[:200])
    return Distribution(name, file, sha256, line + "\n", url)


def lines(distributions: Iterable[Distribution]) -> bytes:
    """A lock of these distributions."""
    return "".join(one.line for one in distributions).encode()
