"""Folders for what is not finished: each is locked while its process lives; what nobody holds any more is removed."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.errors import UserError


@dataclass(frozen=True)
class WorkFolder:
    """A folder of this process. A child that inherits the descriptor `lock` holds it as well while it lives."""

    path: Path
    lock: int


@contextmanager
def work_folder(scratch: Path, kind: str) -> Iterator[WorkFolder]:
    """A new folder `kind`-… below `scratch`, which is removed at the end, however the end comes."""
    scratch.mkdir(parents=True, exist_ok=True)
    while True:
        folder = Path(tempfile.mkdtemp(dir=scratch, prefix=f"{kind}-"))
        descriptor = lock(folder)
        if descriptor is not None:  # else another process, which removes abandoned folders, was quicker
            break
    try:
        yield WorkFolder(folder, descriptor)
    finally:
        try:
            remove_tree(folder)
        finally:
            unlock(descriptor)


@contextmanager
def fresh_folder(scratch: Path, kind: str, say: Callable[[str], None]) -> Iterator[Path]:
    """Its path, after the folders of that kind that killed processes left were removed."""
    remove_abandoned(scratch, kind, say)
    with work_folder(scratch, kind) as folder:
        yield folder.path


def remove_abandoned(
    scratch: Path, kind: str, say: Callable[[str], None], before: Callable[[Path], None] = lambda folder: None
) -> None:
    """Remove the folders of that kind that killed processes left; `before` sees each one first.

    What can't be removed is reported, and stays.
    """
    for folder in sorted(scratch.glob(f"{kind}-*")):
        descriptor = None
        try:
            descriptor = lock(folder)
            if descriptor is not None:
                before(folder)
                remove_tree(folder)
        except PermissionError:  # another user's
            pass
        except (OSError, UserError) as problem:
            say(f"note: {folder}, which a killed build left, stays: {problem}")
        finally:
            unlock(descriptor)


def lock(folder: Path, *, shared: bool = False) -> int | None:
    """Lock a folder; None if somebody else has it, or if it is gone. The kernel unlocks it when its holders have died.

    Raises OSError where the file system knows no locks.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), os.stat(folder, follow_symlinks=False)):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def unlock(descriptor: int | None) -> None:
    """Give a lock back, for children that inherited it as well."""
    if descriptor is not None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all in it; UserError if something is mounted there, and then nothing is removed."""
    nothing_mounted(folder)
    try:
        shutil.rmtree(folder)
    except PermissionError:  # the owner of a folder may make it read-only, and writable again
        for path, folders, _ in os.walk(folder):
            for name in folders:
                if not Path(path, name).is_symlink():
                    Path(path, name).chmod(0o700)
        shutil.rmtree(folder)


def nothing_mounted(folder: Path, *, below: bool = False) -> None:
    """Raise UserError if a file system, or a folder of elsewhere, is mounted at a folder or `below` it only."""
    real = folder.resolve()
    for point in mounts():
        if real in point.parents or (point == real and not below):
            raise UserError(f"{point} is a mount point, and what is in it is not ours to remove", f"umount {point}")


def mounts() -> Iterator[Path]:
    """Where something is mounted, as this process sees it: https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html"""
    table = Path("/proc/self/mountinfo")
    for line in table.read_text(errors="surrogateescape").splitlines() if table.exists() else ():
        yield Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), line.split(" ")[4]))
