"""A recipe's `pylock.toml`: every file that may be installed, with its sha256, for every architecture.

https://packaging.python.org/en/latest/specifications/pylock-toml/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.pylock import Package, Pylock, PylockValidationError

from builder.errors import UserError
from builder.inputs import toml
from builder.inputs.parsers import without_credentials

FILE = "pylock.toml"
BUILDS = "builds"  # folder of the locks of what packages are built with
_TOOL = "python-runtime-builder"
_MADE_FOR = "made-for"
_AGAIN = "remove it; `nox -s lock` makes it again"
LOGINS = "leave it to netrc, to pip's settings of this machine, or to git's credential helper"


@dataclass(frozen=True)
class PackageLock:
    """A lock, and what it was made for: the lines of the requirements and constraints, in any order."""

    path: Path
    text: str
    content: Pylock
    made_for: frozenset[str]

    @property
    def digests(self) -> Iterator[str]:
        """The sha256 of every file that it names, for whichever platform."""
        for package in self.content.packages:
            files = (*(package.wheels or ()), *((package.sdist,) if package.sdist else ()))
            yield from filter(re.compile("[0-9a-f]{64}").fullmatch, (file.hashes.get("sha256", "") for file in files))


def build_file(name: str) -> str:
    """Where the lock of what a package is built with is, next to the lock that has the package."""
    return f"{BUILDS}/pylock.{name}.toml"


def parse(path: Path, content: bytes) -> PackageLock:
    """Read a lock that `nox -s lock` made; UserError for any other file."""
    try:
        text = content.decode()
        table = toml.parsed(text)
        pylock = Pylock.from_dict(table)
        made_for = table["tool"][_TOOL][_MADE_FOR]
        if not isinstance(made_for, list):
            raise TypeError
    except (ValueError, PylockValidationError) as problem:
        raise UserError(f"{path}: {problem}", _AGAIN) from None
    except (KeyError, TypeError, AttributeError):
        raise UserError(f"{path} does not say what it was made for: [tool.{_TOOL}] {_MADE_FOR}", _AGAIN) from None
    if without_credentials(text) != text:
        raise UserError(f"{path} has a login, which every manifest and log would show", LOGINS)
    return PackageLock(path, text, pylock, frozenset(map(str, made_for)))


def with_wheel(resolved: str) -> frozenset[str]:
    """The packages of a resolver's lock that have a wheel."""
    return frozenset(package.name for package in _packages(resolved) if package.wheels)


def without_wheel(resolved: str) -> frozenset[str]:
    """Those that an index has as a source only."""
    return frozenset(package.name for package in _packages(resolved) if package.sdist and not package.wheels)


def _packages(resolved: str) -> Sequence[Package]:
    try:
        return Pylock.from_dict(toml.parsed(resolved)).packages if resolved else ()
    except (ValueError, PylockValidationError):  # `parse` says what is wrong with it
        return ()


def text_of(resolved: str, asked: Iterable[str]) -> str:
    """The text of a lock: what the resolver wrote, and what it was asked for."""
    # Imported here: one session needs it, and all would wait for it.
    import tomlkit

    made_for = tomlkit.array()
    made_for.extend(asked)
    table = tomlkit.table()
    table.add(_MADE_FOR, made_for.multiline(True))
    document = tomlkit.document()
    document.add("tool", tomlkit.table(is_super_table=True).add(_TOOL, table))
    return f"{resolved.rstrip()}\n\n{tomlkit.dumps(document)}"
