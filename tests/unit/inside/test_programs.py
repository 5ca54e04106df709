"""The programs that run inside a build, run for real on small trees."""

from __future__ import annotations

import decimal
import importlib.metadata
import json
import os
import platform
import pyexpat
import re
import shutil
import socket
import stat
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs import INSIDE, run

ROOT = Path(__file__).parents[3]


def tree(root: Path, *names: str) -> Path:
    """A tree of empty files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def files(root: Path) -> list[str]:
    """The files of a tree."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def test_check_modules_is_silent_when_all_are_there() -> None:
    assert run("check_modules.py", "json", "os.path") == ""


def test_check_modules_names_each_missing_module_and_why() -> None:
    shown = run("check_modules.py", "json", "no_such_one", "no_such_other", code=1).splitlines()
    assert shown[0] == "modules missing from the interpreter:"
    assert shown[1:] == [f"  {name}: No module named '{name}'" for name in ("no_such_one", "no_such_other")]


def test_prune_removes_files_and_folders_that_match(tmp_path: Path) -> None:
    tree(tmp_path, "bin/idle3.13", "bin/python3.13", "lib/python3.13/test/x.py", "lib/python3.13/json/x.py")
    run("prune.py", tmp_path, "bin/idle3*", "lib/python3*/test")
    assert files(tmp_path) == ["bin/python3.13", "lib/python3.13/json/x.py"]


def test_prune_removes_bytecode_at_every_depth(tmp_path: Path) -> None:
    tree(tmp_path, "__pycache__/a.pyc", "lib/x/__pycache__/a.pyc", "lib/x/a.py")
    run("prune.py", tmp_path, "**/__pycache__")
    assert files(tmp_path) == ["lib/x/a.py"]


def test_prune_removes_a_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    tree(tmp_path / "elsewhere", "precious")
    root = tree(tmp_path / "root", "a")
    (root / "gone").symlink_to(tmp_path / "elsewhere")
    run("prune.py", root, "gone")
    assert files(tmp_path) == ["elsewhere/precious", "root/a"]


def test_prune_is_content_when_nothing_matches(tmp_path: Path) -> None:
    tree(tmp_path, "a")
    run("prune.py", tmp_path, "share/man", "lib/*/nothing")
    assert files(tmp_path) == ["a"]


def bytecode(root: Path) -> dict[str, bytes]:
    """The bytecode files of a tree."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.pyc")}


def test_bytecode_is_the_same_whatever_the_date_of_the_sources(tmp_path: Path) -> None:
    source = tree(tmp_path, "pkg/__init__.py", "pkg/sub/mod.py") / "pkg" / "sub" / "mod.py"
    source.write_text("def f(x):\n    return x in {'a', 'b', 'c'}\n")
    found = []
    for date in (1, 1_700_000_000):
        os.utime(source, (date, date))
        run("compile_bytecode.py", "unchecked-hash", tmp_path)
        found.append(bytecode(tmp_path))
        shutil.rmtree(source.parent / "__pycache__")
    assert len(found[0]) == 2
    assert found[0] == found[1]


@pytest.mark.parametrize(("mode", "shown"), [("unchecked-hash", "as compiled\n"), ("checked-hash", "as edited\n")])
def test_an_edited_source_counts_where_bytecode_is_compared_with_it(tmp_path: Path, mode: str, shown: str) -> None:
    source = tmp_path / "mod.py"
    source.write_text("print('as compiled')\n")
    run("compile_bytecode.py", mode, tmp_path)
    before = bytecode(tmp_path)
    source.write_text("print('as edited')\n")
    command = [sys.executable, "-B", "-c", "import mod"]
    assert subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout == shown
    source.write_text("print('as compiled')\n")  # with another date
    assert subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout == "as compiled\n"
    assert bytecode(tmp_path) == before


def test_an_ignored_edit_counts_after_the_command_that_the_readme_names(tmp_path: Path) -> None:
    source = tmp_path / "mod.py"
    source.write_text("print('as compiled')\n")
    run("compile_bytecode.py", "unchecked-hash", tmp_path)
    source.write_text("print('as edited')\n")
    command = re.search(r"`python (-m compileall -f) FOLDER`", (ROOT / "README.md").read_text())
    assert command
    subprocess.run([sys.executable, *command[1].split(), "-q", tmp_path], check=True)
    shown = subprocess.run(
        [sys.executable, "-c", "import mod"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert shown.stdout == "as edited\n"


def test_new_environments_get_the_pip_of_the_lock(tmp_path: Path) -> None:
    ensurepip = tmp_path / "prt" / "lib" / "python3.99" / "ensurepip"
    tree(tmp_path, "dist/x-1-py3-none-any.whl", "prt/lib/python3.99/ensurepip/_bundled/pip-25.1.1-py3-none-any.whl")
    (tmp_path / "dist" / "pip-26.3-py3-none-any.whl").write_text("newer")
    (ensurepip / "__init__.py").write_text('import os\n_PIP_VERSION = "25.1.1"\nx = 1\n')
    run("bundle_pip.py", tmp_path / "prt", tmp_path / "dist")
    assert files(ensurepip) == ["__init__.py", "_bundled/pip-26.3-py3-none-any.whl"]
    assert (ensurepip / "_bundled" / "pip-26.3-py3-none-any.whl").read_text() == "newer"
    assert (ensurepip / "__init__.py").read_text() == 'import os\n_PIP_VERSION = "26.3"\nx = 1\n'
    (ensurepip / "__init__.py").write_text("nothing of pip\n")
    assert "in another way than we know" in run("bundle_pip.py", tmp_path / "prt", tmp_path / "dist", code=1)


def test_pip_without_a_wheel_leaves_the_one_that_is_there(tmp_path: Path) -> None:
    tree(tmp_path, "dist/pip-26.3.tar.gz", "prt/lib/python3.99/ensurepip/_bundled/pip-25.1.1-py3-none-any.whl")
    before = files(tmp_path)
    run("bundle_pip.py", tmp_path / "prt", tmp_path / "dist")
    assert files(tmp_path) == before


def test_the_pip_that_installs_is_that_of_the_lock_or_else_the_one_of_cpython(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    run("unpack_pip.py", tmp_path / "dist", tmp_path / "bundled")
    assert files(tmp_path / "bundled")[0] == "pip/__init__.py", "without metadata it is not taken for installed"
    with zipfile.ZipFile(tmp_path / "dist" / "pip-99-py3-none-any.whl", "w") as wheel:
        wheel.writestr("pip/__main__.py", "print('of the lock')")
        wheel.writestr("pip-99.dist-info/METADATA", "Name: pip\n")
    run("unpack_pip.py", tmp_path / "dist", tmp_path / "locked")
    assert files(tmp_path / "locked") == ["pip/__main__.py"]


def test_bytecode_that_is_there_is_made_again(tmp_path: Path) -> None:
    source = tmp_path / "mod.py"
    source.write_text("x = 1\n")
    run("compile_bytecode.py", "unchecked-hash", tmp_path)
    ours = bytecode(tmp_path)
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "-f", "--invalidation-mode=timestamp", source], check=True
    )
    assert bytecode(tmp_path) != ours
    run("compile_bytecode.py", "unchecked-hash", tmp_path)
    assert bytecode(tmp_path) == ours


def test_bytecode_is_the_same_by_any_number_of_processors(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"mod{number}.py").write_text(
            f"import os, sys\ndef pour(tea, cup={number}): return os, sys, 'tea'\n"
        )
    run("compile_bytecode.py", "unchecked-hash", tmp_path)
    by_all = bytecode(tmp_path)
    assert len(by_all) == 40, "each share's"
    (one, *_) = os.sched_getaffinity(0)
    command = ["taskset", "--cpu-list", str(one), sys.executable, str(INSIDE / "compile_bytecode.py")]
    shutil.rmtree(tmp_path / "__pycache__")
    subprocess.run([*command, "unchecked-hash", str(tmp_path)], check=True)
    assert bytecode(tmp_path) == by_all


def test_a_template_that_is_no_python_is_left_without_bytecode(tmp_path: Path) -> None:
    (tmp_path / "template.py").write_text("import {{ name }}\n")
    (tmp_path / "binary.py").write_bytes(b"\xff\x00")
    (tmp_path / "zz.py").write_text("x = 1\n")
    assert run("compile_bytecode.py", "unchecked-hash", tmp_path, tmp_path / "no-such-folder") == ""
    assert [name.split("/")[1].split(".")[0] for name in bytecode(tmp_path)] == ["zz"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with one program, what could be taken for one, and the part of the manifest that was planned."""
    folder = tmp_path / "root"
    (folder / "bin").mkdir(parents=True)
    shutil.copy(str(shutil.which("true")), folder / "bin" / "x")
    (folder / "bin" / "script").write_text("#!/bin/sh\n# \x7fELF\n")
    (folder / "empty").touch()
    (folder / "dangling").symlink_to("nowhere")
    (tmp_path / "planned.json").write_text('{"runtime_version": "v1"}')
    return folder


def measured(root: Path) -> dict[str, Any]:
    """The manifest that is written."""
    result = root.parent / "manifest.json"
    program = [sys.executable, "-m", "builder.inside.write_manifest"]
    subprocess.run([*program, root, root.parent / "planned.json", result], cwd=ROOT, check=True)
    return dict(json.loads(result.read_text()))


def test_the_manifest_keeps_what_was_planned(root: Path) -> None:
    assert measured(root)["runtime_version"] == "v1"


def test_the_manifest_is_in_the_tree_too_with_sorted_keys(root: Path) -> None:
    manifest = measured(root)
    text = (root / "manifest.json").read_text()
    assert text == json.dumps(manifest, indent=2, sort_keys=True) + "\n"


@pytest.mark.needs("readelf")
def test_the_libc_floor_is_the_highest_version_any_program_needs(root: Path) -> None:
    listed = subprocess.run(["readelf", "-V", root / "bin" / "x"], check=True, capture_output=True, text=True).stdout
    versions = [tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_([\d.]+\d)", listed)]
    assert measured(root)["libc_floor"] == "glibc " + ".".join(map(str, max(versions)))


def test_a_program_behind_a_link_does_not_count(root: Path) -> None:
    (root / "bin" / "x").rename(root.parent / "x")
    (root / "bin" / "x").symlink_to(root.parent / "x")
    assert measured(root)["libc_floor"] == "glibc 2.0"


def test_the_manifest_lists_version_and_packages_of_the_interpreter(root: Path) -> None:
    manifest = measured(root)
    assert manifest["python_version"] == platform.python_version()
    assert manifest["free_threaded"] is bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    names = {one["name"]: one["version"] for one in manifest["python_packages"]}
    assert names == {one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}


def test_the_manifest_lists_the_libraries_that_cpython_brings_along(root: Path) -> None:
    versions = {one["name"]: one["version"] for one in measured(root)["vendored"]}
    assert versions == {
        "expat": pyexpat.EXPAT_VERSION.removeprefix("expat_"),
        "libmpdec": decimal.__libmpdec_version__,
    }


def test_the_packages_are_sorted_by_their_normalised_names(root: Path) -> None:
    names = [re.sub(r"[-_.]+", "-", one["name"]).lower() for one in measured(root)["python_packages"]]
    assert names == sorted(names)
    assert "pytest" in names


def test_each_virtual_environment_has_its_own_list(root: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "venv" / "tool"], check=True)
    (root / "venv" / "no-venv").mkdir()
    (packages,) = (root / "venv" / "tool" / "lib").glob("python*/site-packages")
    (packages / "Thing-1.2.dist-info").mkdir()
    (packages / "Thing-1.2.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: Thing\nVersion: 1.2\n")
    assert measured(root)["venvs"] == {"tool": [{"name": "Thing", "version": "1.2"}]}


@pytest.mark.parametrize("length", [4, 64])
def test_a_file_that_only_begins_like_a_program_does_not_break_the_measure(root: Path, length: int) -> None:
    before = measured(root)["libc_floor"]
    program = bytearray((root / "bin" / "x").read_bytes()[:length])
    program[32:40] = b"\xff" * len(program[32:40])  # where its program headers should be
    (root / "data.bin").write_bytes(program)
    assert measured(root)["libc_floor"] == before


def test_prune_takes_a_match_within_a_match(tmp_path: Path) -> None:
    (tmp_path / "tests" / "deep" / "tests").mkdir(parents=True)
    subprocess.run([sys.executable, INSIDE / "prune.py", tmp_path, "**/tests"], check=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("objcopy")
def test_symbols_are_taken_from_a_file_and_not_from_a_link_to_it(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    shutil.copy(str(shutil.which("true")), root / "one.so")
    (root / "other.so").symlink_to("one.so")
    run("split_symbols.py", "objcopy", root, tmp_path / "symbols", "*.so")
    assert (root / "other.so").is_symlink()
    assert files(tmp_path / "symbols") == [".debug/one.so.debug"]


def test_a_plain_tree_passes_and_each_other_kind_of_file_is_named(tmp_path: Path) -> None:
    root = tree(tmp_path / "root", "bin/python", "lib/x")
    (root / "link").symlink_to("bin/python")
    run("check_plain.py", root)
    (root / "bin" / "python").chmod(0o4755)
    (root / "lib").chmod(0o2755)
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
    shown = run("check_plain.py", root, code=1).splitlines()
    assert sorted(line.rpartition("/")[2] for line in shown) == ["lib", "pipe", "python", "socket"]
    assert f"-rwsr-xr-x {root}/bin/python" in shown


@pytest.mark.needs("root")
def test_a_device_is_named(tmp_path: Path) -> None:
    os.mknod(tmp_path / "disk", 0o600 | stat.S_IFBLK, os.makedev(8, 0))
    assert run("check_plain.py", tmp_path, code=1) == f"brw------- {tmp_path}/disk\n"


def test_what_the_lock_names_must_be_installed_below_the_root_in_its_version(tmp_path: Path) -> None:
    root, lock = Path(sys.prefix), tmp_path / "packages.lock"
    there = importlib.metadata.version("pytest")
    digest = f"--hash=sha256:{'0' * 64}  # file"
    lock.write_text(f"# a lock\npytest=={there} {digest}\n")
    run("compare_lock.py", root, lock)
    assert f"pytest is outside of {tmp_path}, in " in run("compare_lock.py", tmp_path, lock, code=1)
    lock.write_text(f"pytest==0.1 {digest}\nno-such-thing==1 {digest}\n")
    shown = run("compare_lock.py", root, lock, code=1)
    assert shown == f"pytest is {there}, not 0.1\nno-such-thing 1 is not installed\n"
