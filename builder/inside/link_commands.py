"""Link commands of a virtual environment into bin/. Arguments: PRT_ROOT, the environment, patterns of names."""

from __future__ import annotations

import os
import pathlib
import sys

root, venv = (pathlib.Path(argument) for argument in sys.argv[1:3])
for pattern in sys.argv[3:]:
    found = sorted((venv / "bin").glob(pattern))
    if not found:
        sys.exit(f"{pattern}: no such command in {venv}/bin")
    for command in found:
        link = root / "bin" / command.name
        if os.path.lexists(link):
            sys.exit(f"{link} is there already")
        link.symlink_to(os.path.relpath(command, link.parent))
