"""The programs of a proof, run for real by this Python: each is content with what is right, and names what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.engines.base import Item
from builder.proof.prover import certificates
from builder.targets import Arch

ROOT = Path(__file__).parents[3]
REAL = Path(sys.executable).resolve()


def run(program: str, *args: object, code: int = 0, path: Path | None = None) -> str:
    """Run a program as a proof does; what it prints on both streams."""
    command = [sys.executable, "-B", "-m", f"builder.inside.proof.{program}", *map(str, args)]
    env = {"PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"]}
    done = subprocess.run(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def manifest(root: Path, **values: object) -> Path:
    """A tree with a manifest; returns the tree."""
    root.mkdir(exist_ok=True)
    (root / "manifest.json").write_text(json.dumps({"arch": Arch.native().value, "libc_floor": "glibc 2.0", **values}))
    return root


def script(folder: Path, name: str, text: str) -> Path:
    """A command to be found first; returns its folder."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    return folder


def test_a_tree_without_programs_needs_no_c_library(tmp_path: Path) -> None:
    assert run("elf", manifest(tmp_path / "tree")) == ""


@pytest.mark.needs("readelf")
def test_the_floor_is_what_the_files_need_and_readelf_agrees(tmp_path: Path) -> None:
    root = manifest(tmp_path / "tree")
    (root / "python").write_bytes(REAL.read_bytes())
    shown = run("elf", root, code=1)
    said = subprocess.run(["readelf", "--version-info", "--wide", REAL], check=True, capture_output=True, text=True)
    needed = {word.removeprefix("GLIBC_") for word in said.stdout.split() if word.startswith("GLIBC_2")}
    newest = max(needed, key=lambda version: [int(part) for part in version.split(".")])
    assert shown == f"manifest: libc_floor\n  expected: glibc {newest}\n  seen:     glibc 2.0\n"
    manifest(root, libc_floor=f"glibc {newest}")
    assert run("elf", root) == ""


def test_a_file_for_another_architecture_is_named(tmp_path: Path) -> None:
    root = manifest(tmp_path / "tree")
    header = b"\x7fELF\x01\x01\x01".ljust(18, b"\0") + b"\x28\0"  # 32 bits, for machine 40
    (root / "planted.so").write_bytes(header.ljust(52, b"\0"))
    shown = run("elf", root, code=1)
    assert shown.startswith(f"architecture of planted.so\n  expected: {Arch.native().value}\n  seen:     EM_ARM\n")


def test_the_standard_library_imports_or_the_module_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "path"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text("import sys; sys.modules['colorsys'] = None")
    program = [sys.executable, "-B", "-m", "builder.inside.proof.stdlib", "lib/python3*/lib2to3"]
    env = {"PYTHONPATH": str(broken)}
    done = subprocess.run(program, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "module colorsys\n  expected: imports\n  seen:     ModuleNotFoundError" in done.stderr
    pruned = subprocess.run(
        [*program, "lib/python3*/colorsys.py"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert "colorsys" not in pruned.stderr


@pytest.mark.parametrize(("state", "named"), [("yes", True), ("disabled", False)])
def test_tkinter_must_import_where_it_was_built(tmp_path: Path, state: str, named: bool) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, sysconfig; sys.modules['tkinter'] = None\n"
        f"sysconfig.get_config_vars()['MODULE__TKINTER_STATE'] = {state!r}\n"
    )
    program = [sys.executable, "-B", "-m", "builder.inside.proof.stdlib"]
    env = {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(program, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert ("module tkinter\n" in done.stderr) is named


def test_sqlite_has_what_it_should() -> None:
    assert run("sqlite") == ""


def put(items: list[Item], folder: Path) -> Path:
    for item in items:
        assert isinstance(item.content, bytes)
        (folder / item.name).parent.mkdir(exist_ok=True)
        (folder / item.name).write_bytes(item.content)
    return folder / "tls"


def test_tls_works_and_fails_as_it_should(tmp_path: Path) -> None:
    assert run("tls", put([*certificates()], tmp_path)) == ""


def test_tls_that_trusts_too_little_or_too_much_is_reported(tmp_path: Path) -> None:
    folder = put([*certificates()], tmp_path)
    (folder / "expired.pem").write_bytes((folder / "server.pem").read_bytes())
    shown = run("tls", folder, code=1)
    assert shown == "TLS with an expired certificate\n  expected: certificate has expired\n  seen:     TLSv1.3\n"


def test_dpkgs_view_must_be_that_of_the_proof(tmp_path: Path) -> None:
    root = manifest(tmp_path / "prt", variant="runtime")
    good = script(tmp_path / "good", "dpkg", "exit 0")
    script(good, "dpkg-query", 'case "$3" in (prt) echo installed ;; (*) exit 1 ;; esac')
    assert run("installed", "prt", "prt-dev", root, "runtime", path=good) == ""
    bad = script(tmp_path / "bad", "dpkg", f'echo "??5??????   {root}/bin/python"')
    script(bad, "dpkg-query", "echo installed")
    shown = run("installed", "prt", "prt-dev", root, "runtime-dev", code=1, path=bad)
    assert [line for line in shown.splitlines() if not line.startswith(" ")] == [
        "prt-dev is installed", "files of prt that are not as packed", "manifest: variant"
    ]  # fmt: skip


def test_a_system_that_was_changed_is_reported_file_by_file(tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.write_text("f 644 1\t/etc/a\nf 644 1\t/usr/bin/python3\n")
    dpkg = script(tmp_path / "bin", "dpkg", "echo /prt; echo /prt/bin")
    same = "f 644 1\\t/etc/a\\nf 644 1\\t/usr/bin/python3\\nd 755\\t/prt\\n"
    assert run("system", "prt", before, "printf", same, path=dpkg) == ""
    shown = run(
        "system", "prt", before, "printf", "f 644 2\\t/usr/bin/python3\\nf 644 3\\t/stray\\n", code=1, path=dpkg
    )
    assert shown.splitlines() == [
        "/etc/a", "  expected: f 644 1", "  seen:     nothing",
        "/usr/bin/python3", "  expected: f 644 1", "  seen:     f 644 2",
        "new files that are not the package's", "  expected: []", "  seen:     ['/stray']",
    ]  # fmt: skip


def test_a_tree_that_takes_itself_for_another_is_named(tmp_path: Path) -> None:
    script(tmp_path / "bin", "pip", "echo not today; exit 1")
    shown = run("moved", tmp_path, code=1)
    assert f"sys.prefix\n  expected: {tmp_path}\n  seen:     {sys.prefix}\n" in shown
    assert f"sysconfig: LIBDIR\n  expected: {tmp_path} or below\n" in shown
    assert f"{tmp_path}/bin/pip --version\n  expected: \n  seen:     not today\n" in shown
