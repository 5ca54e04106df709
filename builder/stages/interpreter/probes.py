"""CPython's probes for bpftrace, SystemTap and the like: as long as nobody watches, a probe is an empty instruction."""

from __future__ import annotations

from collections.abc import Iterator

from builder.stages.interpreter.compiler import TOOLS
from builder.stages.stage import WORK, File, Step
from builder.targets import Arch

PROGRAM = f"{TOOLS}/dtrace"
# Configure empties DTRACE before it looks for the program.
ANSWER = {"ac_cv_path_DTRACE": PROGRAM}

_SYSROOT = f"{WORK}/sysroot/usr"
_HEADERS = f"{_SYSROOT}/include/x86_64-linux-gnu/sys"


def options(arch: Arch) -> tuple[str, ...]:
    """What configure gets. The pinned headers are found for amd64 only, where what defines the probes is compiled."""
    return ("--with-dtrace",) if arch is Arch.AMD64 else ()


def dtrace(arch: Arch, python: str) -> Iterator[File]:
    """The program that makes a header of CPython's list of probes; it is written in Python."""
    if options(arch):
        # By its own place it finds both, wherever the work folder is.
        interpreter, script = (path.replace(WORK, "${0%/*}/..") for path in (python, f"{_SYSROOT}/bin/dtrace"))
        text = f'#!/bin/sh\nexec "{interpreter}" -I "{script}" "$@"\n'
        yield File("tools/dtrace", text.encode(), executable=True)


def take_headers(arch: Arch) -> Iterator[Step]:
    """Have what that header includes where only CPython's own files look."""
    if options(arch):
        headers = (f"{_HEADERS}/{name}" for name in ("sdt.h", "sdt-config.h"))
        place = f"--target-directory={WORK}/include/sys"
        yield Step("take headers of probes", ("install", "-D", "--mode=644", place, *headers))
