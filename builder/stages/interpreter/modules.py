"""Which of CPython's extension modules become part of the program, and which stay files, loaded when imported.

Inside, a module is there at once, calls the interpreter without a detour, and is optimised together with it.
"""

from __future__ import annotations

from builder.stages.interpreter.cpython import CPython
from builder.versions import series

# Those that stay files, as patterns of the names in CPython's own list, Modules/Setup.stdlib.in.
_FILES = (
    # They bring a library along that few programs use.
    "_ssl", "_hashlib", "_sqlite3", "_ctypes", "_curses", "_curses_panel", "readline", "_bz2", "_lzma", "_zstd",
    "_uuid", "_dbm", "_gdbm", "_tkinter",
    # Large tables, which every start would pay for.
    "_codecs_.*", "_multibytecodec",
    # For CPython's own tests; the runtime does not carry them.
    "_.*test.*", "xx.*",
)  # fmt: skip
# `python -m asyncio ps` of any Python 3.14 looks for its data in a file of that name among those that a process has
# mapped, and nowhere else: Modules/_remote_debugging_module.c.
_FILES_SINCE_3_14 = ("_asyncio",)
_STEP = "modules_inside"


def has_list(cpython: CPython) -> bool:
    """Whether this version's makefile builds its modules by that list; setup.py did before."""
    return series(cpython.version) >= (3, 12)


def definition(cpython: CPython) -> tuple[str, str]:
    """For python-build: a function that marks the list, and its name as a step. Nothing for a version without one."""
    if not has_list(cpython):
        return "", ""
    files = _FILES + (_FILES_SINCE_3_14 if series(cpython.version) >= (3, 14) else ())
    pattern = "|".join(files).upper()
    edit = f"s/^@MODULE_({pattern})_TRUE@.*/*shared*\\n&\\n*static*/"
    return f"build_package_{_STEP}() {{ sed --in-place -E '{edit}' Modules/Setup.stdlib.in; }}\n", f"{_STEP} "


def environment(cpython: CPython) -> dict[str, str]:
    """For configure: all that is not marked goes inside."""
    return {"MODULE_BUILDTYPE": "static"} if has_list(cpython) else {}
