"""What was added to a tree after it was packed, repaired once the tree is somewhere else."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.inside.movable.added import former, repair

SITE = "lib/python3.99/site-packages"
SAY = "import sys; print(sys.prefix)\n"
pytestmark = pytest.mark.needs("sh")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A runtime whose interpreter is this one."""
    root = tmp_path / "old"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "python3").symlink_to(os.path.realpath(sys.executable))
    (root / "manifest.json").write_text("{}")
    return root


def script(path: Path, first: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(first + SAY)
    path.chmod(0o755)
    return path


def venv(root: Path, *options: str) -> Path:
    """An environment in the tree, as the tree's own interpreter makes one, with a command."""
    folder = root / "apps" / "x"
    base = os.path.realpath(sys.executable)
    subprocess.run([base, "-m", "venv", "--without-pip", *options, str(folder)], check=True)
    config = folder / "pyvenv.cfg"
    config.write_text(config.read_text().replace(os.path.dirname(base), f"{root}/bin"))
    for link in (folder / "bin").iterdir():
        if link.is_symlink() and os.readlink(link) == base:
            link.unlink()
            link.symlink_to(root / "bin" / "python3")
    script(folder / "bin" / "say", f"#!{folder}/bin/python3\n")
    return folder.relative_to(root)


def moved(root: Path) -> Path:
    elsewhere = root.parent / "a b" / "ü"
    elsewhere.parent.mkdir()
    return root.rename(elsewhere)


def said(*command: Path | str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


LONG_FORM = "#!/bin/sh\n'''exec' \"{}/bin/python3\" \"$0\" \"$@\"\n' '''\n"


@pytest.mark.parametrize("first", ["#!{}/bin/python3\n", "#!{}/bin/python3 -s\n", LONG_FORM])
def test_a_command_that_pip_installed_works_again_and_its_record_holds(root: Path, first: str) -> None:
    script(root / "bin" / "say", first.format(root))
    record = root / SITE / "x-1.dist-info" / "RECORD"
    record.parent.mkdir(parents=True)
    record.write_text("../../../bin/say,sha256=old,1\n")
    there = moved(root)
    with pytest.raises((OSError, subprocess.CalledProcessError)):
        said(there / "bin" / "say")
    assert former(there) == [root]
    assert repair(there) == [there / "bin" / "say"]
    assert said(there / "bin" / "say") == said(there / "bin" / "python3", "-c", SAY)
    assert f",{(there / 'bin' / 'say').stat().st_size}\n" in (there / SITE / "x-1.dist-info" / "RECORD").read_text()
    assert (former(there), repair(there)) == ([], [])


@pytest.mark.parametrize("options", [[], ["--copies"]], ids=["links", "copies"])
def test_an_environment_works_again(root: Path, options: list[str]) -> None:
    name = venv(root, *options)
    there = moved(root)
    with pytest.raises((OSError, subprocess.CalledProcessError)):
        said(there / name / "bin" / "say")
    repair(there)
    assert said(there / name / "bin" / "say") == f"{there}/{name}"
    for shell in ("activate", "activate.csh", "activate.fish"):
        assert str(root) not in (there / name / "bin" / shell).read_text()
    assert former(there) == []


def test_what_was_repaired_before_a_move_needs_nothing_after_it(root: Path) -> None:
    name = venv(root)
    script(root / "bin" / "say", f"#!{root}/bin/python3\n")
    assert former(root) == []
    repair(root)
    there = moved(root)
    assert former(there) == []
    assert said(there / name / "bin" / "say") == f"{there}/{name}"
    said(there / "bin" / "say")


def test_a_copy_of_a_runtime_no_longer_starts_the_other(root: Path) -> None:
    script(root / "bin" / "say", f"#!{root}/bin/python3\n")
    there = root.parent / "copy"
    shutil.copytree(root, there, symlinks=True)
    assert former(there) == [root]
    assert repair(there) == [there / "bin" / "say"]
    assert (root / "bin" / "say").read_text() == f"#!{root}/bin/python3\n{SAY}"


def of_the_system(root: Path) -> None:
    (root.parent / "usr" / "bin").mkdir(parents=True)
    (root.parent / "usr" / "bin" / "python3").touch()
    script(root / "bin" / "say", f"#!{root.parent}/usr/bin/python3\n")


def of_a_name_that_the_runtime_has_not(root: Path) -> None:
    script(root / "bin" / "say", "#!/gone/bin/python2.7\n")


def by_env(root: Path) -> None:
    script(root / "bin" / "say", "#!/usr/bin/env python3\n")


def a_venv_of_another(root: Path) -> None:
    folder = root.parent / "usr"
    of_the_system(root)
    (root / "apps").mkdir()
    (root / "apps" / "pyvenv.cfg").write_text(f"home = {folder}/bin\n")


@pytest.mark.parametrize("add", [of_the_system, of_a_name_that_the_runtime_has_not, by_env, a_venv_of_another])
def test_what_starts_another_python_stays_as_it_is(root: Path, add: Callable[[Path], None]) -> None:
    add(root)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert repair(root) == []
    assert {path: path.read_bytes() for path in before} == before


def test_a_copy_that_shares_its_files_leaves_those_of_the_other_as_they_are(root: Path) -> None:
    """As `cp -al` makes one."""
    command = script(root / "bin" / "say", f"#!{root}/bin/python3\n")
    command.chmod(0o4711)
    there = root.parent / "copy"
    shutil.copytree(root, there, symlinks=True, copy_function=os.link)
    assert repair(there) == [there / "bin" / "say"]
    assert command.read_text() == f"#!{root}/bin/python3\n{SAY}"
    assert (there / "bin" / "say").stat().st_mode == command.stat().st_mode
    assert sorted(path.name for path in (there / "bin").iterdir()) == ["python3", "say"]


def test_a_link_to_a_file_elsewhere_is_not_followed(root: Path, tmp_path: Path) -> None:
    name = venv(root)
    activate, elsewhere = root / name / "bin" / "activate", tmp_path / "elsewhere"
    text = activate.read_text()
    activate.rename(elsewhere)
    activate.symlink_to(elsewhere)
    repair(moved(root))
    assert elsewhere.read_text() == text


def test_a_full_disk_leaves_the_command_that_was_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = script(root / "bin" / "say", f"#!{root}/bin/python3\n")
    text = command.read_text()

    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        repair(root)
    assert command.read_text() == text
    assert sorted(path.name for path in command.parent.iterdir()) == ["python3", "say"]


@pytest.mark.needs("root")
def test_what_root_repairs_stays_its_owners(root: Path) -> None:
    command = script(root / "bin" / "say", f"#!{root}/bin/python3\n")
    os.chown(command, 1234, 2345)
    repair(root)
    assert command.read_text() != f"#!{root}/bin/python3\n{SAY}"
    assert (command.stat().st_uid, command.stat().st_gid, command.stat().st_mode & 0o777) == (1234, 2345, 0o755)
