"""PRT_ROOT on this machine: one build at a time has it, a killed one's is put back, and a user's is never touched."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pytest

from builder import work
from builder.engines import prt_root
from builder.engines.host import HostEngine
from builder.engines.prt_root import MARK, NOTE, mount_point, put_back
from builder.errors import UserError
from builder.targets import Arch
from builder.work import remove_abandoned
from tests.support.factories import NO_NETWORK

# A build that is killed after it wrote half a tree.
KILLED = """
import os, subprocess, sys
from pathlib import Path, PurePosixPath
from builder.engines import prt_root
from builder.work import work_folder
root, scratch, how = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
with work_folder(scratch, "stage") as work, getattr(prt_root, how)(root, work.path, print) as lock:
    if how == "taken":
        (root / "lib").mkdir()
        (root / "lib" / "half").touch()
        (root / "link").symlink_to(sys.argv[4])
    if len(sys.argv) > 5:
        subprocess.Popen(["cat"], pass_fds=[work.lock, lock])
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """PRT_ROOT; neither it nor its parent is there."""
    return tmp_path / "a" / "prt"


def killed(root: Path, scratch: Path, how: str = "taken", survivor: int | None = None) -> None:
    """Kill a build; with `survivor`, one of its processes lives on until that input ends."""
    precious = scratch.parent / "precious"
    precious.mkdir(exist_ok=True)
    (precious / "file").touch()
    args = [sys.executable, "-c", KILLED, str(root), str(scratch), how, str(precious), *(["cat"] if survivor else [])]
    assert subprocess.run(args, stdin=survivor, check=False).returncode == -9


@contextmanager
def build(root: Path, scratch: Path) -> Iterator[list[str]]:
    """A build, from its start on; yields what it said."""
    said: list[str] = []
    engine = HostEngine(PurePosixPath(root), scratch, NO_NETWORK, say=said.append)
    engine.remove_abandoned()
    with engine.workplace(Arch.native()):
        yield said


def test_what_is_made_has_the_mode_of_the_archive_whatever_the_umask(root: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with build(root, tmp_path / "work"):
            modes = [path.stat().st_mode & 0o777 for path in (root, root.parent)]
    finally:
        os.umask(before)
    assert modes == [0o755, 0o755]


def refused(root: Path, scratch: Path) -> str:
    with pytest.raises(UserError) as problem, build(root, scratch):
        pass
    return str(problem.value)


@pytest.mark.parametrize("how", ["taken", "mount_point"])
def test_what_a_killed_build_left_is_put_back_at_the_next_start(tmp_path: Path, root: Path, how: str) -> None:
    killed(root, tmp_path / "work", how)
    assert root.is_dir()
    with build(root, tmp_path / "work") as said:
        assert [path.name for path in root.iterdir()] == [MARK]
    assert said == []
    assert not root.parent.exists()
    assert (tmp_path / "precious" / "file").exists()
    assert [*(tmp_path / "work").iterdir()] == []


def test_what_a_killed_build_left_is_emptied_once_the_last_of_its_processes_has_ended(
    tmp_path: Path, root: Path
) -> None:
    reading, writing = os.pipe()
    killed(root, tmp_path / "work", survivor=reading)
    os.close(reading)
    threading.Timer(0.5, os.close, [writing]).start()
    with build(root, tmp_path / "work") as said:
        assert [path.name for path in root.iterdir()] == [MARK]
    [waited] = said
    assert waited.startswith(f"PRT_ROOT={root}: another build")
    assert not root.parent.exists()
    assert [*(tmp_path / "work").iterdir()] == []


def test_the_note_of_a_killed_build_stays_while_another_build_looks_at_what_it_left(tmp_path: Path, root: Path) -> None:
    killed(root, tmp_path / "work")
    said: list[str] = []
    (tmp_path / "proof").mkdir()
    with mount_point(root, tmp_path / "proof", print):
        remove_abandoned(tmp_path / "work", "stage", said.append, before=put_back)
    assert (root / "lib" / "half").exists()
    [stays] = said
    assert f"PRT_ROOT={root} is in use" in stays
    with build(root, tmp_path / "work"):
        pass
    assert not root.exists()


def test_a_folder_that_a_killed_build_made_goes_even_if_another_build_used_it_since(tmp_path: Path, root: Path) -> None:
    killed(root, tmp_path / "work")
    subprocess.run(f"rm -r {root}/*", shell=True, check=True)  # or the other build would refuse it
    with build(root, tmp_path / "other"):
        remove_abandoned(tmp_path / "work", "stage", list[str]().append, before=put_back)
    assert root.is_dir()
    with build(root, tmp_path / "work"):
        pass
    assert not root.exists()
    assert [*(tmp_path / "work").iterdir()] == []


def test_a_folder_of_the_user_that_a_killed_build_used_is_emptied_and_stays(tmp_path: Path, root: Path) -> None:
    root.mkdir(parents=True)
    killed(root, tmp_path / "work")
    with build(root, tmp_path / "work"):
        pass
    assert [*root.iterdir()] == []


@pytest.mark.parametrize("removed", ["folder", "content"])
def test_what_a_user_installed_where_a_killed_build_was_is_kept(tmp_path: Path, root: Path, removed: str) -> None:
    killed(root, tmp_path / "work")
    subprocess.run(f"rm -r {root}" if removed == "folder" else f"rm -r {root}/*", shell=True, check=True)
    root.mkdir(exist_ok=True)
    (root / "data").write_text("mine")
    assert refused(root, tmp_path / "work").startswith(f"PRT_ROOT={root} is not empty")
    assert (root / "data").read_text() == "mine"


@pytest.mark.parametrize(
    "text", ["", "1234 /prt", "{}", '{"root": 1, "made": 2, "mark": 3}', "[" * 60_000, "x" * 70_000]
)
def test_a_note_that_says_nothing_empties_nothing_and_blocks_nobody(tmp_path: Path, root: Path, text: str) -> None:
    killed(root, tmp_path / "work")
    [note] = (tmp_path / "work").glob(f"*/{NOTE}")
    note.write_text(text)
    message = refused(root, tmp_path / "work")
    assert str(root / MARK) in message
    assert (root / "lib" / "half").exists()
    subprocess.run(f"rm -r {root}/*", shell=True, check=True)
    with build(root, tmp_path / "work"):
        pass


def test_the_mark_of_a_build_with_another_artifact_dir_is_named(tmp_path: Path, root: Path) -> None:
    killed(root, tmp_path / "work")
    assert f"{root / MARK} says that a build left it" in refused(root, tmp_path / "other")
    assert str(tmp_path / "work") in (root / MARK).read_text()
    assert (root / "lib" / "half").exists()


def test_a_mark_alone_as_a_full_disk_leaves_it_is_in_nobodys_way(tmp_path: Path, root: Path) -> None:
    root.mkdir(parents=True)
    (root / MARK).touch()
    with build(root, tmp_path / "work"):
        pass
    assert [*root.iterdir()] == []


def test_two_builds_wait_for_each_other_wherever_their_artifacts_go(tmp_path: Path, root: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with build(root, tmp_path / "two" / "work") as said:
            order.append("second")
            order.extend(said)

    thread = threading.Thread(target=second)
    with build(root, tmp_path / "one" / "work"):
        (root / "half").touch()
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        assert (root / "half").exists()
        order.append("first")
    thread.join(10)
    assert order[:2] == ["first", "second"]
    assert order[2].startswith(f"PRT_ROOT={root}: another build (process ")
    assert not root.parent.exists()


def test_a_folder_that_goes_between_our_look_and_our_lock_is_made_and_removed_by_us(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.mkdir(parents=True)  # by another build, which ends right after we saw it
    write = prt_root._Note.write

    def the_other_ends(note: prt_root._Note, folder: Path) -> None:
        write(note, folder)
        if root.exists():
            root.rmdir()

    monkeypatch.setattr(prt_root._Note, "write", the_other_ends)
    with build(root, tmp_path / "work"):
        assert root.is_dir()
    assert not root.exists()
    assert root.parent.is_dir()


def test_a_folder_that_we_made_and_another_build_locked_first_is_removed_by_us(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, looks = work.lock, iter([True])

    def another_is_quicker(folder: Path, *, shared: bool = False) -> int | None:
        return None if folder == root and next(looks, False) else lock(folder, shared=shared)

    monkeypatch.setattr(work, "lock", another_is_quicker)
    with build(root, tmp_path / "work") as said:
        assert len(said) == 1
    assert not root.parent.exists()


def test_proofs_share_a_folder_that_is_there_to_stay(tmp_path: Path, root: Path) -> None:
    root.mkdir(parents=True)
    (root / "theirs").touch()
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with mount_point(root, tmp_path / "one", print), mount_point(root, tmp_path / "two", print):
        pass
    assert [path.name for path in root.iterdir()] == ["theirs"]


@pytest.mark.needs("root")
def test_what_is_mounted_in_a_killed_builds_folder_is_refused_by_name_and_kept(tmp_path: Path, root: Path) -> None:
    killed(root, tmp_path / "work")
    (root / "home").mkdir()
    subprocess.run(["mount", "--bind", tmp_path / "precious", root / "home"], check=True)
    try:
        assert f"{root}/home is a mount point" in refused(root, tmp_path / "work")
        assert (tmp_path / "precious" / "file").exists()
        assert (root / "lib" / "half").exists()
    finally:
        subprocess.run(["umount", root / "home"], check=True)
    with build(root, tmp_path / "work"):
        pass
    assert not root.parent.exists()
