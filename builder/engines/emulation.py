"""What runs programs of a foreign architecture on this machine: qemu, registered with the kernel (binfmt_misc)."""

from __future__ import annotations

import re
from pathlib import Path

from builder import command
from builder.errors import BuildError, UserError
from builder.targets import Arch


def registered(arch: Arch) -> Path:
    """Where the kernel says what runs an architecture's programs."""
    return Path(f"/proc/sys/fs/binfmt_misc/qemu-{arch.machine}")


def check(arch: Arch) -> None:
    """Raise UserError unless programs of that architecture run here, in any root file system."""
    if arch is Arch.native():
        return
    try:
        text = registered(arch).read_text()
    except OSError:
        text = ""
    # With flag F the kernel keeps the emulator open: no root file system needs a copy of it.
    if not re.search(r"^enabled$", text, re.MULTILINE) or not re.search(r"^flags: \w*F", text, re.MULTILINE):
        raise UserError(
            f"this machine can't run {arch.value}: no emulator is registered", "apt-get install qemu-user-static"
        )


def version(arch: Arch) -> str:
    """The emulator with its version, such as `qemu 10.0.2`, where this machine can say; else `qemu`."""
    try:
        interpreter = re.search(r"^interpreter (.+)$", registered(arch).read_text(), re.MULTILINE)
        found = re.search(r"version (\S+)", command.output([interpreter[1], "--version"])) if interpreter else None
    except (OSError, BuildError):
        found = None
    return f"qemu {found[1]}" if found else "qemu"
