"""Complete the manifest with what is measured in the finished tree. Arguments: PRT_ROOT, the plan, the result."""

import _decimal
import json
import pathlib
import platform
import pyexpat
import re
import subprocess
import sys

root = pathlib.Path(sys.argv[1])


def packages(python: "str | pathlib.Path") -> "list[dict[str, str]]":
    """The installed distributions, as this interpreter itself reports them."""
    listing = (
        "import importlib.metadata as m, json, re;"
        "named = [d for d in m.distributions() if d.metadata and d.metadata['Name']];"
        "found = {re.sub(r'[-_.]+', '-', d.metadata['Name']).lower(): d for d in named};"
        "print(json.dumps([{'name': found[n].metadata['Name'], 'version': found[n].version} for n in sorted(found)]))"
    )
    answer = subprocess.run([str(python), "-I", "-B", "-c", listing], check=True, stdout=subprocess.PIPE)
    return list(json.loads(answer.stdout))


def libc_floor() -> str:
    """The highest GLIBC symbol version that any ELF file of the tree needs: the oldest C library it starts on."""
    needed: set[tuple[int, ...]] = {(2, 0)}
    for path in root.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as stream:
            if stream.read(4) != b"\x7fELF":
                continue
        # Not every file that begins so is a program: what readelf can't read, no loader can.
        readelf = ["readelf", "--version-info", "--wide", str(path)]
        versions = subprocess.run(readelf, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
        found = re.findall(rb"Name: GLIBC_(\d+(?:\.\d+)*)", versions)
        needed.update(tuple(map(int, version.split(b"."))) for version in found)
        if b"GLIBC_ABI_DT_RELR" in versions:
            needed.add((2, 36))
    return ".".join(map(str, max(needed)))


def vendored() -> "list[dict[str, str]]":
    """The libraries that come inside CPython's source, as they report themselves: its own list can be out of date."""
    return [
        {"name": "expat", "version": pyexpat.EXPAT_VERSION.partition("_")[2], "licence": "MIT"},
        {"name": "libmpdec", "version": _decimal.__libmpdec_version__, "licence": "BSD-2-Clause"},
    ]


manifest = json.loads(pathlib.Path(sys.argv[2]).read_text())
manifest["python_version"] = platform.python_version()
manifest["python_packages"] = packages(sys.executable)
manifest["venvs"] = {
    venv.name: packages(venv / "bin" / "python")
    for venv in sorted((root / "venv").glob("*"))
    if (venv / "pyvenv.cfg").exists()
}
manifest["vendored"] = vendored()
manifest["libc_floor"] = "glibc " + libc_floor()
text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
pathlib.Path(sys.argv[3]).write_text(text)
(root / "manifest.json").write_text(text)
