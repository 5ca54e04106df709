"""Fail if a program or library of a tree needs more of a system than it should.

Arguments: folder, and the newest symbols of the system's libraries, such as GLIBC_2.31 and GLIBCXX_3.4.28. Allowed are
the C library and the compiler's own runtime up to these, and what lies in the tree itself; packages may also need the
C++ runtime and zlib, as manylinux wheels do. Their other libraries, those of X11 and GLib, no server has to have.
"""

from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Iterator

from builder.inside.linkage import SymbolVersion, dotted, needs, symbol_version

_SYSTEM = re.compile(r"(libc|libm|libdl|libpthread|librt|libutil|libresolv|libgcc_s|ld-linux[-\w]*)\.so\.\d+")
_PACKAGES = re.compile(r"libstdc\+\+\.so\.\d+|libz\.so\.1")


def problems(root: pathlib.Path, newest: dict[str, SymbolVersion]) -> Iterator[str]:
    """What is wrong with the files of a tree, in words that name each; `newest` symbols by the set they are of."""
    own = {path.name for path in root.rglob("*.so*")}
    for path, needed in needs(root):
        name = str(path.relative_to(root))
        yield from (f"{name} needs {one}" for one in sorted(needed.symbols) if one > newest.get(one.set, one))
        package = "site-packages" in name or name.startswith("venv/")
        for library in needed.libraries:
            if not (_SYSTEM.fullmatch(library) or library in own or (package and _PACKAGES.fullmatch(library))):
                yield f"{name} needs {library}"


newest = {one.set: one for one in map(symbol_version, sys.argv[2:]) if one}
wrong = [*problems(pathlib.Path(sys.argv[1]), newest)]
if wrong:
    sys.exit(f"not portable to glibc {dotted(newest['GLIBC'].numbers)}:\n  " + "\n  ".join(wrong))
