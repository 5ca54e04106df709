"""libpython, for programs that embed Python or are frozen: from the interpreter's own objects, next to the interpreter.

The interpreter does not use it: calls within one program are quicker than those through a library.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from builder.stages.interpreter.compiler import CrossCompiler
from builder.stages.interpreter.cpython import CPython
from builder.stages.stage import JOBS, WORK, Step
from builder.versions import series

PATTERN = "lib/libpython3*.so.1.0"
_STEP = "library_finds_home"


def definition(cpython: CPython) -> tuple[str, str]:
    """For python-build: a function that has the library search upwards from where it is, and its name as a step.

    CPython asks where the library is since 3.14, and then looks for a zip file only, which nobody has.
    """
    if series(cpython.version) < (3, 14):
        return "", ""
    edit = "s/search_up(library_dir, ZIP_LANDMARK)/search_up(library_dir, ZIP_LANDMARK, *STDLIB_LANDMARKS)/"
    return f"build_package_{_STEP}() {{ sed --in-place '{edit}' Modules/getpath.py; }}\n", f"{_STEP} "


def file_name(cpython: CPython) -> str:
    """The library's file name, such as `libpython3.14.so.1.0`."""
    return f"lib{cpython.binary}.so.1.0"


def shared_library(cpython: CPython, target: CrossCompiler, prt_root: PurePosixPath) -> Iterator[Step]:
    """Link the library in the build tree, and install it with the names that linkers look for."""
    tree = f"{WORK}/build/{cpython.package}"
    file = file_name(cpython)
    name = file.removesuffix(".1.0")
    # Functions call each other without a detour; data may be copied into the program that embeds.
    link = "BLDSHARED=$(CC) -shared -Wl,-Bsymbolic-functions $(PY_CORE_LDFLAGS)"
    # One file is compiled again: only in a library does it ask where that is.
    again = ("--what-if=Modules/getpath.c", "CFLAGSFORSHARED=-DPy_ENABLE_SHARED=1")
    make = ("make", f"-j{JOBS}", f"--directory={tree}", *again, link, f"INSTSONAME={file}", name)
    yield Step("link libpython", make)
    yield Step("install libpython", ("install", "-m", "755", f"{tree}/{file}", f"{prt_root}/lib/{file}"))
    # Those who look for a static library look into the second folder. No cached tree has a link with a whole path.
    config = f"{cpython.release.binary}/config-{cpython.branch}-{target.triple}"
    for link, found in ((name, file), (f"{config}/{name}", f"../../{file}")):
        yield Step(f"link {name}", ("ln", "-sf", found, f"{prt_root}/lib/{link}"))
