"""Who a container belongs to: only of a process that has surely ended it may be removed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from docker.errors import APIError

from builder.engines.endpoint import Endpoint
from builder.engines.owner import LABEL, is_gone, remove_abandoned, this_process


def test_this_process_lives() -> None:
    assert not is_gone(this_process())


def test_a_process_that_ended_is_gone_before_and_after_its_parent_looked() -> None:
    code = "from builder.engines.owner import this_process; print(this_process(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        other = process.stdout.readline().strip()
        assert not is_gone(other)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(other)
    assert is_gone(other)


def test_a_number_that_another_process_has_now_is_not_its_owner() -> None:
    assert is_gone(f"{this_process().rpartition(' ')[0]} 1")


@pytest.mark.parametrize("part", [0, 1])
def test_of_another_boot_or_machine_or_pid_namespace_nothing_is_known(part: int) -> None:
    words = f"{this_process().rpartition(' ')[0]} 1".split(" ")
    words[part] = "another"
    assert not is_gone(" ".join(words))


@pytest.mark.parametrize("text", ["", "x", "a b c d", "a b -1 2", f"{Path.cwd()} {1 << 70} 3"])
def test_a_label_that_is_not_ours_says_nothing(text: str) -> None:
    assert not is_gone(text)


class Container:
    """A container with a label that says whose it is."""

    def __init__(self, text: str, gone: list[str]) -> None:
        self.labels, self.gone = {LABEL: text}, gone

    def remove(self, *, force: bool) -> None:
        """Note it; another build was quicker."""
        assert force
        self.gone.append(self.labels[LABEL])
        raise APIError("removal of container is already in progress")


def test_only_containers_of_processes_that_ended_are_removed() -> None:
    ended = f"{this_process().rpartition(' ')[0]} 1"
    gone: list[str] = []
    found = [Container(text, gone) for text in (ended, this_process(), f"another-boot {ended}", "", ended)]
    endpoint = Endpoint("")
    containers = SimpleNamespace(list=lambda **filters: found)
    endpoint.__dict__["client"] = SimpleNamespace(containers=containers)  # the value a cached property keeps
    remove_abandoned(endpoint)
    assert gone == [ended, ended]
