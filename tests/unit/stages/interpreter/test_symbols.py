"""What debuggers read is kept apart, and gdb finds CPython's commands by the names of the program and the library."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from builder.stages.interpreter.cpython import CPython
from builder.stages.interpreter.symbols import split_symbols
from builder.targets import Arch
from tests.support.factories import python_build


@pytest.mark.parametrize(
    ("version", "package", "python"),
    [
        ("3.13.5", "Python-3.13.5", "python3.13"),
        ("3.14.0t", "Python-3.14.0", "python3.14t"),
        ("3.14.0td", "Python-3.14.0", "python3.14td"),
    ],
)
def test_gdb_finds_its_commands_by_the_names_of_a_flavour(
    tmp_path: Path, version: str, package: str, python: str
) -> None:
    cpython = CPython(version, python_build(tmp_path), (), "toolchain", Arch.AMD64, "libedit")
    _, add, link = split_symbols(cpython, PurePosixPath("/prt"))
    assert add.args[-2:] == (
        f"{{work}}/build/{package}/Tools/gdb/libpython.py",
        f"/prt/symbols/bin/{python}-gdb.py",
    )
    assert link.args[-2:] == (f"../bin/{python}-gdb.py", f"/prt/symbols/lib/lib{python}.so.1.0-gdb.py")
