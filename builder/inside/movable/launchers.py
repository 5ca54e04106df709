"""First lines that find the interpreter by the script's own place: the kernel takes an absolute path only.

The script begins as sh, which starts the interpreter next to it with the script; for Python, these lines are a string.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

# Bytes: longer first lines are none.
LONGEST = 4096
# `#!/where/it/is/bin/python -E`; and where that would be too long or has a blank, what pip writes in its place.
_PLAIN = re.compile(rb"#! *(?P<python>/\S*/python[\w.]*) *(?P<options>[^\n]*)\n")
_LONG = re.compile(
    rb"#!/bin/sh\n'''exec' (?P<quote>[\"']?)(?P<python>/[^\n\"']*/python[\w.]*)(?P=quote)"
    rb" (?P<options>)\"\$0\" \"\$@\"\n' '''\n"
)
# A link to the script is followed, so that it may be anywhere. Of a processor's time, sh takes 0.7 ms; with a readlink
# at every start it was 2.1, of 15.
_LAUNCHER = """#!/bin/sh
''':'
script=$0
if [ -L "$0" ] || [ "$0" = "${{0%/*}}" ]; then script=$(readlink -f -- "$0"); fi
exec "${{script%/*}}/{python}"{options} "$0" "$@"
'''
"""


def interpreter(script: bytes) -> Path | None:
    """The interpreter that the first lines of a script name by its whole path, if it is a Python."""
    found = _PLAIN.match(script[:LONGEST]) or _LONG.match(script[:LONGEST])
    return Path(os.fsdecode(found["python"])) if found else None


def movable(script: bytes, path: Path, root: Path, known: Path) -> bytes:
    """A script with first lines that find an interpreter of the tree at `root`; any other script as it is.

    `known` is the folder that the script knows the tree by. A script that Python would not understand with these lines,
    for it has a docstring and then an import from __future__, stays as it is as well.
    """
    found = _PLAIN.match(script[:LONGEST]) or _LONG.match(script[:LONGEST])
    if not found or known not in (python := Path(os.fsdecode(found["python"]))).parents:
        return script
    options = f" {os.fsdecode(words)}" if (words := found["options"].strip()) else ""
    python = root / python.relative_to(known)
    launcher = _LAUNCHER.format(python=os.path.relpath(python, path.parent), options=options)
    changed = os.fsencode(launcher) + script[found.end() :]
    try:
        compile(changed, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return script
    return changed


def names(script: bytes, root: Path) -> bool:
    """Whether the first lines of a script name an interpreter of the tree at `root` by its whole path."""
    first = b"\n".join(script[:LONGEST].split(b"\n")[:2])
    return first.startswith(b"#!") and re.search(rb"[ !'\"]" + re.escape(os.fsencode(root)) + b"/", first) is not None
