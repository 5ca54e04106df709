"""The license of every component, kept in the runtime: whoever gets a copy of it has to get them as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from builder.stages.interpreter.compiler import DEPS
from builder.stages.interpreter.cpython import CPython
from builder.stages.stage import WORK, Step
from builder.versions import series

_FOLDER = "share/licenses"  # with a folder for each component, by its name in the manifest
# What CPython has copied, since which release, and where its source has the terms: some of them in a file's head.
_COPIED = (
    ("cpython", (3, 0), ("LICENSE", "Doc/license.rst")),
    ("expat", (3, 0), ("Modules/expat/COPYING",)),
    ("hacl-star", (3, 12), ("Modules/_hacl/Hacl_Hash_SHA2.h",)),
    ("libmpdec", (3, 3), ("Modules/_decimal/libmpdec/mpdecimal.h",)),
    ("macholib", (3, 0), ("Lib/ctypes/macholib/README.ctypes",)),
    ("mimalloc", (3, 13), ("Doc/license.rst",)),
)


def keep_license(name: str, files: tuple[str, ...]) -> tuple[str, ...]:
    """A command, run in a library's source: keeps the files with its terms next to what is built from it."""
    return _install(DEPS, name, *files)


def keep_licenses(cpython: CPython, prt_root: PurePosixPath, *, libraries: bool) -> Iterator[Step]:
    """Install the terms of CPython and of what it has copied, and with `libraries` those of the libraries inside."""
    source = f"{WORK}/build/{cpython.package}"
    for name, since, files in _COPIED:
        if series(cpython.version) >= since:
            yield Step(f"keep license of {name}", _install(str(prt_root), name, *files), cwd=source)
    if libraries:
        args = ("cp", "-R", f"{DEPS}/{_FOLDER}", f"{prt_root}/share/")
        yield Step("keep licenses of libraries", args)


def _install(root: str, name: str, *files: str) -> tuple[str, ...]:
    return ("install", "-D", "-m644", "-t", f"{root}/{_FOLDER}/{name}", *files)
