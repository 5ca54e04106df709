"""Fail if a program or library of a tree needs more of a system than it should. Arguments: folder, glibc version.

Allowed are the C library up to that version, the compiler's own runtime, and what lies in the tree itself; packages
may also need the C++ runtime, as manylinux wheels do.
"""

import pathlib
import re
import subprocess
import sys

_SYSTEM = re.compile(r"(libc|libm|libdl|libpthread|librt|libutil|libresolv|libgcc_s|ld-linux[-\w]*)\.so\.\d+")
_PACKAGES = re.compile(r"libstdc\+\+\.so\.\d+")


def numbers(version: str) -> "tuple[int, ...]":
    """A version as numbers that compare."""
    return tuple(int(part) for part in version.split("."))


def problems(path: pathlib.Path, name: str, floor: str, own: "set[str]") -> "list[str]":
    """What is wrong with one file, in words that name it."""
    readelf = ["readelf", "--version-info", "--dynamic", "--wide", str(path)]
    said = subprocess.run(readelf, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode()
    symbols = set(re.findall(r"Name: GLIBC_(\d[\d.]*)", said))
    if "GLIBC_ABI_DT_RELR" in said:  # packed relocations: a loader from before them refuses the file
        symbols.add("2.36")
    found = [f"{name} needs GLIBC_{s}" for s in symbols if numbers(s) > numbers(floor)]
    for library in re.findall(r"\(NEEDED\).*\[(.+)\]", said):
        package = "site-packages" in name or name.startswith("venv/")
        if not (_SYSTEM.fullmatch(library) or library in own or (package and _PACKAGES.fullmatch(library))):
            found.append(f"{name} needs {library}")
    return found


def main(root: pathlib.Path, floor: str) -> "list[str]":
    """What is wrong with a tree."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    own = {path.name for path in root.rglob("*.so*")}
    wrong: list[str] = []
    for path in files:
        with path.open("rb") as stream:
            if stream.read(4) == b"\x7fELF":
                wrong += problems(path, str(path.relative_to(root)), floor, own)
    return wrong


wrong = main(pathlib.Path(sys.argv[1]), sys.argv[2])
if wrong:
    sys.exit(f"not portable to glibc {sys.argv[2]}:\n  " + "\n  ".join(wrong))
