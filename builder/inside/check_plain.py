"""Fail if a tree has what no artifact brings to a system: special bits, devices, pipes, sockets. Argument: its path."""

from __future__ import annotations

import os
import stat
import sys

found = []
for folder, folders, files in os.walk(sys.argv[1]):
    for path in (os.path.join(folder, name) for name in (*folders, *files)):
        mode = os.lstat(path).st_mode
        special = stat.S_IMODE(mode) & 0o7000 and not stat.S_ISLNK(mode)
        if special or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
            found.append(f"{stat.filemode(mode)} {path}")
print(*found, sep="\n")
sys.exit(bool(found))
