"""Programs and libraries are linked so that a bug in them is hard to exploit, as scanelf and checksec see it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from tests.support.default_python import BINARY
from tests.support.tree import Tree, plant

pytestmark = pytest.mark.needs("inspectors")

CARELESS = ("-no-pie", "-z", "execstack", "-z", "norelro", "-z", "lazy", "-fno-stack-protector", "-U_FORTIFY_SOURCE")
# Stack, relocated part and loaded parts: none of them both written and executed, the second not written at all.
PROTECTED = "RW- R-- RW-"


def scanelf(files: Iterable[Path]) -> Mapping[str, dict[str, str]]:
    """What scanelf reads in each file's headers, by the file's name."""
    said = subprocess.run(
        ["scanelf", "--nobanner", "--format", "%o|%e|%t|%b|%p", *map(str, files)],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found = {}
    for line in said.splitlines():
        kind, memory, text_relocations, binding, path = (part.strip() for part in line.split("|"))
        found[path] = {"kind": kind, "memory": memory, "text": text_relocations, "binding": binding}
    return found


def checksec(path: Path) -> dict[str, str]:
    """What checksec finds in a program's code."""
    said = subprocess.run(
        ["checksec", "--format=json", f"--file={path}"], check=True, capture_output=True, text=True
    ).stdout
    (found,) = json.loads(said).values()
    return dict(found)


def careless(found: Mapping[str, dict[str, str]], **wanted: str) -> list[str]:
    """The files that are not as they should be."""
    return [f"{path}: {says}" for path, says in found.items() if any(says[name] != wanted[name] for name in wanted)]


def test_no_file_has_memory_to_write_and_execute_or_a_code_that_is_relocated(tree: Tree) -> None:
    found = scanelf(tree.elf_files)
    assert len(found) == len(tree.elf_files)
    assert careless(found, kind="ET_DYN", memory=PROTECTED, text="-") == []


def test_what_we_compiled_is_bound_before_it_starts(tree: Tree) -> None:
    assert careless(scanelf(tree.own_elf_files), binding="NOW") == []


def test_the_interpreter_is_position_independent_and_guards_its_stack_and_buffers(tree: Tree) -> None:
    found = checksec(tree.root / "bin" / BINARY)
    expected = {"relro": "full", "canary": "yes", "nx": "yes", "pie": "yes", "rpath": "no", "runpath": "no"}
    assert {name: found[name] for name in expected} == expected
    assert found["fortify_source"] == "yes"


def test_a_planted_careless_program_is_found(tmp_path: Path) -> None:
    planted = plant(tmp_path / "planted", "int main(void) { return 0; }", *CARELESS)
    found = scanelf([planted])
    for wanted in ({"kind": "ET_DYN"}, {"memory": PROTECTED}, {"binding": "NOW"}):
        assert careless(found, **wanted)
    code = checksec(planted)
    assert (code["relro"], code["canary"], code["pie"]) == ("no", "no", "no")
