"""Write the program that examines a runtime where it is installed, and the list it compares files with.

Arguments: PRT_ROOT, the program's name in bin/, the folder with its two parts. The first part is sh: it says what is
wrong where Python can't start. The list is one that `sha256sum --check` reads as well.
"""

import hashlib
import json
import os
import pathlib
import sys

_MACHINES = {
    "amd64": ("x86_64", "/lib64/ld-linux-x86-64.so.2"),
    "arm64": ("aarch64", "/lib/ld-linux-aarch64.so.1"),
}
LIST = "sha256sums"
# In PRT_ROOT while a build on this machine has it, and in no archive: engines/prt_root.py.
MARK = "being-built-by-python-runtime-builder"

root, name, parts = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
manifest = json.loads((root / "manifest.json").read_text())
machine, loader = _MACHINES[manifest["arch"]]
facts = {"@MACHINE@": machine, "@LOADER@": loader, "@FLOOR@": manifest["libc_floor"].removeprefix("glibc ")}
head = (parts / "doctor.sh").read_text()
for placeholder, fact in facts.items():
    head = head.replace(placeholder, fact)
program = root / "bin" / name
body = (parts / "doctor.py").read_text()
program.write_text(f"#!/bin/sh\n''':'\n{head}'''\n{body}")
program.chmod(0o755)

names = sorted(
    os.path.relpath(os.path.join(folder, file), root) for folder, _, files in os.walk(root) for file in files
)
with (root / LIST).open("w", errors="surrogateescape") as stream:
    for path in (one for one in names if one not in (LIST, MARK) and not (root / one).is_symlink()):
        stream.write(f"{hashlib.sha256((root / path).read_bytes()).hexdigest()}  {path}\n")
