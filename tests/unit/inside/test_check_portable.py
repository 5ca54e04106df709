"""The program that refuses what would not start elsewhere, and the module by which pip refuses such wheels."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def check(root: Path, *newest: str) -> subprocess.CompletedProcess[str]:
    args = [sys.executable, "-m", "builder.inside.check_portable", str(root), *newest]
    return subprocess.run(args, cwd=ROOT, capture_output=True, text=True, check=False)


def plant(root: Path, name: str, program: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(str(shutil.which(program)), root / name)


def test_a_program_of_a_new_enough_c_library_passes(tmp_path: Path) -> None:
    plant(tmp_path, "bin/x", "true")
    assert check(tmp_path, "GLIBC_9.99").returncode == 0


def test_a_symbol_of_a_newer_c_library_is_named_with_its_file(tmp_path: Path) -> None:
    plant(tmp_path, "bin/x", "true")
    refused = check(tmp_path, "GLIBC_2.2")
    assert refused.returncode == 1
    assert "not portable to glibc 2.2:\n  bin/x needs GLIBC_2." in refused.stderr


@pytest.mark.needs("gcc")
@pytest.mark.parametrize(("floor", "code"), [("2.35", 1), ("2.36", 0)])
def test_packed_relocations_need_the_c_library_that_knows_them(tmp_path: Path, floor: str, code: int) -> None:
    compiler = ["gcc", "-shared", "-fPIC", "-Wl,-z,pack-relative-relocs", "-x", "c", "-", "-o", str(tmp_path / "x.so")]
    source = "int tea; int *cup = &tea; extern int puts(const char *); int pour(void) { return puts(0); }"
    subprocess.run(compiler, input=source, text=True, check=True)
    done = check(tmp_path, f"GLIBC_{floor}")
    assert done.returncode == code, done.stderr
    assert ("x.so needs GLIBC_2.36" in done.stderr) is bool(code)


@pytest.mark.needs("g++")
@pytest.mark.parametrize(("newest", "code"), [("GLIBCXX_3.4.1", 1), ("GLIBCXX_3.4.99", 0)])
def test_a_symbol_of_a_newer_cplusplus_library_is_named_with_its_file(tmp_path: Path, newest: str, code: int) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    compiler = ["g++", "-shared", "-fPIC", "-x", "c++", "-", "-o", str(folder / "x.so")]
    source = "#include <vector>\nstd::vector<int> pour(int cups) { return std::vector<int>(cups); }"
    source += '\n#include <fstream>\nvoid open(std::fstream &tea) { tea.open(std::string("tea")); }'
    subprocess.run(compiler, input=source, text=True, check=True)
    done = check(tmp_path, "GLIBC_9.99", newest, "CXXABI_1.99")
    assert (done.returncode, "site-packages/x.so needs GLIBCXX_3.4." in done.stderr) == (code, bool(code)), done.stderr


@pytest.mark.needs("gcc")
@pytest.mark.parametrize(
    ("library", "place", "code"),
    [("libz.so.1", "site-packages", 0), ("libz.so.1", "lib", 1), ("libGL.so.1", "site-packages", 1)],
)
def test_a_package_may_need_zlib_of_the_system_as_manylinux_wheels_do(
    tmp_path: Path, library: str, place: str, code: int
) -> None:
    (tmp_path / place).mkdir()
    gcc = ["gcc", "-shared", "-fPIC", "-nostdlib", "-x", "c", "/dev/null"]
    subprocess.run([*gcc, f"-Wl,-soname,{library}", "-o", "libz.so"], cwd=tmp_path, check=True)
    linked = ["-Wl,--no-as-needed", "-L.", "-lz", "-o", f"{place}/x.so"]
    subprocess.run([*gcc, *linked], cwd=tmp_path, check=True)
    (tmp_path / "libz.so").unlink()
    done = check(tmp_path, "GLIBC_9.99")
    assert (done.returncode, f"{place}/x.so needs {library}" in done.stderr) == (code, bool(code)), done.stderr


@pytest.mark.needs("openssl")
def test_a_foreign_library_is_named_with_its_file(tmp_path: Path) -> None:
    plant(tmp_path, "bin/x", "openssl")
    assert "bin/x needs libssl.so." in check(tmp_path, "GLIBC_9.99").stderr


@pytest.mark.needs("openssl")
def test_a_library_that_lies_in_the_tree_is_no_foreign_one(tmp_path: Path) -> None:
    plant(tmp_path, "bin/x", "openssl")
    before = check(tmp_path, "GLIBC_9.99").stderr
    for name in ("libssl.so.3", "libssl.so.1.1"):
        (tmp_path / name).touch()
    assert "needs libssl" in before
    assert "needs libssl" not in check(tmp_path, "GLIBC_9.99").stderr


@pytest.mark.parametrize(
    ("floor", "version", "fits"),
    [("2.31", (2, 31), True), ("2.31", (2, 17), True), ("2.31", (2, 34), False), ("2.31", (3, 0), False)],
)
def test_pip_knows_which_wheels_fit(floor: str, version: tuple[int, int], fits: bool) -> None:
    program = f"import _manylinux; print(_manylinux.manylinux_compatible({version[0]}, {version[1]}, 'x86_64'))"
    env = {"PYTHONPATH": str(ROOT / "builder" / "inside"), "MANYLINUX_FLOOR": floor}
    said = subprocess.run([sys.executable, "-c", program], env=env, check=True, capture_output=True, text=True)
    assert said.stdout.strip() == str(fits)
