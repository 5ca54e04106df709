"""Which modules go inside the program: python-build marks CPython's list, and makesetup reads it from top to end."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from builder.stages.interpreter import modules
from builder.stages.interpreter.cpython import CPython
from builder.targets import Arch
from tests.support.factories import python_build

# As configure's template has it: a mark for the type, one line a module, and CPython's own marks further down.
LIST = """\
*@MODULE_BUILDTYPE@*
@MODULE_ARRAY_TRUE@array arraymodule.c
@MODULE__ASYNCIO_TRUE@_asyncio _asynciomodule.c
@MODULE__LZMA_TRUE@_lzma _lzmamodule.c
@MODULE_ZLIB_TRUE@zlib zlibmodule.c
@MODULE__CODECS_JP_TRUE@_codecs_jp cjkcodecs/_codecs_jp.c
@MODULE__MULTIBYTECODEC_TRUE@_multibytecodec cjkcodecs/multibytecodec.c
@MODULE_UNICODEDATA_TRUE@unicodedata unicodedata.c
@MODULE__SSL_TRUE@_ssl _ssl.c
@MODULE__POSIXSHMEM_TRUE@_posixshmem _multiprocessing/posixshmem.c
@MODULE__TESTCAPI_TRUE@_testcapi _testcapimodule.c
*shared*
@MODULE__CTYPES_TEST_TRUE@_ctypes_test _ctypes/_ctypes_test.c
@MODULE_XXLIMITED_TRUE@xxlimited xxlimited.c
"""


def cpython(folder: Path, version: str) -> CPython:
    """A version of CPython."""
    return CPython(version, python_build(folder), (), "toolchain", Arch.AMD64, "libedit")


def marked(folder: Path, version: str) -> dict[str, str]:
    """The type of each module, as makesetup takes it from the list that python-build's step has marked."""
    function, steps = modules.definition(cpython(folder, version))
    path = folder / "Modules" / "Setup.stdlib.in"
    path.parent.mkdir()
    path.write_text(LIST)
    commands = "\n".join(f"build_package_{step}" for step in steps.split())
    subprocess.run(["bash", "-euc", f"{function}{commands}"], cwd=folder, check=True)
    kind, found = "", {}
    for line in path.read_text().splitlines():
        if line.startswith("*"):
            kind = line.replace("@MODULE_BUILDTYPE@", "static").strip("*")
        else:
            found[line.split("@")[2].split()[0]] = kind
    return found


@pytest.mark.needs("bash")
def test_a_module_stays_a_file_for_its_library_its_tables_or_because_it_is_for_tests(tmp_path: Path) -> None:
    found = marked(tmp_path, "3.13.5")
    inside = {"array", "_asyncio", "zlib", "unicodedata", "_posixshmem"}
    assert {name for name, kind in found.items() if kind == "static"} == inside
    files = {"_lzma", "_codecs_jp", "_multibytecodec", "_ssl", "_testcapi", "_ctypes_test", "xxlimited"}
    assert {name for name, kind in found.items() if kind == "shared"} == files


@pytest.mark.needs("bash")
@pytest.mark.parametrize(("version", "kind"), [("3.13.15", "static"), ("3.14.7", "shared"), ("3.15.0rc2", "shared")])
def test_asyncio_is_a_file_where_debuggers_look_for_it_in_one(tmp_path: Path, version: str, kind: str) -> None:
    assert marked(tmp_path, version)["_asyncio"] == kind


@pytest.mark.parametrize(("version", "expected"), [("3.11.13", {}), ("3.12.0", {"MODULE_BUILDTYPE": "static"})])
def test_a_version_that_has_no_list_is_left_as_it_is(tmp_path: Path, version: str, expected: dict[str, str]) -> None:
    assert modules.environment(cpython(tmp_path, version)) == expected
    assert bool(modules.definition(cpython(tmp_path, version))[0]) is bool(expected)
