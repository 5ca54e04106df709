"""The interpreter stage: CPython in PRT_ROOT, complete, before any package.

Two ways: *across*, with the build machine's clang for any target and the libraries inside, or *in place*, with
python-build's own definition, the compiler and the libraries of the system it runs on.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from builder.stages.compile import CPython, without_bytecode
from builder.stages.programs import program
from builder.stages.step import WORK, Stage, Step, pack, unpack
from builder.targets import Arch
from builder.versions import has_zstd

OUTPUT = "interpreter.tgz"
SYMBOLS = "symbols"  # folder of a cross-compiled interpreter with what debuggers read

_REQUIRED_MODULES = (
    "ssl", "hashlib", "zlib", "bz2", "lzma", "sqlite3", "ctypes", "readline", "curses", "uuid", "decimal",
)  # fmt: skip

_CHECK = program("check_modules.py")


def _required_modules(version: str) -> tuple[str, ...]:
    """The modules a complete CPython of a version has, but lacks when their library was not found."""
    return (*_REQUIRED_MODULES, "compression.zstd") if has_zstd(version) else _REQUIRED_MODULES


def in_place(cpython: CPython, arch: Arch, *, optimize: bool, prt_root: PurePosixPath) -> Stage:
    """Plan the compile of one CPython version where it will run."""
    # A static libpython is faster, and makes `venv --copies` and a moved tree work. Everything that tunes goes
    # through configure's own switches: they put it into *_NODIST, where no extension inherits it.
    options = ("--disable-shared", *(("--enable-optimizations", "--with-lto") if optimize else ()))
    # One process trains: parallel training corrupts GCC's profiles (python/cpython#145801).
    training = {"PROFILE_TASK": "-m test --pgo --timeout=1200"} if optimize else {}
    name = f"compile CPython {cpython.version}" + (" (PGO, LTO)" if optimize else "")
    return Stage(
        name="interpreter",
        inputs={**cpython.inputs(arch), "prt_root": str(prt_root)},
        files=(*cpython.files(cpython.python_build.definitions(cpython.version)), _CHECK),
        steps=(
            *cpython.prove_patches(),
            cpython.compile(name, str(prt_root), options, training),
            _check_modules(cpython, prt_root, "install the headers the module needs, and build again"),
            without_bytecode(str(prt_root)),
            pack("pack interpreter", str(prt_root), OUTPUT, cpython.epoch),
        ),
        output=OUTPUT,
        proof=proof(cpython, prt_root),
    )


def proof(cpython: CPython, prt_root: PurePosixPath) -> Stage:
    """What an interpreter compiled elsewhere must pass on its own architecture before it is kept."""
    hint = (
        "its library in recipes/pins.toml was not found by configure, or is of no use: the interpreter's log says why"
    )
    steps = (unpack("unpack interpreter", OUTPUT, str(prt_root)), _check_modules(cpython, prt_root, hint))
    return Stage("proof", {}, (_CHECK,), steps, "")


def _check_modules(cpython: CPython, prt_root: PurePosixPath, hint: str) -> Step:
    """Fail unless the interpreter has every module a complete CPython has."""
    python, modules = f"{prt_root}/bin/python", _required_modules(cpython.version)
    args = (python, "-I", "-B", f"{WORK}/check_modules.py", *modules)
    return Step("check modules", args, hint=hint)
