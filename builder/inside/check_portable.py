"""Fail if a program or library of a tree needs more of a system than it should. Arguments: folder, glibc version.

Allowed are the C library up to that version, the compiler's own runtime, and what lies in the tree itself; packages
may also need the C++ runtime, as manylinux wheels do.
"""

from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Iterator

from builder.inside.linkage import dotted, needs

_SYSTEM = re.compile(r"(libc|libm|libdl|libpthread|librt|libutil|libresolv|libgcc_s|ld-linux[-\w]*)\.so\.\d+")
_PACKAGES = re.compile(r"libstdc\+\+\.so\.\d+")


def problems(root: pathlib.Path, floor: str) -> Iterator[str]:
    """What is wrong with the files of a tree, in words that name each."""
    highest = tuple(map(int, floor.split(".")))
    own = {path.name for path in root.rglob("*.so*")}
    for path, needed in needs(root):
        name = str(path.relative_to(root))
        yield from (f"{name} needs GLIBC_{dotted(one)}" for one in sorted(needed.glibc) if one > highest)
        package = "site-packages" in name or name.startswith("venv/")
        for library in needed.libraries:
            if not (_SYSTEM.fullmatch(library) or library in own or (package and _PACKAGES.fullmatch(library))):
                yield f"{name} needs {library}"


wrong = [*problems(pathlib.Path(sys.argv[1]), sys.argv[2])]
if wrong:
    sys.exit(f"not portable to glibc {sys.argv[2]}:\n  " + "\n  ".join(wrong))
