"""What a complete CPython needs to compile, and the fingerprint of what is there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from builder.engines.base import Item, Workplace
from builder.errors import UserError
from builder.stages.step import WORK, Step
from builder.stages.target import CLANG, llvm
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

# What compiling across needs, under the names Debian gives it.
CROSS_PROGRAMS = (
    f"clang-{CLANG}", f"clang++-{CLANG}", f"ld.lld-{CLANG}", llvm("ar"), llvm("objcopy"), "make", "patch", "perl",
    "tclsh", "autoreconf", "pkg-config", "file", "xz",
)  # fmt: skip

_MISSING = "prt_missing"


def headers(version: str) -> dict[str, str]:
    """The headers a complete CPython of a version is compiled with, each with the Debian package that has it."""
    return {**HEADERS, "zstd.h": "libzstd-dev"} if has_zstd(version) else HEADERS


def missing(names: list[str], packages: dict[str, str], where: str) -> UserError:
    """The error that names what is missing and the line that installs it."""
    install = " ".join(sorted({packages[name] for name in names}))
    return UserError(f"{where} lacks {', '.join(names)}", f"apt-get install {install}")


def fingerprint(place: Workplace, where: str, python: str, compiles: bool) -> str:
    """The digest of what compiles a version in a workplace: clang and lld, or the system's compiler with all it finds.

    Across, C library and libraries are pinned sources. In place they are the system's: headers are read preprocessed,
    their text names the versions of the libraries, whatever the distribution. UserError names what is missing.
    """
    if compiles:
        clang, lld = (f"clang-{CLANG}", "--version"), (f"ld.lld-{CLANG}", "--version")
        return _digest_of(place, where, (clang, lld), {}, f"apt-get install clang-{CLANG} lld-{CLANG}")
    packages = headers(python)
    probe = "".join(
        f"#if __has_include(<{header}>)\n#include <{header}>\n#else\n{_MISSING} {header}\n#endif\n"
        for header in packages
    )
    place.put([Item("toolchain.c", b"#include <stdio.h>\n" + probe.encode())])
    preprocess = ("cc", "-E", "-P", f"{WORK}/toolchain.c")
    commands = (("cc", "--version"), ("ld", "--version"), ("ldd", "--version"), preprocess)
    return _digest_of(place, where, commands, packages, "apt-get install build-essential")


def _digest_of(
    place: Workplace, where: str, commands: Iterable[tuple[str, ...]], packages: dict[str, str], hint: str
) -> str:
    """The digest of what the commands say; UserError if one fails, or names a missing header."""
    seen = hashlib.sha256()
    for args in commands:
        lines: list[str] = []
        if place.run(Step(f"{args[0]} {args[1]}", args), lines.append):
            raise UserError(f"{where}: {' '.join(args)} failed:\n" + "\n".join(lines[-5:]), hint)
        absent = [line.removeprefix(_MISSING).strip() for line in lines if line.startswith(_MISSING)]
        if absent:
            raise missing([name.replace(" ", "") for name in absent], packages, where)
        seen.update("\n".join(lines).encode())
    return seen.hexdigest()
