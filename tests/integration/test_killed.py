"""Builds that are killed, and builds at the same time: the next one is right, and nothing is left of any."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.engines.prt_root import MARK
from builder.targets import Arch
from tests.support.checkout import Checkout, copy_of_this
from tests.support.container import containers_of
from tests.support.patches import patched_copy

TARBALL = f"prt_v0_{Arch.native().value}.tgz"
PRT_ROOT = Path("/prt")
KILLS = 2  # of each engine, at other points in every run


def forget_artifacts(checkout: Checkout) -> None:
    """Have the next build make them again, even if one that was killed had just finished them."""
    shutil.rmtree(checkout.out / "cache" / "artifacts", ignore_errors=True)


def kill_somewhere(checkout: Checkout, chance: random.Random) -> int:
    """Kill a build a moment after one of its twenty lines, as `kill -9` does; returns the process's number."""
    for _ in range(5):
        forget_artifacts(checkout)
        with checkout.start("runtime") as process:
            assert process.stdout
            said = [process.stdout.readline() for _ in range(chance.randint(1, 14))]
            time.sleep(chance.random())
            process.kill()
        if process.returncode == -signal.SIGKILL:
            return process.pid
        assert process.returncode == 0, "".join(said)  # it was quicker
    raise AssertionError("each of five builds had ended before it was killed")


def until(line: str, process: subprocess.Popen[str]) -> str:
    assert process.stdout
    said = ""
    for said_now in process.stdout:
        said += said_now
        if said_now == line:
            return said
    raise AssertionError(said)


def until_nothing_is_left_of(killed: list[int]) -> None:
    """A step of a killed build may live on, and keeps the next one from putting PRT_ROOT back at its beginning."""
    deadline = time.monotonic() + 60
    while any(f"process {number}, " in marked() for number in killed):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def marked() -> str:
    try:
        return (PRT_ROOT / MARK).read_text()
    except FileNotFoundError:
        return ""


def end_of(process: subprocess.Popen[str]) -> str:
    text, _ = process.communicate(timeout=600)
    assert process.returncode == 0, text
    return text


def names(tarball: Path) -> list[str]:
    with tarfile.open(tarball) as archive:
        return archive.getnames()


@pytest.fixture
def chance() -> random.Random:
    """Chance that can be repeated: its seed is printed where a test fails."""
    seed = random.randrange(1 << 32)
    print(f"seed: {seed}")
    return random.Random(seed)


@pytest.mark.needs("docker")
def test_after_killed_builds_in_containers_two_at_once_are_right_and_nothing_is_left(
    docker_checkout: Checkout, tmp_path: Path, chance: random.Random
) -> None:
    checkout = patched_copy(tmp_path)
    checkout.take_cache(docker_checkout)
    killed = [kill_somewhere(checkout, chance) for _ in range(KILLS)]
    forget_artifacts(checkout)
    both = [checkout.start("runtime") for _ in range(2)]
    for process in both:
        end_of(process)
    assert names(checkout.out / TARBALL) == names(docker_checkout.out / TARBALL)
    assert checkout.half_written() == []
    assert [path.name for path in (checkout.out / "work").iterdir()] == ["CACHEDIR.TAG"]
    assert containers_of([*killed, *(process.pid for process in both)]) == []


@pytest.fixture
def neighbours(host_checkout: Checkout, tmp_path: Path) -> Iterator[tuple[Checkout, Checkout]]:
    """Two checkouts of one machine, which has one PRT_ROOT."""
    both = (copy_of_this(tmp_path / "one", **host_checkout.env), copy_of_this(tmp_path / "other", **host_checkout.env))
    for checkout in both:
        checkout.take_cache(host_checkout)
    yield both
    assert not PRT_ROOT.exists()


@pytest.mark.needs("host")
def test_after_killed_builds_on_this_machine_two_at_once_are_right_and_nothing_is_left(
    host_checkout: Checkout, neighbours: tuple[Checkout, Checkout], chance: random.Random
) -> None:
    killed = [kill_somewhere(neighbours[0], chance) for _ in range(KILLS)]
    forget_artifacts(neighbours[0])
    first = neighbours[0].start("runtime")
    said = until(f"{TARBALL}: to be built\n", first)
    until_nothing_is_left_of(killed)  # the other checkout has no note of them
    # Both need PRT_ROOT several times: a build that comes while the other has it waits.
    second = neighbours[1].start("runtime")
    said += end_of(first) + end_of(second)
    assert f"PRT_ROOT={PRT_ROOT}: another build (process " in said
    # A folder that was in use at the time is removed by the next one at the latest.
    neighbours[0].nox("runtime").succeeds()
    for checkout in neighbours:
        assert names(checkout.out / TARBALL) == names(host_checkout.out / TARBALL)
        assert checkout.half_written() == []
        assert [path.name for path in (checkout.out / "work").iterdir()] == ["CACHEDIR.TAG"]


@pytest.mark.needs("host")
def test_what_a_user_installs_where_a_killed_build_was_is_kept(host_checkout: Checkout, tmp_path: Path) -> None:
    checkout = copy_of_this(tmp_path / "checkout", **host_checkout.env)
    checkout.take_cache(host_checkout)
    with checkout.start("runtime") as process:
        while not (PRT_ROOT / "bin").exists() and process.poll() is None:
            time.sleep(0.05)
        process.kill()
    try:
        subprocess.run(["rm", "-rf", PRT_ROOT], check=True)
        PRT_ROOT.mkdir()
        (PRT_ROOT / "data").write_text("mine")
        assert f"PRT_ROOT={PRT_ROOT} is not empty" in checkout.nox("runtime").fails()
        assert (PRT_ROOT / "data").read_text() == "mine"
    finally:
        subprocess.run(["rm", "-rf", PRT_ROOT], check=True)
