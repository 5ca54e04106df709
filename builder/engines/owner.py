"""Which process a container belongs to, written in a label: what a killed build left is recognised and removed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from docker.errors import APIError

from builder.engines.endpoint import Endpoint

LABEL = "python-runtime-builder.owner"


def this_process() -> str:
    """This process: boot, PID namespace, number and start. No other process on any machine ever has this name."""
    return f"{_here()} {os.getpid()} {_started(os.getpid())}"


def is_gone(owner: str) -> bool:
    """Whether that process has surely ended. Of another boot, machine or PID namespace nothing is known for sure."""
    here, _, process = owner.rpartition(" ")[0].rpartition(" ")
    if not _here() or here != _here() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # another user's
        pass
    started = _started(int(process))
    return bool(started) and started != owner.rpartition(" ")[2]


def remove_abandoned(endpoint: Endpoint) -> None:
    """Remove every container of a process of this machine that was killed. Others end by themselves within a day."""
    client = endpoint.client
    with suppress(APIError):  # a user who is not allowed to list containers has not made any
        for container in client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True):
            if is_gone(str(container.labels.get(LABEL, ""))):
                with suppress(APIError):  # it is gone already, or on its way
                    container.remove(force=True)


def _here() -> str:
    """The boot and the PID namespace in which a process's number means something; empty where it can't be found out."""
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(process: int) -> str:
    """When a process started, in the kernel's ticks; `ended` if it only waits for its parent; empty if unknown."""
    try:
        # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name before the last `)` may hold anything.
        fields = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "ended" if fields[0] in "ZX" else fields[19]
