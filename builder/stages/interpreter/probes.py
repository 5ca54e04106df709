"""CPython's probes for bpftrace, SystemTap and the like: as long as nobody watches, a probe is an empty instruction."""

from __future__ import annotations

from builder.stages.interpreter.compiler import TOOLS
from builder.stages.stage import WORK, File

OPTION = "--with-dtrace"
PROGRAM = f"{TOOLS}/dtrace"
# Nothing refers to the section that says where the notes of probes count from, and gdb reads none without it.
LINKER = "-Wl,-u,_.stapsdt.base"
# Configure empties DTRACE before it looks for the program. To see whether probes need an object file of their own, as
# they do on Linux, it would compile one.
ANSWERS = {"ac_cv_path_DTRACE": PROGRAM, "ac_cv_dtrace_link": "yes"}


def dtrace(python: str) -> File:
    """The program that makes a header of CPython's list of probes; it is written in Python."""
    # By its own place it finds both, wherever the work folder is.
    interpreter, script = (path.replace(WORK, "${0%/*}/..") for path in (python, f"{WORK}/sysroot/usr/bin/dtrace"))
    text = f'#!/bin/sh\nexec "{interpreter}" -I "{script}" "$@"\n'
    return File("tools/dtrace", text.encode(), executable=True)
