"""What an interpreter must pass on its own architecture before it is kept, and the names of what it is kept in."""

from __future__ import annotations

from pathlib import PurePosixPath

from builder.stages.interpreter.cpython import CPython
from builder.stages.programs import program_file
from builder.stages.stage import WORK, Stage, Step, unpack
from builder.versions import has_zstd

OUTPUT = "interpreter.tgz"
SYMBOLS = "symbols"  # folder of a cross-compiled interpreter with what debuggers read

# Those with an underscore have a slower substitute, which the module they belong to takes in silence.
_REQUIRED_MODULES = (
    "ssl", "_hashlib", "zlib", "bz2", "lzma", "sqlite3", "ctypes", "readline", "curses", "_uuid", "_decimal",
)  # fmt: skip

CHECK = program_file("check_modules.py")


def _required_modules(cpython: CPython) -> tuple[str, ...]:
    """The modules a complete CPython of a version has, but lacks when their library was not found."""
    zstd = ("compression.zstd",) if has_zstd(cpython.version) else ()
    return (*_REQUIRED_MODULES, *zstd, *(name for name, asked in cpython.optional_modules.items() if asked))


def plan_acceptance(cpython: CPython, prt_root: PurePosixPath) -> Stage:
    """What an interpreter compiled elsewhere must pass on its own architecture before it is kept."""
    hint = (
        "its library in recipes/pins.toml was not found by configure, or is of no use: the interpreter's log says why"
    )
    steps = (unpack("unpack interpreter", OUTPUT, str(prt_root)), check_modules(cpython, prt_root, hint))
    return Stage("proof", {}, (CHECK,), steps, "")


def check_modules(cpython: CPython, prt_root: PurePosixPath, hint: str) -> Step:
    """Fail unless the interpreter has every module a complete CPython has."""
    python, modules = f"{prt_root}/bin/python", _required_modules(cpython)
    args = (python, "-I", "-B", f"{WORK}/check_modules.py", *modules)
    return Step("check modules", args, hint=hint)
