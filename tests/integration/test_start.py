"""The start script on a bare machine: a user without rights, who has Python and coreutils, nothing else."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.checkout import Run, copy_of_this

pytestmark = pytest.mark.needs("root", "python")

USER = "prt-start-test"
NO_INDEX = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": "/dev/null", "PIP_RETRIES": "1"}
LACKS_ENSUREPIP = 'case "$*" in *ensurepip* | *pip*) exit 1 ;; esac; exec /usr/bin/python3 "$@"'
TOO_OLD = '[ "$1" = --version ] || exit 1; echo Python 3.9.2'


@dataclass(frozen=True)
class Bare:
    """A clone of that user's, in a folder whose name is awkward, and a PATH."""

    root: Path
    path: Path

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        """Start the script."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))}
        return subprocess.Popen(
            [self.root / "nox", *args], cwd="/", user=USER, group=USER, extra_groups=[], text=True, encoding="utf-8",
            env={**kept, "HOME": str(self.root.parent), "PATH": str(self.path), **env},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def nox(self, *args: str, **env: str) -> Run:
        """Run it to its end."""
        process = self.start(*args, **env)
        text, _ = process.communicate(timeout=300)
        return Run(process.returncode, text)

    def instead_of_python(self, name: str, script: str) -> Bare:
        """The same where `python3` is that script."""
        folder = self.root.parent / name
        shutil.copytree(self.path, folder, symlinks=True)
        (folder / "python3").unlink()
        (folder / "python3").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "python3").chmod(0o755)
        return Bare(self.root, folder)

    def environments(self) -> list[str]:
        """What is in .nox."""
        return sorted(path.name for path in (self.root / ".nox").glob("*"))


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """The home of a fresh user, and a folder `bin` of Python and coreutils in it."""
    subprocess.run(["userdel", "--remove", USER], check=False, capture_output=True)  # of a run that was killed
    subprocess.run(["useradd", "--create-home", USER], check=True)
    home = Path(f"~{USER}").expanduser()
    (home / "bin").mkdir()
    for program in "cat cut df dirname mkdir mv rm sha256sum tail uname".split():
        (home / "bin" / program).symlink_to(shutil.which(program) or program)
    (home / "bin" / "python3").symlink_to("/usr/bin/python3")
    yield home
    subprocess.run(["userdel", "--remove", USER], check=True, capture_output=True)


@pytest.fixture(scope="module")
def bare(home: Path) -> Bare:
    """The clone; tests leave its environment to those that follow, or remove it."""
    root = home / "a clone für uns"
    root.mkdir()
    copy_of_this(root)
    subprocess.run(["chown", "--recursive", f"{USER}:{USER}", home], check=True)
    return Bare(root, home / "bin")


@pytest.fixture
def new(bare: Bare) -> Bare:
    """The clone before its first run."""
    shutil.rmtree(bare.root / ".nox", ignore_errors=True)
    return bare


def failure(run: Run) -> str:
    """The one sentence of a failed start."""
    said = [line for line in run.fails().splitlines() if "making an environment" not in line]
    assert len(said) == 1, run.text
    return said[0]


def test_killed_while_it_makes_the_environment_the_next_two_at_once_both_start(new: Bare) -> None:
    first = new.start("-s", "help")
    while not list(new.root.glob(".nox/new-*/lib/*/site-packages/pip")):
        assert first.poll() is None
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert [name[:4] for name in new.environments()] == ["new-"]
    both = [new.start("-s", "help"), new.start("-s", "help")]
    texts = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], texts
    assert all("runtime" in text for text in texts)
    assert [name[:6] for name in new.environments()] == ["start-"]


def test_later_runs_ask_no_index_and_take_less_than_a_second(bare: Bare) -> None:
    bare.nox("-s", "help").succeeds()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "making an environment" not in bare.nox("-s", "help", **NO_INDEX).succeeds()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Of the processor: the machine that runs the tests has other work.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime <= 1.0


def test_another_lock_gets_another_environment_and_no_file_of_another_digest(bare: Bare) -> None:
    bare.nox("-s", "help").succeeds()
    before = bare.environments()
    lock = bare.root / "requirements.txt"
    text = lock.read_text()
    pin = next(line for line in text.splitlines() if line.startswith("argcomplete=="))
    lock.write_text(f"{pin}\n    --hash=sha256:{'0' * 64}\n")
    try:
        assert "don't trust it" in failure(bare.nox("-s", "help"))
    finally:
        lock.write_text(text)
    assert bare.environments() == sorted([*before, "start.log"])


def test_pips_configuration_applies_and_where_no_index_answers_one_sentence_says_so(new: Bare) -> None:
    assert failure(new.nox("-s", "help", **NO_INDEX)).startswith("nox: no package index answers")
    assert "NewConnectionError" in (new.root / ".nox" / "start.log").read_text()
    assert new.environments() == ["start.log"]


def test_without_ensurepip_pip_and_uv_it_names_what_to_install(new: Bare) -> None:
    said = failure(new.instead_of_python("no-ensurepip", LACKS_ENSUREPIP).nox("-s", "help"))
    assert said.startswith("nox: python3 has no ensurepip")
    assert "apt-get install python3-venv" in said


def test_a_python_that_is_too_old_is_named_with_its_version(new: Bare) -> None:
    said = failure(new.instead_of_python("too-old", TOO_OLD).nox("-s", "help"))
    assert said.startswith("nox: Python 3.11 or newer is needed, and this machine has Python 3.9.2: ")


def test_a_checkout_that_can_not_be_written_to_is_named(new: Bare) -> None:
    new.root.chmod(0o555)
    try:
        assert failure(new.nox("-s", "help")) == f"nox: this user can't write to {new.root}/.nox"
    finally:
        new.root.chmod(0o755)


@pytest.mark.needs("debian")
def test_the_script_is_plain_posix() -> None:
    script = Path(__file__).parents[2] / "nox"
    subprocess.run(["shellcheck", script], check=True)
    subprocess.run(["checkbashisms", "--posix", script], check=True)
