"""Virtual environments inside the tree, which find the interpreter by their own place."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

_HOME = re.compile(r"^home *= *(.*)$", re.MULTILINE)
# Without `home`, the interpreter follows the link it was started by, and finds the tree it belongs to: CPython's
# Modules/getpath.py, "READ pyvenv.cfg".
_FIXED = re.compile(r"^(home|executable|command) *=.*\n", re.MULTILINE)
# How a shell says where the script is that it reads. csh says it nowhere.
_HERE = {
    "activate": '"$(cd "$(dirname "${BASH_SOURCE:-$0}")/.." && pwd)"',
    "activate.fish": "(realpath (dirname (status filename))/..)",
}


def home(config: str) -> Path | None:
    """The folder of the interpreter that an environment names in its pyvenv.cfg."""
    found = _HOME.search(config)
    return Path(found[1].strip()) if found else None


def rewritten(root: Path, known: Path) -> Iterator[tuple[Path, str]]:
    """The files of the environments that are to have another text, with it; `known` is the tree as they name it."""
    for config in root.rglob("pyvenv.cfg"):
        folder, text = config.parent, config.read_text()
        if home(text) == known / "bin":
            # A copy of the interpreter leads nowhere.
            linked = (folder / "bin" / "python").is_symlink()
            yield config, _FIXED.sub("", text) if linked else text.replace(str(known), str(root))
        named = shlex.quote(str(known / folder.relative_to(root)))
        for name, here in {**_HERE, "activate.csh": shlex.quote(str(folder))}.items():
            script = folder / "bin" / name
            if script.exists():
                yield script, script.read_text().replace(named, here)
