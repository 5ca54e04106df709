"""Fail unless this interpreter has every distribution of a lock, in its version. Arguments: PRT_ROOT, the lock."""

from __future__ import annotations

import importlib.metadata
import pathlib
import re
import sys

root, lock = (pathlib.Path(argument) for argument in sys.argv[1:])
missing = []
for name, version in re.findall(r"^([\w.-]+)==(\S+) --hash=", lock.read_text(), re.MULTILINE):
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        missing.append(f"{name} {version} is not installed")
        continue
    place = pathlib.Path(str(found.locate_file("")))
    if found.version != version:
        missing.append(f"{name} is {found.version}, not {version}")
    if root not in place.parents:
        missing.append(f"{name} is outside of {root}, in {place}")
print(*missing, sep="\n")
sys.exit(bool(missing))
