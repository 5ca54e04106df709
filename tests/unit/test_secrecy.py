"""Secrets of the environment: neither a child nor a step that looks into /proc finds them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# A process with secrets, whose steps on this machine look for them.
PROCESS = """
import ctypes, sys
from pathlib import Path, PurePosixPath
from builder import command
from builder.inputs import environment
from builder.engines.host import HostWorkplace
from builder.inputs.network import Network
from builder.stages.stage import Step
if "conceal" in sys.argv:
    environment.conceal_secrets()
print("dumpable", ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
environment.conceal_secrets() if "twice" in sys.argv else None
place = HostWorkplace(PurePosixPath("/prt"), Path(sys.argv[1]), Network(None, {}, {}))
place.run(Step("look", ("sh", "-c", "tr '\\\\0' '\\\\n' < /proc/$PPID/environ; echo; env")), print)
print(command.output(["env"]))
known = environment.whole_environment()
print("known", known["CACHE_TOKEN"][::-1], known["SOURCE_MIRROR"][::-1], known["PRT_CACHE_PASSWORD"][::-1])
"""

SECRETS = {
    "CACHE_TOKEN": "t0ken-of-mine",
    "PRT_CACHE_PASSWORD": "p4ss\udcffword",
    "SOURCE_MIRROR": "https://me:s3same@mirror.example",
    "PRT_SIGNING_KEY": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r3y\n-----END OPENSSH PRIVATE KEY-----\n",
}
PLAIN = {"ENGINE": "host", "FOO": "t0ken-of-mine-too", "CACHE_TOKEN_FILE": "/x"}


def shown(folder: Path, *args: str) -> list[str]:
    """What such a process and its steps print."""
    done = subprocess.run(
        [sys.executable, "-c", PROCESS, str(folder), *args],
        env={"PATH": os.environ["PATH"], **SECRETS, **PLAIN}, cwd=Path(__file__).parents[2],
        capture_output=True, text=True, errors="surrogateescape", check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.needs("sh")
def test_steps_and_other_children_find_no_secret_and_everything_else(tmp_path: Path) -> None:
    lines = shown(tmp_path, "conceal", "twice")
    text = "\n".join(lines)
    assert [
        line
        for line in lines
        if line.startswith(("CACHE_TOKEN=", "SOURCE_MIRROR=", "PRT_CACHE_PASSWORD=", "PRT_SIGNING_KEY="))
    ] == []
    assert not [word for word in ("s3same", "p4ss", "b3BlbnNzaC1r3y", "PRIVATE KEY") if word in text]
    assert [lines.count(f"{name}={value}") for name, value in PLAIN.items()] == [2, 2, 2]
    assert "known enim-fo-nek0t elpmaxe.rorrim@emas3s:em//:sptth" in text
    assert "dumpable 0" in lines


@pytest.mark.needs("sh")
def test_without_that_a_step_finds_them(tmp_path: Path) -> None:
    lines = shown(tmp_path)
    assert lines.count(f"CACHE_TOKEN={SECRETS['CACHE_TOKEN']}") == 2
    assert lines.count("b3BlbnNzaC1r3y") == 2
    assert "dumpable 1" in lines
