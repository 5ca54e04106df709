"""Tools of other people take the runtime for a Python like any other, in a folder with a blank and an umlaut."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.tree import Tree, unpack

WHERE = "import sys; print(sys.base_prefix)"
HELLO = "import ctypes, ssl, sqlite3, sys; print(sys.frozen, ssl.OPENSSL_VERSION)\n"
EXTENSION = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "tea"};
PyMODINIT_FUNC PyInit_tea(void) { return PyModule_Create(&module); }
"""
SETUP = "from setuptools import Extension, setup\nsetup(name='tea', ext_modules=[Extension('tea', ['tea.c'])])\n"
MESON_PROJECT = """
[build-system]
requires = ["meson-python"]
build-backend = "mesonpy"
[project]
name = "tea"
version = "1"
"""
MESON = """
project('tea', 'c')
import('python').find_installation(pure: false).extension_module('tea', 'tea.c', install: true)
"""
TOX = f"""
[testenv]
skip_install = true
commands = python -c "{WHERE}"
"""


@pytest.fixture(scope="module")
def root(amd64: Tree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime there."""
    folder = tmp_path_factory.mktemp("moved") / "a b" / "ü"
    folder.mkdir(parents=True)
    return unpack(amd64.tarball, amd64.arch, folder).root


@pytest.fixture(scope="module")
def venv(root: Path) -> Path:
    """An environment of it."""
    folder = root.parent / "v e"
    said(root / "bin" / "python3", "-m", "venv", folder)
    return folder


def said(*command: str | Path, cwd: Path | None = None, **variables: str) -> str:
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_uv_makes_an_environment_of_it_and_installs_there(venv: Path, root: Path, tmp_path: Path) -> None:
    said(venv / "bin" / "pip", "install", "uv")
    uv = venv / "bin" / "uv"
    said(uv, "venv", "--no-config", "--python", root / "bin" / "python3", "v", cwd=tmp_path)
    said(uv, "pip", "install", "--python", "v/bin/python", "peppercorn==0.6", cwd=tmp_path)
    assert said(tmp_path / "v" / "bin" / "python", "-c", f"import peppercorn; {WHERE}") == f"{root}\n"


def test_virtualenv_makes_an_environment_of_it(venv: Path, root: Path, tmp_path: Path) -> None:
    said(venv / "bin" / "pip", "install", "virtualenv")
    said(venv / "bin" / "virtualenv", "v", cwd=tmp_path)
    assert said(tmp_path / "v" / "bin" / "python", "-c", WHERE) == f"{root}\n"


def test_pipx_installs_a_program_for_it(venv: Path, root: Path, tmp_path: Path) -> None:
    said(venv / "bin" / "pip", "install", "pipx")
    home, programs = str(tmp_path / "home"), str(tmp_path / "bin")
    said(venv / "bin" / "pipx", "install", "pycowsay", PIPX_HOME=home, PIPX_BIN_DIR=programs)
    assert "< moo >" in said(tmp_path / "bin" / "pycowsay", "moo")
    assert said(tmp_path / "home" / "venvs" / "pycowsay" / "bin" / "python", "-c", WHERE) == f"{root}\n"


def test_tox_tests_with_it(venv: Path, root: Path, tmp_path: Path) -> None:
    said(venv / "bin" / "pip", "install", "tox")
    (tmp_path / "tox.ini").write_text(TOX)
    assert f"{root}\n" in said(venv / "bin" / "tox", "run", "-e", "py", cwd=tmp_path)


@pytest.mark.needs("gcc")
def test_setuptools_compiles_an_extension(venv: Path, tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text(SETUP)
    (tmp_path / "tea.c").write_text(EXTENSION)
    said(venv / "bin" / "pip", "install", tmp_path)
    assert "tea" in said(venv / "bin" / "python", "-c", "import tea; print(tea.__file__)")


@pytest.mark.needs("gcc", "pkg-config")
def test_meson_compiles_an_extension(amd64: Tree, tmp_path: Path) -> None:
    # Without an umlaut: Meson can't read what pkgconf says of such a folder, whosever Python is in it.
    folder = tmp_path / "a b"
    folder.mkdir()
    said(unpack(amd64.tarball, amd64.arch, folder).root / "bin" / "python3", "-m", "venv", folder / "v")
    for file, text in (("pyproject.toml", MESON_PROJECT), ("meson.build", MESON), ("tea.c", EXTENSION)):
        (tmp_path / file).write_text(text)
    said(folder / "v" / "bin" / "pip", "install", tmp_path)
    assert "tea" in said(folder / "v" / "bin" / "python", "-c", "import tea; print(tea.__file__)")


def test_pyinstaller_freezes_a_program_into_a_folder_and_into_a_file(venv: Path, tmp_path: Path) -> None:
    said(venv / "bin" / "pip", "install", "pyinstaller")
    (tmp_path / "hello.py").write_text(HELLO)
    for way, program in (("--onedir", "hello/hello"), ("--onefile", "hello")):
        said(venv / "bin" / "pyinstaller", "--noconfirm", way, f"--distpath={way}", "hello.py", cwd=tmp_path)
        shown = subprocess.run([tmp_path / way / program], env={}, check=True, capture_output=True, text=True).stdout
        assert shown.startswith("True OpenSSL 3.")
