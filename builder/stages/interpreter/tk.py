"""Tcl and Tk in the runtime: two libraries next to libpython, which bring the scripts along that they read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from builder.stages.interpreter.compiler import DEPS, CrossCompiler
from builder.stages.interpreter.configure import LINKER, build_python
from builder.stages.interpreter.cpython import CPython
from builder.stages.interpreter.tk_recipes import TCL, TCL_SCRIPTS, TK, TK_SCRIPTS
from builder.stages.stage import WORK, Step

# RPATH, which comes before LD_LIBRARY_PATH: from lib/python3.14/lib-dynload to lib.
_SEARCH_PATH = ("-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN/../..")
_ZIP = f"{WORK}/tcl.zip"


def add_tk(cpython: CPython, target: CrossCompiler, prt_root: PurePosixPath) -> Iterator[Step]:
    """Install both, and link the module to them again: by the search path it finds them wherever the runtime is."""
    if not cpython.tk:
        return
    lib = f"{prt_root}/lib"
    yield Step("install Tcl and Tk", ("install", "-m755", "-t", lib, f"{DEPS}/lib/{TCL}", f"{DEPS}/lib/{TK}"))
    # Tcl looks for a zip file behind its own library, wherever that is, and for Tk's scripts next to its own.
    scripts = (f"{DEPS}/{TCL_SCRIPTS}", f"{DEPS}/{TK_SCRIPTS}")
    pack = (build_python(cpython), "-I", "-B", "-m", "zipfile", "--create", _ZIP, *scripts)
    yield Step("pack scripts of Tcl and Tk", pack, {"TZ": "UTC"})
    yield Step("put them behind Tcl", ("sh", "-c", 'cat "$1" >> "$2"', "sh", _ZIP, f"{lib}/{TCL}"))
    tree = f"{WORK}/build/{cpython.package}/Modules"
    objects, libraries = (f"{tree}/_tkinter.o", f"{tree}/tkappinit.o"), (f"-L{DEPS}/lib", f"-l:{TK}", f"-l:{TCL}")
    module = f"{prt_root}/{cpython.module('_tkinter', target.triple)}"
    args = (target.compiler, "-shared", *LINKER, *_SEARCH_PATH, *objects, *libraries, "-o", module)
    yield Step("link tkinter to them", args)
