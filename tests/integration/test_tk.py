"""TK=1, built for real: `tkinter` draws on a display, on every Debian, where no package of X11 is installed.

It compiles CPython and the libraries of Tk, so these tests take minutes.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from builder.targets import Arch
from tests.support.checkout import Checkout, copy_of_this
from tests.support.container import execute, with_artifact
from tests.support.probes import probe

pytestmark = [pytest.mark.slow, pytest.mark.needs("docker", "Xvfb")]

SYSTEMS = ["bullseye", "bookworm", "trixie"]
COLOUR = "#c0ffee"
AREA = 200 * 100
PATIENCE = 60  # seconds


@dataclass(frozen=True)
class Display:
    """An X server without a screen: its name, and the file that has what it shows."""

    name: str
    pixels: Path

    def shown(self, colour: str) -> int:
        """How many pixels have a colour."""
        red, green, blue = bytes.fromhex(colour.removeprefix("#"))
        return self.pixels.read_bytes().count(bytes((blue, green, red)))


@pytest.fixture(scope="module")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    """A display that the programs of containers reach by the machine's own network."""
    folder = tmp_path_factory.mktemp("display")
    number = folder / "number"
    with number.open("wb") as stream:
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(stream.fileno()), "-fbdir", str(folder), "-ac", "-listen", "tcp", "-noreset"],
            pass_fds=[stream.fileno()],
            stderr=subprocess.DEVNULL,
        )
    try:
        until = time.monotonic() + PATIENCE
        while not number.read_text().endswith("\n") and time.monotonic() < until:
            time.sleep(0.1)
        yield Display(f"127.0.0.1:{number.read_text().strip()}", folder / "Xvfb_screen0")
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose runtime has Tk, and the turtle, which prune.txt leaves out."""
    checkout = copy_of_this(tmp_path_factory.mktemp("tk"), ENGINE="docker", TK="1")
    pruned = checkout.root / "recipes/runtime/prune.txt"
    pruned.write_text(pruned.read_text().replace("lib/python3*/turtle.py\n", ""))
    checkout.nox("runtime").succeeds()
    return checkout


@pytest.fixture(scope="module", params=SYSTEMS)
def machine(request: pytest.FixtureRequest, checkout: Checkout) -> Iterator[Container]:
    """A Debian as it is, with the runtime at /prt, and moved."""
    with with_artifact(checkout.out / "prt_v0_amd64.tgz", Arch.AMD64, request.param, network="host") as container:
        execute(container, "cp", "-a", "/prt", "/else where")
        yield container


def drawn(container: Container, python: str, display: Display) -> int:
    """How many pixels the probe's rectangle has, as it is shown."""
    noted = ["sh", "-c", 'exec "$@" 2> /said', "sh"]
    command = [*noted, python, "-c", probe("libraries/tk"), COLOUR, "6"]
    api = docker.from_env().api
    started = api.exec_create(container.id, command, environment={"DISPLAY": display.name})["Id"]
    api.exec_start(started, detach=True)
    most = 0
    while (state := api.exec_inspect(started))["Running"]:
        most = max(most, display.shown(COLOUR))
        time.sleep(0.2)
    assert state["ExitCode"] == 0, execute(container, "cat", "/said")
    return most


def test_the_proof_of_every_runtime_passes(checkout: Checkout) -> None:
    checkout.nox("test").succeeds()


def test_it_draws_where_it_was_built_for_and_elsewhere_and_in_an_environment(
    machine: Container, display: Display
) -> None:
    assert execute(machine, "sh", "-c", "ls /usr/lib/*/libX11* /usr/lib/*/libt[ck]* 2> /dev/null || true") == ""
    assert display.shown(COLOUR) == 0
    execute(machine, "rm", "-r", "/prt")
    execute(machine, "/else where/bin/python", "-m", "venv", "/venv")
    for python in ("/else where/bin/python", "/venv/bin/python"):
        assert drawn(machine, python, display) >= AREA


def test_the_turtle_draws(machine: Container, display: Display) -> None:
    draw = "import turtle; turtle.color('red'); turtle.forward(100); turtle.bye()"
    execute(machine, "/else where/bin/python", "-c", draw, DISPLAY=display.name)


def test_without_a_display_it_says_so_and_nothing_breaks(machine: Container) -> None:
    code, said = machine.exec_run(["/else where/bin/python", "-c", "import tkinter; tkinter.Tk()"])
    assert code == 1
    assert b"no display name and no $DISPLAY environment variable" in said


def test_packages_that_draw_for_tk_find_its_functions(machine: Container) -> None:
    find = (
        "import ctypes, _tkinter; it = ctypes.CDLL(_tkinter.__file__);"
        "print(it.Tk_FindPhoto, it.Tk_PhotoPutBlock, it.Tcl_CreateCommand, it.Tcl_AppendResult)"
    )
    execute(machine, "/else where/bin/python", "-c", find)


def test_its_scripts_are_those_behind_its_own_library(machine: Container, display: Display) -> None:
    execute(machine, "cp", "-a", "/else where", "/bare")
    cut = (
        "import os, zipfile; tcl = '/bare/lib/libtcl9.0.so';"
        "os.truncate(tcl, min(one.header_offset for one in zipfile.ZipFile(tcl).infolist()))"
    )
    execute(machine, "/else where/bin/python", "-c", cut)
    draw = ["/bare/bin/python", "-c", "import tkinter; tkinter.Tk()"]
    code, said = machine.exec_run(draw, environment={"DISPLAY": display.name})
    assert code == 1
    assert b"find a usable init.tcl" in said
