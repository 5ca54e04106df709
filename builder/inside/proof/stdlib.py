"""Every module of the standard library imports. Arguments: the prune patterns of the recipe."""

from __future__ import annotations

import importlib
import sys
import sysconfig
from collections.abc import Iterator
from fnmatch import fnmatchcase

from builder.inside.proof.report import differs, end

# Of another operating system.
_ELSEWHERE = frozenset("_ios_support _overlapped _scproxy _winapi _wmi msvcrt nt winreg winsound".split())
# What only a Python with Berkeley DB, GDBM or Tk has, by the module that needs it.
_ASKED_FOR = {"_dbm": ("_dbm",), "_gdbm": ("_gdbm",), "_tkinter": "_tkinter idlelib tkinter turtle turtledemo".split()}


def pruned(name: str, patterns: list[str]) -> bool:
    """Whether a pattern of prune.txt covers the module's file or folder."""
    library = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}"
    places = (f"{library}/{name}", f"{library}/{name}.py", f"{library}/lib-dynload/{name}.so")
    return any(fnmatchcase(place, pattern.rstrip("/")) for place in places for pattern in patterns)


def not_built() -> Iterator[str]:
    """What was not asked for, as CPython's configure knows."""
    for module, needed_by in _ASKED_FOR.items():
        if sysconfig.get_config_var(f"MODULE_{module.upper()}_STATE") != "yes":
            yield from needed_by


def differences(patterns: list[str]) -> Iterator[str]:
    """The modules that do not import."""
    for name in sorted(sys.stdlib_module_names - _ELSEWHERE - {*not_built()}):
        if name in ("antigravity", "this") or pruned(name, patterns):  # those two only do tricks
            continue
        try:
            importlib.import_module(name)
        except Exception as problem:  # whatever an import raises, the module is of no use
            yield from differs(f"module {name}", "imports", f"{type(problem).__name__}: {problem}")


end(differences(sys.argv[1:]))
