"""The interpreter's stages: cross-compiled with its libraries inside, or in place with those of the system."""

from __future__ import annotations

from builder.errors import UserError
from builder.inputs.choices import Profile
from builder.inputs.git import NO_DATE
from builder.inputs.pins import CPYTHON
from builder.stages.interpreter.across import cross_compile, plan_build_python, plan_training
from builder.stages.interpreter.compiler import CLANG, CrossCompiler
from builder.stages.interpreter.cpython import CPython
from builder.stages.interpreter.in_place import compile_in_place
from builder.stages.interpreter.libraries import Libraries
from builder.stages.planning import Inputs
from builder.stages.stage import Stage
from builder.targets import Arch
from builder.versions import is_free_threaded, knows_tcl_9, series

# The series whose JIT is made by the LLVM we have; each series asks for one version of LLVM.
_JIT = (3, 14)


def plan_interpreter(inputs: Inputs, arch: Arch) -> Stage:
    """Plan the interpreter of an architecture; its parents are what it is made of."""
    settings, machine = inputs.settings, inputs.machine
    if settings.jit:
        _demand_jit(inputs.python_version, crosses=machine.crosses)
    if settings.tk and machine.crosses:
        _demand_tcl(inputs.python_version)
    cpython = CPython(
        inputs.python_version, inputs.python_build, inputs.patches(CPYTHON), machine.toolchain, machine.builds_on,
        settings.line_editor, settings.jit, settings.gdbm, settings.tk,
    )  # fmt: skip
    if not machine.crosses:
        return compile_in_place(cpython, arch, optimize=inputs.optimizes, prt_root=settings.prt_root)
    target, native = (
        CrossCompiler(one, inputs.pins.sysroot(settings.sysroot, one)) for one in (arch, machine.builds_on)
    )
    build_python = plan_build_python(cpython.release)
    patches = inputs.interpreter.library_patches
    libraries = Libraries(inputs.libraries, patches, machine.builds_on, machine.toolchain, NO_DATE, build_python)
    parents = [build_python, *libraries.plan(target)]  # the longest first: they are begun in this order
    # The JIT changes the interpreter's main loop: a profile of another one says nothing of it.
    keeps = inputs.optimizes and settings.profile is Profile.KEPT and not settings.jit
    kept = inputs.interpreter.profiles.get(inputs.python_version) if keeps else None
    if inputs.optimizes and kept is None:
        parents.append(plan_training(cpython, native, (build_python, *libraries.plan(native))))
    return cross_compile(
        cpython, target, tuple(parents), optimize=inputs.optimizes, profile=kept, prt_root=settings.prt_root
    )


def _demand_jit(version: str, *, crosses: bool) -> None:
    """Raise UserError where there is no JIT to build in."""
    if series(version) != _JIT or is_free_threaded(version):
        known = ".".join(map(str, _JIT))
        raise UserError(
            f"JIT=1: CPython {version} has no JIT that can be built here",
            f"PYTHON_VERSION={known}: that of {known} is made by LLVM {CLANG}, and works with the GIL only",
        )
    if not crosses:
        raise UserError("JIT=1: an interpreter that is compiled in place has none", "unset COMPILE and LIBRARIES")


def _demand_tcl(version: str) -> None:
    """Raise UserError for a Python that does not know the Tcl inside."""
    if not knows_tcl_9(version):
        raise UserError(
            f"TK=1: the `tkinter` of CPython {version} does not know Tcl 9, which goes inside",
            "PYTHON_VERSION=3.14 or newer, or 3.13.15",
        )
