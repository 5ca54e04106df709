"""Every tool of the development variant starts."""

import subprocess
import sys

for tool in ("build", "coverage", "debugpy", "mypy", "pytest", "ruff", "tox"):
    subprocess.run([sys.executable, "-m", tool, "--version"], check=True, stdout=subprocess.DEVNULL)
