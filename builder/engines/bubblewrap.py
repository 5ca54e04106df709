"""Bubblewrap: how it is started on this machine, and why it can't be where namespaces are forbidden."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builder import command
from builder.errors import BuildError, UserError
from builder.targets import Arch

# Every namespace but the network's, which a step that downloads shares with this machine.
_APART = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "builder", "--die-with-parent")
_AS_ROOT = ("--unshare-user", "--uid", "0", "--gid", "0")
# In a chroot the root is not a mount point, and the kernel changes no other (pivot_root(2)): this makes it one.
_FROM_CHROOT = (
    "unshare", "--mount", "--propagation", "unchanged", "sh", "-c",
    'mount --rbind / "$0" && exec chroot "$0" "$@"',
)  # fmt: skip
# What switches user namespaces off where it is 0, and a value that switches them on.
_SWITCHES = {"user.max_user_namespaces": 10000, "kernel.unprivileged_userns_clone": 1}
_RESTRICTED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")


@dataclass(frozen=True)
class Bubblewrap:
    """What begins every command line: the program, and the flags that make us root inside."""

    start: tuple[str, ...]

    def command(self, mounts: tuple[str, ...], args: list[str], cwd: str, network: bool) -> list[str]:
        """The command line that runs `args` in a root file system of these mounts."""
        net = () if network else ("--unshare-net",)
        return [*self.start, *_APART, *net, *mounts, "--chdir", cwd, "--", *args]


def find(own: Callable[[], Path], scratch: Path) -> Bubblewrap:
    """Bubblewrap as it works here: this system's, which alone has the permission on some (Ubuntu), else the one in
    the root file system that `own` unpacks. UserError with what to do where none works.
    """
    installed = shutil.which("bwrap")
    program = (installed,) if installed else _by_its_own_loader(own())
    said = ""
    for start in _ways(program, scratch):
        found = Bubblewrap(start)
        said = _tried(found)
        if not said:
            return found
    raise UserError(*_explained(said, bool(installed)))


def demand() -> None:
    """Raise UserError where this machine allows no sandbox, as far as that shows before anything is fetched."""
    try:
        with tempfile.TemporaryDirectory() as scratch:
            find(_no_tree, Path(scratch))
    except _NotInstalled:
        if os.geteuid() and _off():
            raise UserError(*_explained("", False)) from None


def forbidden() -> str:
    """Why this machine allows no sandbox, as far as that shows before anything is fetched; empty if it may."""
    try:
        demand()
    except UserError as problem:
        return problem.message
    return ""


class _NotInstalled(Exception):
    pass


def _no_tree() -> Path:
    raise _NotInstalled


def _by_its_own_loader(tree: Path) -> tuple[str, ...]:
    libraries = tree / "usr" / "lib" / f"{Arch.native().machine}-linux-gnu"
    loader = next(libraries.glob("ld-linux-*.so.*"))
    return (str(loader), "--library-path", str(libraries), str(tree / "usr" / "bin" / "bwrap"))


def _ways(program: tuple[str, ...], scratch: Path) -> Iterator[tuple[str, ...]]:
    """The ways to start it, the least privileged first."""
    yield (*program, *_AS_ROOT)
    if os.geteuid() == 0:
        yield program
        root = scratch / "chroot"
        root.mkdir(exist_ok=True)
        yield (*_FROM_CHROOT, str(root), *program)


@functools.cache
def _tried(bubblewrap: Bubblewrap) -> str:
    """What it says when it can't do what a step needs; empty if it can."""
    mounts = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp")
    python = os.path.realpath(sys.executable)
    try:
        command.output(bubblewrap.command(mounts, [python, "-I", "-S", "-c", ""], "/", network=False))
    except (BuildError, OSError) as problem:
        return str(problem).splitlines()[-1]
    return ""


def _off() -> str:
    """The setting that switches user namespaces off; empty if none does."""
    for setting in _SWITCHES:
        try:
            if Path("/proc/sys", *setting.split(".")).read_text().strip() == "0":
                return setting
        except OSError:
            continue
    return ""


def _explained(said: str, installed: bool) -> tuple[str, str]:
    """The message and the hint for what bubblewrap said."""
    off = _off()
    if off:
        message = f"no sandbox here: user namespaces are switched off ({off}=0)"
        return message, f"sudo sysctl {off}={_SWITCHES[off]}, or ENGINE=docker"
    try:
        restricted = _RESTRICTED.read_text().strip() == "1"
    except OSError:
        restricted = False
    if restricted and not installed:
        return "no sandbox here: AppArmor allows user namespaces to installed programs", "apt-get install bubblewrap"
    hint = "in a container give it --privileged, or build with ENGINE=docker or ENGINE=host"
    return f"no sandbox here, because namespaces are forbidden: {said}", hint


def read_only(tree: Path, prt_root: PurePosixPath) -> tuple[str, ...]:
    """The mounts of an unpacked root file system that nobody changes, with room for what steps need to write."""
    mounts: list[str] = []
    for entry in sorted(tree.iterdir()):
        inside = f"/{entry.name}"
        if entry.is_symlink():
            mounts += ["--symlink", str(entry.readlink()), inside]
        elif any(entry.iterdir()):
            mounts += ["--ro-bind", str(entry), inside]
        else:
            mounts += ["--dir", inside]
    if prt_root.is_relative_to("/usr/local"):
        mounts += ["--tmpfs", "/usr/local"]
    return (*mounts, *system())


def system() -> tuple[str, ...]:
    """What every root file system gets: devices, processes, room for temporary files, and how to find other hosts."""
    own = (word for name in ("resolv.conf", "hosts") for word in ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}"))
    return ("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/run", "--tmpfs", "/var/tmp", *own)
