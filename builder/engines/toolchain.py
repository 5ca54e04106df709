"""What compiling a complete CPython needs, and the fingerprint of all that is there and decides the result."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from builder.engines.base import Item, Workplace
from builder.errors import UserError
from builder.stages.interpreter.compiler import CLANG, llvm
from builder.stages.stage import WORK, Step
from builder.versions import has_zstd

# Header and the Debian package that has it, for any version of CPython.
HEADERS = {
    "stdlib.h": "libc6-dev",
    "openssl/ssl.h": "libssl-dev",
    "zlib.h": "zlib1g-dev",
    "bzlib.h": "libbz2-dev",
    "lzma.h": "liblzma-dev",
    "sqlite3.h": "libsqlite3-dev",
    "ffi.h": "libffi-dev",
    "readline/readline.h": "libreadline-dev",
    "curses.h": "libncurses-dev",
    "uuid/uuid.h": "uuid-dev",
}

# Program and the Debian package that has it.
PROGRAMS = {
    "cc": "gcc",
    "ld": "binutils",
    "readelf": "binutils",
    "make": "make",
    "patch": "patch",
    "bash": "bash",
    "tar": "tar",
    "gzip": "gzip",
    "xz": "xz-utils",
    "find": "findutils",
}

# The same for Debian packages.
PACKAGING = {
    "dpkg-deb": "dpkg",
    "dpkg-shlibdeps": "dpkg-dev",
    "dpkg-gencontrol": "dpkg-dev",
    "objdump": "binutils",
}

# What cross-compiling needs, under Debian's names.
CROSS_PROGRAMS = (
    f"clang-{CLANG}", f"clang++-{CLANG}", f"ld.lld-{CLANG}", llvm("ar"), llvm("objcopy"), "make", "patch", "perl",
    "tclsh", "autoreconf", "automake", "libtoolize", "pkg-config", "file", "xz",
)  # fmt: skip

COMPILER_LIST = "recipes/builder/compiler.txt"

_MISSING = "prt_missing"


def headers(version: str) -> dict[str, str]:
    """The headers a complete CPython of a version is compiled with, each with the Debian package that has it."""
    return {**HEADERS, "zstd.h": "libzstd-dev"} if has_zstd(version) else HEADERS


def missing(names: list[str], packages: dict[str, str], where: str) -> UserError:
    """The error that names what is missing and the line that installs it."""
    install = " ".join(sorted({packages[name] for name in names}))
    return UserError(f"{where} lacks {', '.join(names)}", f"apt-get install {install}")


def fingerprint(
    place: Workplace, where: str, programs: Iterable[str], *, packages: bool = False, python: str = ""
) -> str:
    """The digest of what decides the bytes of what is made in a workplace; UserError names what is missing.

    That is the list of all `packages` with their versions, in an image that we made: two machines whose images hold
    the same make the same. Elsewhere, on a machine that has a thousand more, it is the versions of `programs`.
    Where `python` is to be compiled with the system's libraries their headers are read, preprocessed: the text names
    the libraries' versions.
    """
    lines = _installed(place) if packages else []
    lines = lines or _versions(place, where, programs)
    lines += _preprocessed(place, where, headers(python)) if python else []
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _installed(place: Workplace) -> list[str]:
    """Name and version of every package, whoever manages them; none where we don't know who does."""
    for args in (("dpkg-query", "--show", "--showformat=${Package} ${Version}\\n"), ("rpm", "--query", "--all")):
        lines: list[str] = []
        if not place.run(Step(args[0], args), lines.append):
            return sorted(lines)
    return []


def _versions(place: Workplace, where: str, programs: Iterable[str]) -> list[str]:
    place.put([Item("version.tcl", b"puts $tcl_patchLevel\n")])
    unusual = {"tclsh": ("tclsh", f"{WORK}/version.tcl")}
    commands = [unusual.get(program, (program, "--version")) for program in programs]
    return [line for args in (*commands, ("ldd", "--version")) for line in _said(place, where, args)]


def _preprocessed(place: Workplace, where: str, packages: dict[str, str]) -> list[str]:
    probe = "".join(
        f"#if __has_include(<{header}>)\n#include <{header}>\n#else\n{_MISSING} {header}\n#endif\n"
        for header in packages
    )
    place.put([Item("toolchain.c", b"#include <stdio.h>\n" + probe.encode())])
    lines = _said(place, where, ("cc", "-E", "-P", f"{WORK}/toolchain.c"))
    absent = [line.removeprefix(_MISSING).strip() for line in lines if line.startswith(_MISSING)]
    if absent:
        raise missing([name.replace(" ", "") for name in absent], packages, where)
    return lines


def _said(place: Workplace, where: str, args: tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    if place.run(Step(f"{args[0]} {args[1]}", args), lines.append):
        cross = args[0] in CROSS_PROGRAMS and args[0] not in PROGRAMS
        install = f"$(grep -v '#' {COMPILER_LIST})" if cross else "build-essential"
        raise UserError(f"{where}: {' '.join(args)} failed:\n" + "\n".join(lines[-5:]), f"apt-get install {install}")
    return lines
