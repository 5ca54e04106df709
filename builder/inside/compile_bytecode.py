"""Compile every module below folders, so that bytecode is reproducible, by as many processes as there are processors.

Arguments: `unchecked-hash` or `checked-hash`, and the folders. Either stays valid when files get another date, as they
do in an archive; the second is compared with its source at every import. Files that are not valid Python (for example
templates) get none.

What a process has compiled before can show in what it compiles next: so each file has its share by its name, each share
is compiled in order by a process of its own, and their number is the same on every machine.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import subprocess
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

SHARES = 8


def modules(folders: list[str]) -> Iterator[str]:
    """The files below folders that are to be compiled, in order."""
    for folder in folders:
        for parent, inner, files in os.walk(folder):
            inner.sort()
            yield from (os.path.join(parent, name) for name in sorted(files) if name.endswith(".py"))


def compile_share(share: int, mode: str, folders: list[str]) -> None:
    """Compile the files of one share."""
    invalidation = py_compile.PycInvalidationMode[mode.replace("-", "_").upper()]
    for path in modules(folders):
        if zlib.crc32(os.fsencode(path)) % SHARES == share:
            compileall.compile_file(path, force=True, quiet=2, invalidation_mode=invalidation)


def compile_all(arguments: list[str]) -> None:
    """Have every share compiled."""
    command = (sys.executable, os.path.abspath(__file__), *arguments)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as processes:
        each = ((*command, f"--share={share}") for share in range(SHARES))
        for done in processes.map(subprocess.run, each):
            done.check_returncode()


if sys.argv[-1].startswith("--share="):
    compile_share(int(sys.argv[-1].removeprefix("--share=")), sys.argv[1], sys.argv[2:-1])
else:
    compile_all(sys.argv[1:])
