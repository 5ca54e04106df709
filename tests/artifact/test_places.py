"""The tree at another place than PRT_ROOT, which is gone: what works there."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path

import pytest
from docker.models.containers import Container

from builder.engines.container import WORK_FOLDER
from builder.inside.movable import details
from tests.support.container import execute, put
from tests.support.default_python import LIB
from tests.support.wheels import wheel

# With a blank, a letter beyond ASCII, and longer than the kernel reads of a script's first line.
ELSEWHERE = f"/opt/a b/ü/{'long/' * 30}runtime"
WHERE = "import sys, os, ssl; print(sys.prefix, os.__file__, sep='|')"


@pytest.fixture(scope="module")
def moved(amd64_machine: Container) -> Container:
    """The container, with the tree moved."""
    execute(amd64_machine, "sh", "-c", f'mkdir -p "$(dirname "{ELSEWHERE}")" && mv /prt "{ELSEWHERE}"')
    return amd64_machine


@pytest.mark.parametrize(
    "command",
    [
        [f"{ELSEWHERE}/bin/python3"],
        ["sh", "-c", f'ln -sf "{ELSEWHERE}/bin/python3" /usr/local/bin/tea; exec tea "$@"', "sh"],
        ["sh", "-c", f'PATH="{ELSEWHERE}/bin:$PATH"; exec python3 "$@"', "sh"],
    ],
    ids=["by its path", "through a link", "through PATH"],
)
def test_the_interpreter_finds_its_library(moved: Container, command: list[str]) -> None:
    found = execute(moved, *command, "-c", WHERE)
    assert found.strip() == f"{ELSEWHERE}|{ELSEWHERE}/{LIB}/os.py"


@pytest.mark.parametrize("way", ["--symlinks", "--copies"])
def test_virtual_environments_work(moved: Container, way: str) -> None:
    execute(moved, f"{ELSEWHERE}/bin/python3", "-m", "venv", "--clear", way, "/venv")
    said = execute(moved, "/venv/bin/python", "-m", "pip", "--version")
    assert f"from /venv/{LIB}/site-packages/pip" in said
    ours = execute(moved, f"{ELSEWHERE}/bin/pip", "--version")
    assert ours.split()[:2] == said.split()[:2]  # the pip of the lock


def test_every_command_answers_there_and_through_a_link(moved: Container) -> None:
    commands = execute(moved, "ls", f"{ELSEWHERE}/bin").split()
    assert {"pip", "uvicorn", "python3-config"} <= {*commands}
    # The first takes no such option; the second says that another package is missing.
    for command in (one for one in commands if not one.startswith(("pydoc", "fastapi"))):
        argument = "--prefix" if command.endswith("-config") else "--help"
        execute(moved, f"{ELSEWHERE}/bin/{command}", argument)
    execute(moved, "ln", "-sf", f"{ELSEWHERE}/bin/uvicorn", "/usr/local/bin/serve")
    assert "Running uvicorn" in execute(moved, "serve", "--version")
    assert execute(moved, f"{ELSEWHERE}/bin/python3-config", "--prefix").strip() == ELSEWHERE


ASK = """
import pathlib, sysconfig
print([name for name, text in sysconfig.get_config_vars().items() if "/prt" in str(text).replace({here!r}, "")])
folders = [*sysconfig.get_paths().values(), *map(sysconfig.get_config_var, ("INCLUDEPY", "LIBDIR", "LIBPL", "BINDIR"))]
print([folder for folder in folders if not (folder.startswith({here!r}) and pathlib.Path(folder).is_dir())])
"""


def test_sysconfig_names_folders_that_are_there_and_never_prt_root(moved: Container) -> None:
    python = f"{ELSEWHERE}/bin/python3"
    assert execute(moved, python, "-c", ASK.format(here=ELSEWHERE)) == "[]\n[]\n"


def test_flags_and_tools_are_of_no_folder_and_of_no_machine(moved: Container) -> None:
    names = ("AR", "BLDSHARED", "LDSHARED", "PY_LDFLAGS", "LDFLAGS", "CPPFLAGS", "INSTALL", "MKDIR_P")
    said = execute(
        moved,
        f"{ELSEWHERE}/bin/python3",
        "-c",
        f"import sysconfig\nprint(*sysconfig.get_config_vars(*{names}), sep='\\n')",
    )
    assert said.splitlines()[0] == "ar"
    assert [word for word in said.split() if word.startswith(("-L", "-I/", "/"))] == []


def test_python_config_answers_through_a_link_from_elsewhere(moved: Container) -> None:
    execute(moved, "ln", "-sf", f"{ELSEWHERE}/bin/python3-config", "/usr/local/bin/settings")
    assert execute(moved, "settings", "--includes").startswith(f"-I{ELSEWHERE}/include/python3")


def test_build_details_made_for_older_versions_are_as_cpython_makes_them(moved: Container) -> None:
    program = f"{Path(details.__file__).read_text()}\nimport json; print(json.dumps(details(), ensure_ascii=False))"
    made = json.loads(execute(moved, f"{ELSEWHERE}/bin/python3", "-c", program).replace(ELSEWHERE, "."))
    of_cpython = json.loads(execute(moved, "cat", f"{ELSEWHERE}/{LIB}/build-details.json"))
    of_cpython.pop("libpython")
    assert {**made, "base_prefix": "../.."} == of_cpython


def test_what_was_added_is_repaired_by_one_command(moved: Container) -> None:
    name, content = wheel("say", commands="say = zipfile:main")
    put(moved, f"/{name}", content)
    execute(moved, f"{ELSEWHERE}/bin/python3", "-m", "venv", f"{ELSEWHERE}/apps/x")
    for folder in (ELSEWHERE, f"{ELSEWHERE}/apps/x"):
        execute(moved, f"{folder}/bin/pip", "install", "--no-index", "--root-user-action=ignore", f"/{name}")
    again = "/opt/again and again"
    execute(moved, "mv", ELSEWHERE, again)
    try:
        commands = [f"{again}/{name}" for name in ("bin/say", "apps/x/bin/say", "apps/x/bin/python3")]
        assert 0 not in [moved.exec_run([command, "--help"]).exit_code for command in commands]
        assert f"name {ELSEWHERE}" in execute(moved, f"{again}/bin/prt-doctor")
        execute(moved, f"{again}/bin/prt-doctor", "--repair")
        for command in commands:
            execute(moved, command, "--help")
        assert ELSEWHERE not in execute(moved, f"{again}/bin/prt-doctor")
    finally:
        execute(moved, "rm", "-r", f"{again}/apps")
        execute(moved, f"{again}/bin/pip", "uninstall", "--yes", "--root-user-action=ignore", "say")
        execute(moved, "mv", again, ELSEWHERE)


# What may name PRT_ROOT, and why.
STILL = {
    "*.pyc": "the path of the source is put right when it is loaded",
    "manifest.json": "where the Debian package puts it",
    "bin/python3.*": "the last place the interpreter looks for its library in",
    "lib/libpython3.*": "the same",
    "script-was-here": "written by a script of these tests",
}


PRT_ROOT, BUILDER = "(^|[^A-Za-z0-9_./-])/prt(/|[^A-Za-z0-9_.-]|$)", str(WORK_FOLDER)


def naming(container: Container, names: str) -> set[str]:
    """The files of the tree, text or binary, that name what matches."""
    found = execute(container, "sh", "-c", f"cd '{ELSEWHERE}' && grep -rlaE '{names}' . || true")
    return {line.removeprefix("./") for line in found.splitlines()}


def test_nothing_else_names_prt_root(moved: Container) -> None:
    files = naming(moved, PRT_ROOT)
    assert [name for name in files if not any(fnmatch(name, pattern) for pattern in STILL)] == []
    assert {"manifest.json", f"bin/{LIB.removeprefix('lib/')}"} < files  # the search finds what there is


def test_nothing_names_the_folder_of_the_build(moved: Container) -> None:
    assert naming(moved, BUILDER) == set()


@pytest.mark.parametrize(("names", "folder"), [(PRT_ROOT, "/prt/lib"), (BUILDER, f"{BUILDER}/build/x.c")])
@pytest.mark.parametrize("kind", ["text: %s\\n", "\\177ELF\\0%s\\0"])
def test_a_planted_file_that_names_either_is_found(moved: Container, names: str, folder: str, kind: str) -> None:
    execute(moved, "sh", "-c", f"printf '{kind}' {folder} > '{ELSEWHERE}/lib/planted'")
    found = naming(moved, names)
    execute(moved, "rm", f"{ELSEWHERE}/lib/planted")
    assert "lib/planted" in found
