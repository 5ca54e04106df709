"""Programs embed the runtime: linked with the system's compiler, at PRT_ROOT and in another folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.tree import Tree

EMBED = """
#include <Python.h>
int main(void) {
    Py_Initialize();
    int failed = PyRun_SimpleString("import sys, ssl, sqlite3, _ctypes, json; print(json.__file__)");
    return Py_FinalizeEx() || failed;
}
"""
pytestmark = pytest.mark.needs("gcc")


@pytest.fixture(params=["python3-config", pytest.param("pkg-config", marks=pytest.mark.needs("pkg-config"))])
def flags(request: pytest.FixtureRequest, amd64: Tree) -> list[str]:
    """What the tools say for an embedding program. The tree is somewhere else than PRT_ROOT."""
    if request.param == "python3-config":
        command = [str(amd64.root / "bin" / "python3-config"), "--cflags", "--ldflags", "--embed"]
    else:
        command = ["pkg-config", "--cflags", "--libs", "python3-embed"]
    env = {**os.environ, "PKG_CONFIG_PATH": str(amd64.root / "lib" / "pkgconfig")}
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.split()


def test_a_program_embeds_the_runtime_where_it_is(amd64: Tree, flags: list[str], tmp_path: Path) -> None:
    (tmp_path / "embed.c").write_text(EMBED)
    compile_ = ["gcc", "-Werror", "embed.c", *flags, f"-Wl,-rpath,{amd64.root}/lib", "-o", "embed"]
    subprocess.run(compile_, cwd=tmp_path, check=True)
    said = subprocess.run([tmp_path / "embed"], check=True, capture_output=True, text=True).stdout
    assert said.startswith(f"{amd64.root}/lib/python3")


def test_extensions_inherit_nothing_that_tunes_or_hardens(amd64: Tree) -> None:
    config = [str(amd64.root / "bin" / "python3-config"), "--cflags", "--ldflags"]
    said = subprocess.run(config, check=True, capture_output=True, text=True).stdout
    for word in ("-flto", "-fprofile", "-march", "-mtune", "-fstack", "-D_FORTIFY", "-Wl,", "clang"):
        assert word not in said
