"""The programs of builder/inside, run as a step runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

INSIDE = Path(__file__).parents[2] / "builder" / "inside"


def run(program: str, *args: object, code: int = 0) -> str:
    """Run a program as a step does; what it prints on both streams."""
    command = [sys.executable, str(INSIDE / program), *map(str, args)]
    env = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == code, done.stdout
    return done.stdout
