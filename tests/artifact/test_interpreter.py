"""The interpreter has all its modules and functions, and its libraries are those of the manifest."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from docker.models.containers import Container

from tests.support.container import execute
from tests.support.probes import probe
from tests.support.tree import Tree

# Of other systems; not built; dropped, by recipes/runtime/prune.txt or without TK=1.
ELSEWHERE = {"_ios_support", "_overlapped", "_scproxy", "_winapi", "_wmi", "msvcrt", "nt", "winreg", "winsound"}
NOT_BUILT = {"_dbm", "_gdbm", "_tkinter"}
PRUNED = {"idlelib", "tkinter", "turtle", "turtledemo"}


@pytest.fixture(scope="module")
def found(machine: Container) -> dict[str, Any]:
    """What the interpreter says of itself."""
    return dict(json.loads(execute(machine, "/prt/bin/python", "-c", probe("interpreter"))))


def test_every_module_of_the_standard_library_can_be_imported(found: dict[str, Any]) -> None:
    assert set(found["missing"]) == ELSEWHERE | NOT_BUILT | PRUNED


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tkinter", b"a build with TK=1 has it"),
        ("tkinter.ttk", b"a build with TK=1 has it"),
        ("dbm.gnu", b"a build with GDBM=1 has it"),
        ("turtle", b"by prune.txt of its recipe, or because it needs Berkeley DB or another system"),
    ],
)
def test_who_misses_a_module_reads_why(amd64_machine: Container, name: str, reason: bytes) -> None:
    code, said = amd64_machine.exec_run(["/prt/bin/python", "-c", f"import {name}"])
    assert code == 1
    assert b"; it is part of the standard library, and left out of this runtime: " + reason in said
    assert b"standard library" not in amd64_machine.exec_run(["/prt/bin/python", "-c", "import no_such"]).output


def test_modules_are_part_of_the_program_unless_they_bring_a_library(found: dict[str, Any]) -> None:
    everyday = {"_datetime", "_decimal", "_elementtree", "_json", "_pickle", "_socket", "_struct", "math"}
    assert everyday | {"pyexpat", "select", "unicodedata", "zlib"} <= {*found["inside"]}
    assert {"_bz2", "_codecs_jp", "_ctypes", "_hashlib", "_lzma", "_sqlite3", "_ssl", "readline"}.isdisjoint(
        found["inside"]
    )


def test_the_tasks_of_another_process_can_be_listed(amd64_machine: Container) -> None:
    assert "a task to find" in execute(amd64_machine, "/prt/bin/python", "-c", probe("tasks"))


def test_it_was_configured_with_what_the_c_library_can_do(found: dict[str, Any]) -> None:
    assert found["os"] == ["memfd_create", "copy_file_range", "getrandom", "pidfd_open"]
    assert found["sem_clockwait"] == 1


@pytest.mark.parametrize("kilobytes", [4096, 256])
def test_c_functions_that_call_each_other_without_end_leave_the_stack_whole(
    amd64_machine: Container, kilobytes: int
) -> None:
    # Half of what a process usually has; and so little that it overflows in 3.13, which counts calls. 3.14 measures.
    limited = 'ulimit -s "$0" && exec /prt/bin/python -c "$1"'
    expected = (0, b'"RecursionError"\n')
    assert amd64_machine.exec_run(["sh", "-c", limited, str(kilobytes), probe("recursion")]) == expected


def test_the_line_editor_is_the_one_whose_license_asks_nothing(found: dict[str, Any]) -> None:
    assert found["line_editor"] == "libedit"


def test_the_libraries_are_of_the_versions_in_the_manifest(found: dict[str, Any], tree: Tree) -> None:
    manifest = json.loads((tree.root / "manifest.json").read_text())
    versions = {one["name"]: one["version"] for one in (*manifest["sources"], *manifest["vendored"])}
    assert found["versions"] == {name: versions[name] for name in found["versions"]}


def test_the_terms_of_everything_that_was_compiled_are_inside(tree: Tree) -> None:
    manifest = json.loads((tree.root / "manifest.json").read_text())
    names = {one["name"].lower() for one in (*manifest["sources"], *manifest["vendored"])} - {"python-build"}
    folders = {path.name: path for path in (tree.root / "share/licenses").iterdir()}
    assert folders.keys() == names
    for name, folder in folders.items():
        text = "".join(path.read_text(errors="replace") for path in folder.iterdir())
        assert re.search("copyright|public domain|license", text, re.IGNORECASE), name
