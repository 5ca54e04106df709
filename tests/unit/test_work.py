"""Work folders: gone at the end, kept while anybody of the process works in them, and removed when nobody does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.work import lock, mounts, remove_abandoned, remove_tree, unlock, work_folder

ROOT_ONLY = pytest.mark.needs("root")

# A process that makes a work folder and is killed in it, as by `kill -9`; `child` starts something that lives on.
KILLED = """
import os, subprocess, sys
from pathlib import Path
from builder.work import work_folder
with work_folder(Path(sys.argv[1]), "parts") as folder:
    (folder.path / "half").touch()
    if sys.argv[2:]:
        null = subprocess.DEVNULL
        print(subprocess.Popen(["sleep", "60"], pass_fds=[folder.lock], stdout=null, stderr=null).pid, flush=True)
    os.kill(os.getpid(), 9)
"""


def killed(scratch: Path, *args: str) -> int:
    """Have a process killed; returns the number of what it started."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(scratch), *args], capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    return int(done.stdout or 0)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def swept(scratch: Path) -> list[str]:
    """What is said while the abandoned are removed."""
    said: list[str] = []
    remove_abandoned(scratch, "parts", said.append)
    return said


def test_a_work_folder_is_gone_at_the_end_with_what_its_owner_made_read_only(tmp_path: Path) -> None:
    with work_folder(tmp_path / "scratch", "parts") as folder:
        (folder.path / "a").mkdir()
        (folder.path / "a" / "b").touch()
        (folder.path / "a").chmod(0o500)
    assert names(tmp_path / "scratch") == []


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    killed(tmp_path)
    assert len(names(tmp_path)) == 1
    assert swept(tmp_path) == []
    assert names(tmp_path) == []


def test_a_living_process_keeps_its_folder_and_other_kinds_are_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "stage-1").mkdir()
    with work_folder(tmp_path, "parts") as folder:
        swept(tmp_path)
        assert folder.path.is_dir()
    assert sorted(names(tmp_path)) == ["mine", "stage-1"]


def test_what_a_killed_process_started_keeps_the_folder_until_it_has_ended(tmp_path: Path) -> None:
    child = killed(tmp_path, "with a child")
    swept(tmp_path)
    assert len(names(tmp_path)) == 1
    os.kill(child, 9)
    while names(tmp_path):  # the kernel takes its time
        swept(tmp_path)


def test_a_lock_given_back_is_given_back_for_a_child_that_lives_on(tmp_path: Path) -> None:
    with work_folder(tmp_path, "parts") as folder:
        copy = os.dup(folder.lock)
    os.close(copy)
    held = lock(tmp_path)
    assert held is not None
    copy = os.dup(held)
    unlock(held)
    again = lock(tmp_path)
    unlock(again)
    os.close(copy)
    assert again is not None


def test_a_shared_lock_is_shared_and_nothing_else(tmp_path: Path) -> None:
    one, other, alone = lock(tmp_path, shared=True), lock(tmp_path, shared=True), lock(tmp_path)
    unlock(one)
    unlock(other)
    assert (one is None, other is None, alone is None) == (False, False, True)


def test_a_link_is_not_locked_and_so_never_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "parts-link").symlink_to(tmp_path / "precious")
    assert swept(tmp_path)
    assert sorted(names(tmp_path)) == ["parts-link", "precious"]


@ROOT_ONLY
def test_nothing_is_removed_where_something_is_mounted(tmp_path: Path) -> None:
    precious, folder = tmp_path / "precious", tmp_path / "parts-a b"
    precious.mkdir()
    (precious / "file").touch()
    (folder / "in").mkdir(parents=True)
    (folder / "other").touch()
    subprocess.run(["mount", "--bind", precious, folder / "in"], check=True)
    try:
        assert (folder / "in").resolve() in {*mounts()}
        with pytest.raises(UserError, match="is a mount point"):
            remove_tree(folder)
        [said] = swept(tmp_path)
        assert f"{folder / 'in'} is a mount point" in said
        assert (folder / "other").exists()
        assert (precious / "file").exists()
    finally:
        subprocess.run(["umount", folder / "in"], check=True)
    assert swept(tmp_path) == []
    assert names(tmp_path) == ["precious"]
