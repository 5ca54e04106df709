"""gdb knows CPython's types and shows Python's frames, with the archive of symbols unpacked over the runtime.

And it finds the frame pointers that profilers go by.
"""

from __future__ import annotations

import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.checkout import Checkout
from tests.support.default_python import BINARY, SERIES
from tests.support.tree import Tree, extract, plant, unpack

pytestmark = pytest.mark.needs("gdb", "gcc")

# Its timer goes off while it sleeps, without the GIL: there gdb stops it.
NESTED = """
import signal, time

def inner(seconds):
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    time.sleep(seconds)

def outer():
    inner(60)

outer()
"""
FRAMES = ["line 6, in inner", "line 9, in outer", "line 11, in <module>"]
EMBED = "#include <Python.h>\nint main(int argc, char **argv) { return Py_BytesMain(argc, argv); }"
RUN = ["handle SIGALRM stop nopass", "run"]
TYPE = "print _Py_NoneStruct.ob_type->tp_name"
STACK = "py-bt"
# The callers of the interpreter's main loop as a profiler finds them, which reads nothing but frame pointers: up to the
# first function of the program, each of which may have become one with the next. The C library may have none.
CALLERS = """
import gdb

def word(place):
    return int(gdb.parse_and_eval(f"*(unsigned long *) {place}"))

frame = gdb.newest_frame()
while frame.name() != "_PyEval_EvalFrameDefault":
    frame = frame.older()
place, callers = int(frame.read_register("rbp")), []
while not {"main", "Py_BytesMain", "Py_RunMain"} & {*callers}:
    callers.append(gdb.execute(f"info symbol {word(place + 8)}", to_string=True).split()[0])
    place = word(place)
print("callers:", *callers)
"""


@pytest.fixture(scope="module")
def root(amd64: Tree, docker_checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime with its symbols, in a folder that is neither PRT_ROOT nor the other tests'."""
    folder = tmp_path_factory.mktemp("a folder")
    unpack(amd64.tarball, amd64.arch, folder)
    with tarfile.open(docker_checkout.out / "prt_v0_amd64.symbols.tgz") as archive:
        extract(archive, folder)
    return folder


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The program that is debugged."""
    path = tmp_path / "nested.py"
    path.write_text(NESTED)
    return path


def gdb(root: Path, *program: Path | str, commands: list[str]) -> str:
    """What gdb says, both streams, when it may load commands from a folder."""
    asked = [word for command in commands for word in ("-ex", command)]
    line = ["gdb", "-nx", "-batch", "-iex", f"add-auto-load-safe-path {root}", *asked, "--args", *program]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


def frames(said: str) -> list[str]:
    """The frames of py-bt, innermost first."""
    return [line.split(", ", 1)[1] for line in said.splitlines() if line.startswith('  File "')]


def test_a_process_and_its_core(root: Path, script: Path, tmp_path: Path) -> None:
    python, core = root / "bin" / "python3", tmp_path / "core"
    said = gdb(root, python, "-I", script, commands=[*RUN, TYPE, STACK, f"generate-core-file {core}"])
    assert '"NoneType"' in said
    assert frames(said) == FRAMES, said
    said = gdb(root, python, commands=[f"core-file {core}", TYPE, STACK])
    assert '"NoneType"' in said
    assert frames(said) == FRAMES, said


def test_frame_pointers_lead_to_the_beginning_of_the_program(root: Path, script: Path) -> None:
    commands = script.with_name("callers.py")
    commands.write_text(CALLERS)
    said = gdb(root, root / "bin" / "python3", "-I", script, commands=[*RUN, f"source {commands}"])
    assert re.search("^callers: (.+ )?(main|Py_BytesMain|Py_RunMain)$", said, re.MULTILINE), said


def test_a_program_that_embeds_the_runtime(root: Path, script: Path) -> None:
    library = ("-Wl,--no-as-needed", f"-L{root}/lib", f"-lpython{SERIES}", f"-Wl,-rpath,{root}/lib")
    program = plant(script.with_name("embed"), EMBED, f"-I{root}/include/{BINARY}", *library)
    said = gdb(root, program, script, commands=[*RUN, TYPE, STACK])
    assert '"NoneType"' in said
    assert frames(said) == FRAMES, said


def test_without_the_archive_gdb_knows_neither(amd64: Tree, script: Path) -> None:
    said = gdb(amd64.root, amd64.root / "bin" / BINARY, "-I", script, commands=[*RUN, TYPE, STACK])
    assert '"NoneType"' not in said
    assert 'Undefined command: "py-bt"' in said
