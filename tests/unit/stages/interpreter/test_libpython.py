"""libpython is linked from the interpreter's objects, and has the names that linkers look for."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from builder.inputs.pins import Sysroot
from builder.stages.interpreter.compiler import CrossCompiler
from builder.stages.interpreter.cpython import CPython
from builder.stages.interpreter.libpython import definition, shared_library
from builder.stages.stage import Step
from builder.targets import Arch
from tests.support.factories import across, python_build


def steps(folder: Path, version: str, arch: Arch) -> list[Step]:
    cpython = CPython(version, python_build(folder), (), "toolchain", Arch.AMD64, "libedit")
    target = CrossCompiler(arch, Sysroot("bullseye", arch, "2.31", ()))
    return [*shared_library(cpython, target, PurePosixPath("/prt"))]


@pytest.mark.parametrize(
    ("version", "arch", "name", "config"),
    [
        ("3.13.5", Arch.AMD64, "libpython3.13.so", "python3.13/config-3.13-x86_64-linux-gnu"),
        ("3.14.0t", Arch.ARM64, "libpython3.14t.so", "python3.14t/config-3.14t-aarch64-linux-gnu"),
        ("3.14.0d", Arch.AMD64, "libpython3.14d.so", "python3.14/config-3.14d-x86_64-linux-gnu"),
    ],
)
def test_a_flavour_has_its_own_with_two_links(tmp_path: Path, version: str, arch: Arch, name: str, config: str) -> None:
    link, install, *links = steps(tmp_path, version, arch)
    assert link.args[-2:] == (f"INSTSONAME={name}.1.0", name)
    assert install.args[-1] == f"/prt/lib/{name}.1.0"
    assert [step.args[-2:] for step in links] == [
        (f"{name}.1.0", f"/prt/lib/{name}"),
        (f"../../{name}.1.0", f"/prt/lib/{config}/{name}"),
    ]


def test_its_symbols_are_split_off_and_its_objects_can_be_anywhere_in_memory(tmp_path: Path) -> None:
    stage = across(tmp_path).compiled()["interpreter"]
    by_name = {step.name: (number, step) for number, step in enumerate(stage.steps)}
    number, split = by_name["split symbols"]
    assert "lib/libpython3*.so.1.0" in split.args
    assert by_name["install libpython"][0] < number
    [compiling] = (step for step in stage.steps if "CFLAGS_NODIST" in step.env)
    assert "-fPIC" in compiling.env["CFLAGS_NODIST"].split()


@pytest.mark.needs("bash")
def test_where_cpython_asks_where_the_library_is_it_searches_from_there(tmp_path: Path) -> None:
    cpython = CPython("3.14.7", python_build(tmp_path), (), "toolchain", Arch.AMD64, "libedit")
    function, step = definition(cpython)
    (tmp_path / "Modules").mkdir()
    (tmp_path / "Modules" / "getpath.py").write_text("prefix = search_up(library_dir, ZIP_LANDMARK)\n")
    subprocess.run(["bash", "-euc", f"{function}build_package_{step}"], cwd=tmp_path, check=True)
    edited = (tmp_path / "Modules" / "getpath.py").read_text()
    assert edited == "prefix = search_up(library_dir, ZIP_LANDMARK, *STDLIB_LANDMARKS)\n"
    assert definition(replace(cpython, version="3.13.5")) == ("", "")
