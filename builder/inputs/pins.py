"""`recipes/pins.toml`: every source we download, with version, digest and several places each."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.errors import UserError
from builder.files import read as read_file
from builder.inputs import toml
from builder.targets import Arch

CPYTHON = "CPython"  # what its sources are called
PSF = "PSF-2.0"  # the license of every CPython since 2.1
_PYTHON = {"license": PSF, "cpe": "python:python"}
_DEBIAN = {"license": "LGPL-2.1-or-later"}  # of what is linked: glibc; libgcc's has the runtime exception
SNAPSHOT = "https://snapshot.debian.org/archive/debian"  # everything Debian ever published, by day

_LARGEST = 1 << 20  # bytes of the file
_PLAIN = "[A-Za-z0-9][A-Za-z0-9._+~-]*"  # as part of a path: neither hidden nor leading elsewhere
_BELOW = f"{_PLAIN}(/{_PLAIN})*"
_EACH = "each source has version, file, sha256 and places"
_NEEDED = {"name", "version", "file", "sha256", "places", "license"}
_ALLOWED = {"released", "line", "signed_by", "cpe"}
# What each text may be, and what that is called.
_RULES = {
    "name": ("[A-Za-z0-9][A-Za-z0-9.+-]*", "a name"),
    "version": ("[A-Za-z0-9][A-Za-z0-9.+~-]*", "a version"),
    "python": (r"3\.\d{1,3}\.\d{1,3}((a|b|rc)\d{1,3})?", "a CPython version"),
    "file": (_PLAIN, "a plain file name"),
    "sha256": ("[0-9a-f]{64}", "64 hex digits in lower case"),
    "signed_by": ("[0-9A-F]{40}", "the fingerprint of a PGP key: 40 hex digits in upper case"),
    "license": (r"[A-Za-z0-9.+-]+( [A-Za-z0-9.+-]+)*", "an SPDX license expression"),
    "place": (rf"debian:{_BELOW}|(https?://|file:///|/)[A-Za-z0-9%&+,./:;=?@_~!-]+", "a URL, a path or debian:path"),
    "path": (_BELOW, "a path below a Debian mirror"),
    "suite": ("[a-z]+", "a Debian suite"),
    "cpe": ("[a-z0-9._-]+:[a-z0-9._-]+", "vendor:product of a CPE"),
    "symbols": (r"[A-Z]+_\d{1,3}(\.\d{1,3}){0,3}", "a version of symbols, such as GLIBCXX_3.4.28"),
    "glibc": (r"2\.\d{1,3}", "a version of glibc"),
    "snapshot": (r"\d{8}T\d{6}Z", "a time of snapshot.debian.org"),
}


@dataclass(frozen=True)
class Source:
    """A file to download. `places` are URLs or `debian:<path below a Debian mirror>`; `released` is its date.

    `line` is the series that `nox -s bump` stays in, such as `3.5`; empty for the newest of all. `signed_by` is the
    fingerprint of upstream's key, which a newer release must be signed with; empty where no signature is known. `cpe`
    is vendor and product, as the NVD calls them.
    """

    name: str
    version: str
    file: str
    sha256: str
    places: tuple[str, ...]
    released: datetime.date | None = None
    license: str = ""
    line: str = ""
    signed_by: str = ""
    cpe: str = ""


@dataclass(frozen=True)
class Sysroot:
    """The C library to link against: packages of a Debian suite for one architecture, and the glibc they hold.

    Of `headers`, packages as well, nothing is linked. `beside` are packages that nothing is linked against, but that
    wheels may need: what a .deb can depend on as well. `symbols` are the newest of other libraries on a system
    with that glibc, such as `GLIBCXX_3.4.28`.
    """

    suite: str
    arch: Arch
    glibc: str
    packages: tuple[Source, ...]
    headers: tuple[Source, ...] = ()
    beside: tuple[Source, ...] = ()
    symbols: tuple[str, ...] = ()

    @property
    def newest_symbols(self) -> tuple[str, ...]:
        """The newest version of each set of symbols that is there, the C library's first."""
        return (f"GLIBC_{self.glibc}", *self.symbols)

    @property
    def sha256(self) -> str:
        """One digest for all that is compiled and linked against."""
        packages = (*self.packages, *self.headers)
        return hashlib.sha256("".join(package.sha256 for package in packages).encode()).hexdigest()


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
        text = read_file(path, _LARGEST).decode()
    except (OSError, ValueError) as problem:
        raise UserError(f"{path}: {problem}", _EACH) from None
    return parse(text, path)


def parse(text: str, path: Path) -> Pins:
    """The same of a text that is, or is to be, in a file."""
    try:
        table = toml.parsed(text)
        pythons = [_source({**_PYTHON, **row, "name": CPYTHON}) for row in _rows(table, "python")]
        python_build = _source({**_row(table.pop("python-build")), "name": "python-build"})
        libraries = [_source(row) for row in _rows(table, "library")]
        headers = _headers(_row(table.pop("headers")))
        suites = _row(table.pop("sysroot")).items()
        sysroots = [one for suite, row in suites for one in _sysroots(suite, _row(row), headers)]
        if table:
            raise ValueError(f"unknown: {', '.join(table)}")
        for python in pythons:
            _check(python.version, "python", python.file)
        return Pins(_by("version", pythons), python_build, _by("name", libraries), tuple(sysroots))
    except ValueError as error:
        problem: object = error
    except KeyError as error:
        problem = f"{error.args[0]} is missing"
    raise UserError(f"{path}: {problem}", _EACH)


def _row(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r:.100} is not a table")
    return value


def _rows(table: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [_row(value) for value in _list(table.pop(name), name)]


def _list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{name} is not a list")
    return value


def _check(value: object, rule: str, where: str) -> str:
    """A text as its rule has it; what is pinned becomes part of paths, of scripts and of the manifest."""
    pattern, meaning = _RULES[rule]
    if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
        raise ValueError(f"{where}: {rule} is not {meaning}: {value!r:.200}")
    return value


def _by(attribute: str, sources: Iterable[Source]) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for source in sources:
        if found.setdefault(getattr(source, attribute), source) is not source:
            raise ValueError(f"{source.file}: {getattr(source, attribute)} is pinned twice")
    return found


def _source(row: Mapping[str, Any]) -> Source:
    where = f"{row.get('file', row.get('name'))!s:.100}"
    for wrong, names in (("unknown", row.keys() - _NEEDED - _ALLOWED), ("missing", _NEEDED - row.keys())):
        if names:
            raise ValueError(f"{where}: {wrong}: {', '.join(sorted(names))}")
    released = row.get("released")
    if released is not None and type(released) is not datetime.date:
        raise ValueError(f"{where}: released is not a date")
    name, version, file, sha256, spdx = (
        _check(row[rule], rule, where) for rule in ("name", "version", "file", "sha256", "license")
    )
    places = tuple(_check(place, "place", where) for place in _list(row["places"], f"{where}: places"))
    if not places:
        raise ValueError(f"{where}: places is an empty list")
    line, signed_by, cpe = (
        _check(row[name], rule, where) if name in row else ""
        for name, rule in (("line", "version"), ("signed_by", "signed_by"), ("cpe", "cpe"))
    )
    return Source(name, version, file, sha256, places, released, spdx, line, signed_by, cpe)


def _headers(row: Mapping[str, Any]) -> tuple[Source, ...]:
    if row.keys() != {"snapshot", "packages"}:
        raise ValueError("headers has snapshot and packages")
    snapshot = _check(row["snapshot"], "snapshot", "headers")
    return tuple(_package(_row(one), snapshot, {"license"}) for one in _list(row["packages"], "headers"))


def _sysroots(suite: str, row: Mapping[str, Any], headers: tuple[Source, ...]) -> Iterator[Sysroot]:
    where = f"sysroot.{_check(suite, 'suite', 'sysroot')}"
    lists = dict(row)
    glibc, snapshot = (_check(lists.pop(rule), rule, where) for rule in ("glibc", "snapshot"))
    symbols = tuple(_check(one, "symbols", where) for one in _list(lists.pop("symbols"), f"{where}: symbols"))
    packages, beside = (
        {Arch(arch): tuple(_package(_row(one), snapshot) for one in _list(found, where)) for arch, found in by.items()}
        for by in (lists, _row(lists.pop("beside", {})))
    )
    for arch, linked in packages.items():
        yield Sysroot(suite, arch, glibc, linked, headers, beside.get(arch, ()), symbols)


def _package(entry: Mapping[str, Any], snapshot: str, more: Set[str] = frozenset()) -> Source:
    path = _check(entry["path"], "path", "package")
    file = path.rpartition("/")[2]
    parts, keys = file.split("_"), {"path", "sha256", *more}
    if len(parts) != 3 or entry.keys() != keys:
        raise ValueError(f"{path} is no Debian package with {', '.join(sorted(keys))}")
    name, version, _ = parts
    places = [f"debian:{path}", f"{SNAPSHOT}/{snapshot}/{path}"]
    said = {key: value for key, value in entry.items() if key != "path"}
    return _source({**_DEBIAN, **said, "name": name, "version": version, "file": file, "places": places})
