"""Write the program that examines a runtime where it is installed, and the list it compares files with.

Arguments: PRT_ROOT, the program's name in bin/. It begins as sh, which says what is wrong where Python can't start, and
ends as a zip file, which Python runs. The list is one that `sha256sum --check` reads as well.
"""

import hashlib
import io
import json
import os
import pathlib
import sys
import zipfile

_MACHINES = {
    "amd64": ("x86_64", "/lib64/ld-linux-x86-64.so.2"),
    "arm64": ("aarch64", "/lib/ld-linux-aarch64.so.1"),
}
LIST = "sha256sums"
# In PRT_ROOT while a build on this machine has it, and in no archive: engines/prt_root.py.
MARK = "being-built-by-python-runtime-builder"
# What the program imports, which the build runs as well.
_SHARED = (
    "__init__", "inside/__init__",
    *(f"inside/movable/{name}" for name in ("__init__", "added", "launchers", "records", "tree", "venvs", "writing")),
)  # fmt: skip

root, name, parts = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(__file__).parent


def zipped() -> bytes:
    """The program as a zip file whose bytes depend on nothing else."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py"), (parts / "doctor.py").read_bytes())
        for file in (f"builder/{module}.py" for module in _SHARED):
            archive.writestr(zipfile.ZipInfo(file), (parts.parents[1] / file).read_bytes())
    return content.getvalue()


manifest = json.loads((root / "manifest.json").read_text())
machine, loader = _MACHINES[manifest["arch"]]
facts = {"@MACHINE@": machine, "@LOADER@": loader, "@FLOOR@": manifest["libc_floor"].removeprefix("glibc ")}
head = (parts / "doctor.sh").read_text()
for placeholder, fact in facts.items():
    head = head.replace(placeholder, fact)
program = root / "bin" / name
program.write_bytes(f"#!/bin/sh\n{head}".encode() + zipped())
program.chmod(0o755)

names = sorted(
    os.path.relpath(os.path.join(folder, file), root) for folder, _, files in os.walk(root) for file in files
)
with (root / LIST).open("w", errors="surrogateescape") as stream:
    for path in (one for one in names if one not in (LIST, MARK) and not (root / one).is_symlink()):
        stream.write(f"{hashlib.sha256((root / path).read_bytes()).hexdigest()}  {path}\n")
