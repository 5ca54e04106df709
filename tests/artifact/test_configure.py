"""Cross-compiling decides nothing wrong: configure finds the same when it may run its test programs.

The interpreter's stage is run again, as if for the machine it builds on: same compiler, sysroot and libraries, but
no answer is given that configure could find out. Programs of the other architecture run through qemu. Functions in one
of our headers it can't find in the C library: these answers (`ac_cv_func_…`) stay.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from builder.console import Console
from builder.engines import choice
from builder.inputs import project as projects
from builder.pipeline import stores
from builder.pipeline.pipeline import Pipeline
from builder.plan import plan_runtime
from builder.stages.planning import BuildMachine
from builder.stages.stage import WORK, File, Stage, Step
from builder.targets import Arch, Target, Variant
from tests.support.checkout import Checkout
from tests.support.default_python import BINARY
from tests.support.tree import Tree

pytestmark = pytest.mark.slow


def as_if_native(stage: Stage, arch: Arch) -> Stage:
    """The interpreter's stage up to configure, which makes pyconfig.h; for it the target is the build machine."""
    (number,) = (number for number, step in enumerate(stage.steps) if "PYTHON_CONFIGURE_OPTS" in step.env)
    step = stage.steps[number]
    triple = f"{arch.machine}-linux-gnu"
    given = [one for one in step.env["PYTHON_CONFIGURE_OPTS"].split() if not one.startswith("--build=")]
    env = {
        **{name: value for name, value in step.env.items() if not re.match("ac_cv_(?!func_)", name)},
        "PYTHON_CONFIGURE_OPTS": " ".join((f"--build={triple}", *given)),
        "MAKE_OPTS": "pyconfig.h",
        "QEMU_LD_PREFIX": f"{WORK}/sysroot",
    }
    # Nothing is installed, but python-build looks into the folder at its end.
    configure = replace(step, args=(*step.args[:-1], f"{WORK}/nowhere"), env=env)
    take = Step("take pyconfig.h", ("sh", "-c", f"cp {WORK}/build/Python-*/pyconfig.h {WORK}"))
    nowhere = Step("make prefix", ("mkdir", "-p", f"{WORK}/nowhere"))
    return replace(
        stage,
        name="pyconfig",
        files=tuple(map(_only_built, stage.files)),
        steps=(*stage.steps[:number], nowhere, configure, take),
        output="pyconfig.h",
        acceptance=None,
    )


def _only_built(file: File) -> File:
    """A definition of python-build that installs nothing."""
    if isinstance(file.content, bytes) and file.content.endswith(b" standard\n"):
        return replace(file, content=file.content.replace(b" standard\n", b" standard_build\n"))
    return file


def defines(text: str) -> set[str]:
    """The lines of a header that define something, or say that it is not defined."""
    return {line for line in text.splitlines() if line.startswith(("#define ", "/* #undef "))}


def native_pyconfig(checkout: Checkout, arch: Arch, folder: Path) -> str:
    """What configure makes of that checkout's interpreter where it may run programs."""
    project = projects.read(checkout.root, {**os.environ, **checkout.env})
    console = Console(verbose=False, folding=False)
    sources = stores.source_shelf(project, console.say)
    roots = stores.roots(project, sources, console.say)
    pipeline = Pipeline(
        project, choice.choose(project.settings, project.network, roots, arch, console), console, sources
    )
    engine = pipeline.engine
    python_build, version = stores.python_build(project, pipeline.sources, console.say)
    machine = BuildMachine(engine.toolchain(arch, version, compiles=True), engine.builds_on(arch), True, "")
    given = stores.inputs(project, version, python_build, machine)
    plan = plan_runtime(Target(Variant.RUNTIME, arch), given)
    return pipeline.results.of(as_if_native(plan.interpreter, arch), plan.target, folder).path.read_text()


def test_configure_finds_by_running_programs_what_the_answers_say(
    docker_checkout: Checkout, tree: Tree, tmp_path: Path
) -> None:
    found = defines(native_pyconfig(docker_checkout, tree.arch, tmp_path))
    log = (docker_checkout.out / "logs" / f"pyconfig-{tree.arch.value}.log").read_text()
    assert "checking whether we are cross compiling... no" in log
    expected = defines((tree.root / "include" / BINARY / "pyconfig.h").read_text())
    assert len(expected) > 500
    assert found ^ expected == set()
