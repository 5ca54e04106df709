"""The interpreter stage: CPython in PRT_ROOT, complete, before any package.

Two ways: *across*, with the build machine's clang for any target and the libraries inside, or *in place*, with
python-build's own definition, the compiler and the libraries of the system it runs on.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from builder.python_build import PythonBuild
from builder.recipe import RecipeFile
from builder.stages.compile import (
    compile_files,
    compile_step,
    epoch_of,
    prove_patches,
    without_bytecode,
)
from builder.stages.step import WORK, File, Stage, Step, pack, unpack
from builder.targets import Arch

OUTPUT = "interpreter.tgz"

REQUIRED_MODULES = (
    "ssl", "hashlib", "zlib", "bz2", "lzma", "sqlite3", "ctypes", "readline", "curses", "uuid", "decimal",
)  # fmt: skip

_INSIDE = Path(__file__).parents[1] / "inside"
_CHECK = File("check_modules.py", (_INSIDE / "check_modules.py").read_bytes())


def in_place(
    version: str,
    python_build: PythonBuild,
    pre_patches: tuple[RecipeFile, ...],
    *,
    optimize: bool,
    prt_root: PurePosixPath,
    arch: Arch,
    toolchain: str,
) -> Stage:
    """Plan the compile of one CPython version where it will run. `toolchain` is its compiler's fingerprint."""
    epoch = epoch_of(python_build.source(version))
    # A static libpython is faster, and makes `venv --copies` and a moved tree work. Everything that tunes goes
    # through configure's own switches: they put it into *_NODIST, where no extension inherits it.
    options = ("--disable-shared", *(("--enable-optimizations", "--with-lto") if optimize else ()))
    # One process trains: parallel training corrupts GCC's profiles (python/cpython#145801).
    training = {"PROFILE_TASK": "-m test --pgo --timeout=1200"} if optimize else {}
    name = f"compile CPython {version}" + (" (PGO, LTO)" if optimize else "")
    env = {"SOURCE_DATE_EPOCH": str(epoch), **training}
    return Stage(
        name="interpreter",
        inputs={"version": version, "arch": arch.value, "prt_root": str(prt_root), "toolchain": toolchain},
        files=(*compile_files(version, python_build, pre_patches, python_build.definitions(version)), _CHECK),
        steps=(
            *prove_patches(version, pre_patches),
            compile_step(name, version, str(prt_root), options, env),
            check_modules(prt_root),
            without_bytecode(str(prt_root)),
            pack("pack interpreter", str(prt_root), OUTPUT, epoch),
        ),
        output=OUTPUT,
    )


def check_modules(prt_root: PurePosixPath) -> Step:
    """Fail unless the interpreter has every module a complete CPython has."""
    return Step(
        "check modules",
        (f"{prt_root}/bin/python", "-I", "-B", f"{WORK}/check_modules.py", *REQUIRED_MODULES),
        hint="install the headers the module needs, and build again",
    )


def proof(prt_root: PurePosixPath) -> Stage:
    """What a cross-compiled interpreter must pass on its own architecture before it is kept."""
    steps = (unpack("unpack interpreter", OUTPUT, str(prt_root)), check_modules(prt_root))
    return Stage("proof", {}, (_CHECK,), steps, "")
