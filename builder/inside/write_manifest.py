"""Complete the manifest with what is measured in the finished tree. Arguments: PRT_ROOT, the plan, the result."""

from __future__ import annotations

import _decimal
import json
import pathlib
import platform
import pyexpat
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from typing import Any

from builder.inside.linkage import dotted, needs

root = pathlib.Path(sys.argv[1])
LISTED = "share/sbom/cpython.spdx.json"
MIMALLOC = "include/python3*/internal/mimalloc/mimalloc.h"
LICENSES = {"expat": "MIT", "hacl-star": "MIT", "libmpdec": "BSD-2-Clause", "macholib": "MIT", "mimalloc": "MIT"}


def packages(python: str | pathlib.Path) -> list[dict[str, str]]:
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
    return dotted(max({(2, 0)}.union(*(needed.glibc for _, needed in needs(root)))))


def jit_is_there() -> bool:
    """Whether the JIT is built in, though off. Python has the module that knows since 3.14."""
    jit: Any = getattr(sys, "_jit", None)
    return bool(jit and jit.is_available())


def vendored() -> list[dict[str, str]]:
    """The libraries that came inside CPython's source, but for those that nobody gives a version."""
    versions = dict(listed())
    # These report their version themselves: CPython's own list can be out of date.
    versions |= {"expat": pyexpat.EXPAT_VERSION.partition("_")[2], "libmpdec": _decimal.__libmpdec_version__}
    named = (name for name in LICENSES if name in versions)
    return [{"name": name, "version": versions[name], "license": LICENSES[name]} for name in named]


def listed() -> Iterator[tuple[str, str]]:
    """Names and versions of CPython's own list; and mimalloc's version, which only its header has."""
    for path in root.glob(LISTED):
        yield from ((one["name"], one["versionInfo"]) for one in json.loads(path.read_bytes())["packages"])
    for path in root.glob(MIMALLOC):
        yield "mimalloc", mimalloc(path.read_text())


def mimalloc(header: str) -> str:
    """The version that mimalloc's header names as 212: a digit, and two more that are two numbers."""
    (number,) = re.findall(r"^#define MI_MALLOC_VERSION +(\d+)", header, re.MULTILINE)
    return ".".join(number)


manifest = json.loads(pathlib.Path(sys.argv[2]).read_text())
manifest["python_version"] = platform.python_version()
manifest["free_threaded"] = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
manifest["debug"] = bool(sysconfig.get_config_var("Py_DEBUG"))
manifest["jit"] = jit_is_there()
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
