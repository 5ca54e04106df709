"""The libraries inside stay inside: a package that brings its own copy of one and the runtime live side by side."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from docker.models.containers import Container

from tests.support.container import execute
from tests.support.default_python import BINARY, SERIES
from tests.support.probes import probe
from tests.support.tree import Tree, plant

pytestmark = pytest.mark.needs("inspectors")

# The first two bring an OpenSSL of their own; the others are what they need.
PACKAGES = ["cryptography==50.0.2", "psycopg2-binary==2.9.13", "cffi==2.1.1", "pycparser==3.12"]
NAMES = ["ssl", "sqlite3", "cryptography.hazmat.bindings._rust", "psycopg2"]


def exported(path: Path) -> set[str]:
    """The symbols a file offers to others."""
    nm = ["nm", "--dynamic", "--defined-only", "--format=just-symbols", str(path)]
    return set(subprocess.run(nm, check=True, capture_output=True, text=True).stdout.split())


def foreign(symbols: Iterable[str]) -> list[str]:
    """Those that are not Python's: its API, the entry of a module, and what every program's start has."""
    start = {"_IO_stdin_used", "__data_start", "data_start", "_start", "main"}
    return sorted(name for name in symbols if not name.startswith(("Py", "_Py", "PY_")) and name not in start)


def test_none_of_our_files_offers_symbols_of_the_libraries_inside(tree: Tree) -> None:
    assert "PyObject_Call" in exported(tree.root / "bin" / BINARY)
    assert {tree.name(path): foreign(exported(path)) for path in tree.own_elf_files if foreign(exported(path))} == {}


def test_a_planted_library_that_offers_one_is_found(tmp_path: Path) -> None:
    planted = plant(tmp_path / "planted.so", "void SSL_new(void) {} void PyInit_x(void) {}", "-shared", "-fPIC")
    assert "SSL_new" in foreign(exported(planted))


def test_packages_with_an_openssl_of_their_own_are_imported_in_every_order(
    amd64_machine: Container, tmp_path: Path
) -> None:
    wanted = ["--no-deps", "--only-binary=:all:", f"--python-version={SERIES}", "--platform=manylinux_2_28_x86_64"]
    download = [
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        *wanted,
        "--platform=manylinux_2_17_x86_64",
    ]
    subprocess.run([sys.executable, "-m", *download, f"--dest={tmp_path}", *PACKAGES], check=True)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(tmp_path, "wheels")
    assert amd64_machine.put_archive("/", packed.getvalue())
    packages = (f"/wheels/{path.name}" for path in tmp_path.iterdir())
    execute(
        amd64_machine, "/prt/bin/python", "-m", "pip", "install", "--no-index", "--no-deps", "--target=/p", *packages
    )
    said = execute(amd64_machine, "/prt/bin/python", "-c", probe("import_orders"), *NAMES, PYTHONPATH="/p")
    assert json.loads(said) == {"orders": 24, "failed": {}}


def test_tracers_find_probes_of_the_collector_of_imports_and_of_audit_events(tree: Tree) -> None:
    said = subprocess.check_output(["readelf", "--notes", tree.root / "bin" / BINARY], text=True)
    named = {line.split()[1] for line in said.splitlines() if line.strip().startswith("Name: ")}
    assert {"gc__start", "gc__done", "import__find__load__start", "import__find__load__done", "audit"} <= named
    sections = subprocess.check_output(["readelf", "--sections", "--wide", tree.root / "bin" / BINARY], text=True)
    assert ".stapsdt.base" in sections, "gdb shows none without it"
