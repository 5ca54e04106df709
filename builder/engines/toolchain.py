"""What a complete CPython needs to compile, and the fingerprint of what is there."""

from __future__ import annotations

import hashlib

from builder.engines.base import Item, Workplace
from builder.errors import UserError
from builder.stages.step import WORK, Step

# Header and the Debian package that has it.
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

_MISSING = "prt_missing"


def missing(names: list[str], packages: dict[str, str], where: str) -> UserError:
    """The error that names what is missing and the line that installs it."""
    install = " ".join(sorted({packages[name] for name in names}))
    return UserError(f"{where} lacks {', '.join(names)}", f"apt-get install {install}")


def fingerprint(place: Workplace, where: str) -> str:
    """The digest of compiler, linker, C library and every header CPython's modules use, as found in a workplace.

    Headers are read preprocessed: their text names the versions of the libraries, whatever the distribution.
    Raises UserError naming what is missing.
    """
    probe = "".join(
        f"#if __has_include(<{header}>)\n#include <{header}>\n#else\n{_MISSING} {header}\n#endif\n"
        for header in HEADERS
    )
    place.put([Item("toolchain.c", b"#include <stdio.h>\n" + probe.encode())])
    seen = hashlib.sha256()
    for args in (
        ("cc", "--version"),
        ("ld", "--version"),
        ("ldd", "--version"),
        ("cc", "-E", "-P", f"{WORK}/toolchain.c"),
    ):
        lines: list[str] = []
        if place.run(Step(f"{args[0]} {args[1]}", args), lines.append):
            raise UserError(
                f"{where}: {' '.join(args)} failed:\n" + "\n".join(lines[-5:]), "apt-get install build-essential"
            )
        absent = [line.removeprefix(_MISSING).strip() for line in lines if line.startswith(_MISSING)]
        if absent:
            raise missing([name.replace(" ", "") for name in absent], HEADERS, where)
        seen.update("\n".join(lines).encode())
    return seen.hexdigest()
