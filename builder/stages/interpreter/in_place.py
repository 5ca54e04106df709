"""CPython compiled where it will run: python-build's own definition, the compiler and the libraries of the system."""

from __future__ import annotations

from pathlib import PurePosixPath

from builder.stages.interpreter.acceptance import CHECK, OUTPUT, check_modules, plan_acceptance
from builder.stages.interpreter.cpython import CPython, without_bytecode
from builder.stages.interpreter.licenses import keep_licenses
from builder.stages.stage import Stage, pack
from builder.targets import Arch


def compile_in_place(cpython: CPython, arch: Arch, *, optimize: bool, prt_root: PurePosixPath) -> Stage:
    """Plan the compile of one CPython version where it will run."""
    # A static libpython is faster, and makes `venv --copies` and a moved tree work. Everything that tunes goes
    # through configure's own switches: they put it into *_NODIST, where no extension inherits it.
    options = ("--disable-shared", *cpython.options, *(("--enable-optimizations", "--with-lto") if optimize else ()))
    # One process trains: parallel training corrupts GCC's profiles (python/cpython#145801).
    training = {"PROFILE_TASK": "-m test --pgo --timeout=1200"} if optimize else {}
    # Whether a module is built that nobody asked for must not depend on what the system has.
    unasked = {f"py_cv_module_{name}": "n/a" for name, asked in cpython.optional_modules.items() if not asked}
    name = f"compile CPython {cpython.version}" + (" (PGO, LTO)" if optimize else "")
    return Stage(
        name="interpreter",
        inputs={**cpython.inputs(arch), "prt_root": str(prt_root)},
        files=(*cpython.files(cpython.python_build.definitions(cpython.release.version)), CHECK),
        steps=(
            *cpython.prove_patches(),
            cpython.compile(name, str(prt_root), options, {**training, **unasked}),
            *cpython.keep_sbom(str(prt_root)),
            *keep_licenses(cpython, prt_root, libraries=False),
            check_modules(cpython, prt_root, "install the headers the module needs, and build again"),
            without_bytecode(str(prt_root)),
            pack("pack interpreter", str(prt_root), OUTPUT, cpython.epoch),
        ),
        output=OUTPUT,
        acceptance=plan_acceptance(cpython, prt_root),
    )
