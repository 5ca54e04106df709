"""Virtual environments inside the tree, which find the interpreter by their own place."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

# Without `home`, the interpreter follows the link it was started by, and finds the tree it belongs to: CPython's
# Modules/getpath.py, "READ pyvenv.cfg".
_FIXED = re.compile(r"^(home|executable|command) *=.*\n", re.MULTILINE)
# How a shell says where the script is that it reads. csh says it nowhere.
_HERE = {
    "activate": '"$(cd "$(dirname "${BASH_SOURCE:-$0}")/.." && pwd)"',
    "activate.fish": "(realpath (dirname (status filename))/..)",
}


def rewritten(root: Path) -> Iterator[tuple[Path, str]]:
    """The files of the environments that are to have another text, with it."""
    for config in root.glob("venv/*/pyvenv.cfg"):
        yield config, _FIXED.sub("", config.read_text())
        for name, here in _HERE.items():
            script = config.parent / "bin" / name
            if script.exists():
                yield script, script.read_text().replace(shlex.quote(str(config.parent)), here)
