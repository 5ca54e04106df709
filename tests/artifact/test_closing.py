"""Files are closed by the range, with one system call where the kernel has it, and one by one where it lacks that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from docker.models.containers import Container

from tests.support.container import base_image, execute, running
from tests.support.probes import probe
from tests.support.tree import Tree

ENOSYS = 38
BEFORE_5_9 = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["close_range"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS}],
}


@pytest.fixture(scope="module")
def old_kernel(amd64: Tree) -> Iterator[Container]:
    """The runtime in a container whose kernel says that it has no such system call."""
    with running(base_image(amd64.arch), amd64.arch, security_opt=[f"seccomp={json.dumps(BEFORE_5_9)}"]) as container:
        execute(container, "mkdir", "/prt")
        container.put_archive("/prt", amd64.tarball.read_bytes())
        yield container


def close(container: Container, end: int) -> dict[str, Any]:
    """Close files up to that number, and say what came of it."""
    said: dict[str, Any] = json.loads(execute(container, "/prt/bin/python", "-c", probe("closing"), str(end)))
    assert said["still open"] == []
    assert said["in the child"] == said["given to the child"]
    assert said["kept"]
    return said


def test_as_many_as_a_container_may_have_are_closed_at_once(amd64_machine: Container) -> None:
    said = close(amd64_machine, 2**30)
    assert said["system call"] == "there"
    assert said["seconds"] < 1


def test_a_kernel_without_the_system_call_closes_them_as_well(old_kernel: Container) -> None:
    assert close(old_kernel, 2**12)["system call"] == "ENOSYS"


def test_a_kernel_without_it_takes_a_call_for_each(old_kernel: Container, amd64_machine: Container) -> None:
    many = 2**22
    assert close(old_kernel, many)["seconds"] > 20 * close(amd64_machine, many)["seconds"]
