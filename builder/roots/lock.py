"""Root file systems as lists of pinned Debian packages: what the lock files of `recipes/` say, read and checked.

A *list* (`compiler.txt`) names the packages that are wanted; its *lock* (`compiler.lock`) has every package that they
bring along, by its path below a Debian mirror and its sha256, for each architecture. `nox -s builder-lock` makes it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from builder.errors import UserError
from builder.inputs import toml
from builder.inputs.pins import SNAPSHOT, Source
from builder.targets import Arch

# Counts up when the same packages become another tree: it is part of every root's digest.
FORMAT = 1

_LARGEST = 1_000_000  # bytes of a lock: two hundred packages for two architectures are 50,000
_PATH = re.compile(
    r"pool/[a-z-]+/[a-z0-9]+/[a-z0-9.+-]+/(?P<file>(?P<name>[a-z0-9.+-]+)_(?P<version>[\w.+~-]+)_\w+\.deb)"
)
_RENEW = "nox -s builder-lock"


@dataclass(frozen=True)
class Root:
    """The packages of one root file system, to be unpacked in this order and never configured."""

    name: str
    suite: str
    arch: Arch
    packages: tuple[Source, ...]

    @property
    def digest(self) -> str:
        """The sha256 of all that decides its files: the same digest means the same tools."""
        lines = (f"{FORMAT} {self.arch.value}", *(package.sha256 for package in self.packages))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Lock:
    """A lock as it is written: `wanted` is the list it was made from, `packages` maps paths to digests."""

    suite: str
    snapshot: str
    wanted: tuple[str, ...]
    packages: Mapping[Arch, Mapping[str, str]]

    def root(self, name: str, arch: Arch) -> Root:
        """The root file system of an architecture; UserError if the lock has none."""
        if not self.packages.get(arch):
            raise UserError(f"the lock of {name} has no packages for {arch.value}", _RENEW)
        packages = (self._source(path, sha256) for path, sha256 in self.packages[arch].items())
        return Root(name, self.suite, arch, tuple(packages))

    def encode(self, made_from: str) -> str:
        """The one way to write it down; `made_from` is the name of its list."""
        head = (
            f"# Made by `{_RENEW}` from {made_from}: Debian packages by their path below a mirror, with their sha256.\n"
            f'suite = "{self.suite}"\nsnapshot = "{self.snapshot}"\nwanted = [\n'
        )
        wanted = "".join(f'    "{name}",\n' for name in self.wanted)
        tables = (
            f"\n[{arch.value}]\n" + "".join(f'"{path}" = "{sha256}"\n' for path, sha256 in packages.items())
            for arch, packages in self.packages.items()
        )
        return f"{head}{wanted}]\n{''.join(tables)}"

    def _source(self, path: str, sha256: str) -> Source:
        found = _PATH.fullmatch(path)
        assert found, "checked by read_lock"
        places = (f"debian:{path}", f"{SNAPSHOT}/{self.snapshot}/{quote(path)}")
        return Source(found["name"], found["version"], found["file"], sha256, places)


def wanted(path: Path) -> tuple[str, ...]:
    """The packages a list names, one a line, sorted; `#` begins a comment."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise UserError(f"{path} can't be read: {problem}", "one Debian package a line") from None
    names = sorted({line.partition("#")[0].strip() for line in lines} - {""})
    for name in names:
        if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]+|\?essential", name):
            raise UserError(f"{path}: {name!r} is not the name of a Debian package", "one Debian package a line")
    return tuple(names)


def read_lock(path: Path) -> Lock:
    """Read a lock; UserError with its name for anything in it that is not as `builder-lock` writes it."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"larger than {_LARGEST} bytes")
        table = toml.parsed(path.read_text())
        suite, snapshot, names = table.pop("suite"), table.pop("snapshot"), table.pop("wanted")
        packages = {Arch(arch): dict(row) for arch, row in table.items()}
        if not re.fullmatch(r"[a-z]+", suite) or not re.fullmatch(r"\d{8}T\d{6}Z", snapshot):
            raise ValueError("suite or snapshot is not one")
        for row in packages.values():
            for file, sha256 in row.items():
                if not _PATH.fullmatch(file) or ".." in file.split("/") or not re.fullmatch(r"[0-9a-f]{64}", sha256):
                    raise ValueError(f"{file!r} is no Debian package with its sha256")
        return Lock(suite, snapshot, tuple(map(str, names)), packages)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UserError(f"{path}: {problem}", _RENEW) from None


def read_root(listed: Path, lock_file: Path, arch: Arch) -> Root:
    """The root file system of a list by its lock; UserError if the lock was made from another list."""
    lock, names = read_lock(lock_file), wanted(listed)
    differing = sorted({*lock.wanted} ^ {*names})
    if differing:
        raise UserError(f"{lock_file} was not made from this {listed.name}: {', '.join(differing)} differ", _RENEW)
    return lock.root(lock_file.stem, arch)
