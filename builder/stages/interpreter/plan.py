"""The interpreter's stages: cross-compiled with its libraries inside, or in place with those of the system."""

from __future__ import annotations

from builder.inputs.choices import Profile
from builder.inputs.git import NO_DATE
from builder.stages.interpreter.across import cross_compile, plan_build_python, plan_training
from builder.stages.interpreter.compiler import CrossCompiler
from builder.stages.interpreter.cpython import CPython
from builder.stages.interpreter.in_place import compile_in_place
from builder.stages.interpreter.libraries import plan_libraries
from builder.stages.planning import Inputs
from builder.stages.stage import Stage
from builder.targets import Arch, Variant


def plan_interpreter(inputs: Inputs, arch: Arch) -> Stage:
    """Plan the interpreter of an architecture; its parents are what it is made of."""
    settings, machine = inputs.settings, inputs.machine
    pre_patches = inputs.recipes[Variant.RUNTIME].pre_patches
    cpython = CPython(
        inputs.python_version, inputs.python_build, pre_patches, machine.toolchain, machine.builds_on,
        settings.line_editor,
    )  # fmt: skip
    if not machine.crosses:
        return compile_in_place(cpython, arch, optimize=inputs.optimizes, prt_root=settings.prt_root)
    target, native = (
        CrossCompiler(one, inputs.pins.sysroot(settings.sysroot, one)) for one in (arch, machine.builds_on)
    )
    libraries = {
        one: plan_libraries(
            one, inputs.libraries, inputs.interpreter.library_patches,
            builds_on=machine.builds_on, toolchain=machine.toolchain, epoch=NO_DATE,
        )
        for one in {target, native}
    }  # fmt: skip
    build_python = plan_build_python(cpython.release)
    parents = [libraries[target], build_python]
    keeps = inputs.optimizes and settings.profile is Profile.KEPT
    kept = inputs.interpreter.profiles.get(inputs.python_version) if keeps else None
    if inputs.optimizes and kept is None:
        parents.append(plan_training(cpython, native, (libraries[native], build_python)))
    return cross_compile(
        cpython, target, tuple(parents), optimize=inputs.optimizes, profile=kept, prt_root=settings.prt_root
    )
