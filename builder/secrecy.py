"""Keeps secrets to this process: nothing it starts inherits them, and /proc shows them to no process of the same user.

Root can read any process's memory all the same; no program can change that.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from pathlib import Path

_PR_SET_DUMPABLE = 4  # https://man7.org/linux/man-pages/man2/prctl.2.html


def conceal(variables: Mapping[str, str]) -> None:
    """Overwrite variables this process was started with, and close its memory to other processes of its user.

    The kernel shows them as /proc/PID/environ from where they are in memory, whatever became of them since.
    """
    stat = Path("/proc/self/stat")
    if not stat.exists():  # no Linux
        return
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: env_start and env_end, the 50th and 51st field.
    start, end = (int(field) for field in stat.read_text().rpartition(")")[2].split()[47:49])
    secret = {os.fsencode(f"{name}={value}") for name, value in variables.items()}
    at = start
    for entry in ctypes.string_at(start, end - start).split(b"\0"):
        if entry in secret:
            ctypes.memset(at, ord("*"), len(entry))
        at += len(entry) + 1
