"""What debuggers read: symbols and types in files of their own, and CPython's commands for gdb, which loads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from builder.stages.interpreter import libpython
from builder.stages.interpreter.acceptance import SYMBOLS
from builder.stages.interpreter.compiler import llvm
from builder.stages.interpreter.configure import build_python
from builder.stages.interpreter.cpython import CPython
from builder.stages.programs import program_file
from builder.stages.stage import WORK, Step

SPLIT_SYMBOLS = program_file("split_symbols.py")


def split_symbols(cpython: CPython, prt_root: PurePosixPath) -> Iterator[Step]:
    """Move what debuggers read into a separate folder, which the runtime packs as a separate archive."""
    patterns = (f"bin/{cpython.binary}", libpython.PATTERN, "lib/python3*/lib-dynload/*.so")
    folder = f"{prt_root}/{SYMBOLS}"
    program = f"{WORK}/{SPLIT_SYMBOLS.name}"
    args = (program, llvm("objcopy"), str(prt_root), folder, *patterns)
    yield Step("split symbols", (build_python(cpython), "-I", "-B", *args))
    yield from _commands(cpython, folder)


def _commands(cpython: CPython, folder: str) -> Iterator[Step]:
    """py-bt and its like. Of a program or library `x`, gdb loads `x-gdb.py` next to it, links resolved."""
    commands = f"bin/{cpython.binary}-gdb.py"
    source = f"{WORK}/build/{cpython.package}/Tools/gdb/libpython.py"
    yield Step("add gdb's commands", ("install", "-m", "644", source, f"{folder}/{commands}"))
    yield Step(
        "link gdb's commands", ("ln", "-s", f"../{commands}", f"{folder}/lib/{libpython.file_name(cpython)}-gdb.py")
    )
