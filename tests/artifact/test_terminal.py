"""At a terminal: what the system knows of it is found, common ones are known by themselves, and the prompt edits,
remembers and completes.
"""

from __future__ import annotations

from collections.abc import Iterator

import pexpect
import pytest
from docker.models.containers import Container

from tests.support.container import execute

SETUP = "import curses, sys; curses.setupterm(sys.argv[1], 1); print(curses.tigetnum('colors'))"
UP, TAB = "\x1bOA", "\t"  # as xterm sends them to a program that reads keys
# The prompt of CPython itself, and the plain one, which is that of the readline module.
PROMPTS: dict[str, dict[str, str]] = {"own": {}, "readline": {"PYTHON_BASIC_REPL": "1"}}


OTHER = "cygwin"  # which Debian has, and we have not
PLACES = ["/lib/terminfo", "/usr/share/terminfo"]


@pytest.mark.parametrize(("place", "empty"), [PLACES, PLACES[::-1]])
def test_terminfo_is_found_where_a_distribution_has_it(amd64_machine: Container, place: str, empty: str) -> None:
    gather = f"mkdir -p {place} && [ ! -e {empty} ] || cp -a {empty}/. {place} && rm -rf {empty}"
    execute(amd64_machine, "sh", "-c", gather)
    assert execute(amd64_machine, "/prt/bin/python", "-c", SETUP, OTHER) == "8\n"


@pytest.fixture
def bare_machine(amd64_machine: Container) -> Iterator[Container]:
    """The same without any terminfo, as minimal containers are."""
    execute(amd64_machine, "mv", "/usr/share/terminfo", "/usr/share/not-terminfo")
    yield amd64_machine
    execute(amd64_machine, "mv", "/usr/share/not-terminfo", "/usr/share/terminfo")


@pytest.mark.parametrize(("terminal", "colors"), [("xterm-256color", 256), ("tmux-256color", 256), ("linux", 8)])
def test_a_common_terminal_is_known_without_any_terminfo(bare_machine: Container, terminal: str, colors: int) -> None:
    assert execute(bare_machine, "/prt/bin/python", "-c", SETUP, terminal) == f"{colors}\n"


def test_without_any_terminfo_another_terminal_is_unknown(bare_machine: Container) -> None:
    code, said = bare_machine.exec_run(["/prt/bin/python", "-c", SETUP, OTHER])
    assert code == 1
    assert b"could not find terminal" in said


@pytest.fixture(params=PROMPTS)
def prompt(request: pytest.FixtureRequest, amd64_machine: Container) -> Iterator[pexpect.spawn[str]]:
    """Python at a terminal, ready for input."""
    env = {"TERM": "xterm", **PROMPTS[request.param]}
    command = ["exec", "--interactive", "--tty", *(f"--env={k}={v}" for k, v in env.items()), str(amd64_machine.id)]
    with pexpect.spawn("docker", [*command, "/prt/bin/python", "-q"], encoding="utf-8", timeout=20) as terminal:
        terminal.expect(">>> ")
        yield terminal


def test_the_prompt_brings_back_earlier_lines(prompt: pexpect.spawn[str]) -> None:
    prompt.send("print(6 * 7 * 10**6)\r")
    prompt.expect("42000000")
    prompt.expect(">>> ")
    prompt.send(UP + "\r")
    prompt.expect("42000000")


def test_the_prompt_completes_names(prompt: pexpect.spawn[str]) -> None:
    prompt.send("import math\r")
    prompt.expect(">>> ")
    prompt.send(f"math.isq{TAB}4000000)\r")
    prompt.expect("2000")
