"""The tree at another place than PRT_ROOT, which is gone: what works there."""

from __future__ import annotations

import pytest
from docker.models.containers import Container

from tests.support.container import execute
from tests.support.default_python import LIB

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
    assert f"from /venv/{LIB}/site-packages/pip" in execute(moved, "/venv/bin/python", "-m", "pip", "--version")
