"""The runtime asks no more of a processor than its architecture promises: it runs on the plainest one of each."""

from __future__ import annotations

import io
import json
import shutil
import signal
import tarfile
from pathlib import Path

import pytest
from docker.models.containers import Container

from builder.targets import Arch
from tests.support.container import execute
from tests.support.probes import probe
from tests.support.tree import Tree

pytestmark = pytest.mark.needs("qemu")

PLAINEST = {Arch.AMD64: "qemu64", Arch.ARM64: "cortex-a53"}
# Machine code for what the plainest one lacks, and a return: AVX2's vpxor; LSE's ldadd, of zero to the stack's top.
BEYOND = {Arch.AMD64: "c5fdefc0 c3", Arch.ARM64: "e1033fb8 c0035fd6"}


@pytest.fixture(scope="module")
def emulator(machine: Container, tree: Tree) -> str:
    """The path of an emulator, inside the container, of that architecture."""
    path = Path(str(shutil.which(f"qemu-{tree.arch.machine}-static")))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(path.resolve(), path.name)
    assert machine.put_archive("/", packed.getvalue())
    return f"/{path.name}"


def test_modules_and_packages_run_on_the_plainest_processor(machine: Container, emulator: str, tree: Tree) -> None:
    python = (emulator, "-cpu", PLAINEST[tree.arch], "/prt/bin/python", "-c")
    said = json.loads(execute(machine, *python, probe("interpreter")))
    assert "ssl" not in said["missing"]
    execute(machine, *python, "import fastapi, pydantic, uvicorn, yaml")


@pytest.mark.parametrize(("processor", "expected"), [("max", 0), ("plainest", 128 + signal.SIGILL)])
def test_an_instruction_beyond_it_would_be_noticed(
    machine: Container, emulator: str, tree: Tree, processor: str, expected: int
) -> None:
    model = PLAINEST[tree.arch] if processor == "plainest" else processor
    python = (emulator, "-cpu", model, "/prt/bin/python", "-c")
    code, said = machine.exec_run([*python, probe("machine_code"), BEYOND[tree.arch]])
    assert code == expected, said
