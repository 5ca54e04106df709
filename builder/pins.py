"""`recipes/pins.toml`: every source we download, with version, digest and several places each."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.errors import UserError
from builder.sources import PSF, Source
from builder.targets import Arch

_DEBIAN = {"licence": "LGPL-2.1-or-later"}  # of what is linked: glibc; libgcc's has the runtime exception
_SNAPSHOT = "https://snapshot.debian.org/archive/debian"  # everything Debian ever published, by day


@dataclass(frozen=True)
class Sysroot:
    """The C library to link against: packages of a Debian suite for one architecture, and the glibc they hold.

    `beside` are packages that nothing is linked against, but that wheels may need: what a .deb can depend on as well.
    """

    suite: str
    arch: Arch
    glibc: str
    packages: tuple[Source, ...]
    beside: tuple[Source, ...] = ()

    @property
    def sha256(self) -> str:
        """One digest for all that is linked against."""
        return hashlib.sha256("".join(package.sha256 for package in self.packages).encode()).hexdigest()


@dataclass(frozen=True)
class Pins:
    """CPython releases by version, python-build, the bundled libraries by name, and the sysroots."""

    pythons: Mapping[str, Source]
    python_build: Source
    libraries: Mapping[str, Source]
    sysroots: tuple[Sysroot, ...]

    def sysroot(self, suite: str, arch: Arch) -> Sysroot:
        """The C library of a suite for an architecture; UserError if none is pinned."""
        for sysroot in self.sysroots:
            if (sysroot.suite, sysroot.arch) == (suite, arch):
                return sysroot
        suites = ", ".join(dict.fromkeys(sysroot.suite for sysroot in self.sysroots)) or "none"
        raise UserError(
            f"SYSROOT={suite}: recipes/pins.toml has no [sysroot.{suite}] with {arch.value}",
            f"pinned: {suites}; pin it there, or set LIBRARIES=system",
        )


def read(path: Path) -> Pins:
    """Read the pins; UserError with the file's name for anything missing or misspelt."""
    try:
        table = tomllib.loads(path.read_text())
        pythons = [_source("CPython", {"licence": PSF, **row}) for row in table.pop("python")]
        python_build = _source("python-build", table.pop("python-build"))
        libraries = [_source(row.pop("name"), row) for row in table.pop("library")]
        sysroots = [one for suite, row in table.pop("sysroot").items() for one in _sysroots(suite, row)]
        if table:
            raise ValueError(f"unknown: {', '.join(table)}")
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UserError(f"{path}: {problem}", "each source has version, file, sha256 and places") from None
    return Pins(
        {python.version: python for python in pythons},
        python_build,
        {library.name: library for library in libraries},
        tuple(sysroots),
    )


def _source(name: str, row: Mapping[str, Any]) -> Source:
    if not isinstance(row["places"], list) or not row["places"]:
        raise ValueError(f"{row['file']}: places is not a list of places")
    source = Source(name=name, **{**row, "places": tuple(row["places"])})
    if not re.fullmatch(r"[0-9a-f]{64}", source.sha256):
        raise ValueError(f"{source.file}: sha256 is not 64 hex digits in lower case")
    if not source.licence:
        raise ValueError(f"{source.file}: licence is missing")
    return source


def _sysroots(suite: str, row: Mapping[str, Any]) -> Iterator[Sysroot]:
    lists = dict(row)
    glibc, snapshot, beside = lists.pop("glibc"), lists.pop("snapshot"), lists.pop("beside", {})
    for arch, packages in lists.items():
        linked, others = (
            tuple(_package(entry, snapshot) for entry in entries) for entries in (packages, beside.get(arch, ()))
        )
        yield Sysroot(suite, Arch(arch), glibc, linked, others)


def _package(entry: Mapping[str, str], snapshot: str) -> Source:
    path = entry["path"]
    file = path.rpartition("/")[2]
    parts = file.split("_")
    if len(parts) != 3:
        raise ValueError(f"{path} is no Debian package")
    name, version, _ = parts
    places = [f"debian:{path}", f"{_SNAPSHOT}/{snapshot}/{path}"]
    return _source(name, {"version": version, "file": file, "sha256": entry["sha256"], "places": places, **_DEBIAN})
