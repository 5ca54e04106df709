"""The sandbox engine, for real: what a user without rights, without Docker and without a compiler gets."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath

import pytest

from builder.engines.base import Item
from builder.engines.sandbox import SandboxEngine, SandboxWorkplace
from builder.inputs import network
from builder.inputs.environment import whole_environment
from builder.roots.roles import Roots
from builder.roots.tree import RootShelf
from builder.sources.shelf import SourceShelf
from builder.stages.stage import Step
from builder.targets import Arch
from tests.support.checkout import ROOT, Checkout
from tests.support.newcomer import Newcomer

pytestmark = pytest.mark.needs("sandbox")

TARBALL = f"prt_v0_{Arch.native().value}.tgz"


@pytest.fixture(scope="module")
def engine(newcomer: Newcomer, tmp_path_factory: pytest.TempPathFactory) -> SandboxEngine:
    """The engine, with the root file systems that the newcomer's build unpacked."""
    here = network.read(whole_environment(), None)
    cache = newcomer.checkout.out / "cache"
    shelf = RootShelf(cache / "roots", SourceShelf(cache / "sources", here, "", "", print), print)
    return SandboxEngine(Roots(ROOT / "recipes", shelf), PurePosixPath("/prt"), tmp_path_factory.mktemp("work"), here)


@pytest.fixture
def place(engine: SandboxEngine) -> Iterator[SandboxWorkplace]:
    """A workplace of the runtime stage."""
    with engine.workplace(Arch.native()) as place:
        yield place


def said(place: SandboxWorkplace, *args: str, network: bool = False) -> tuple[int, str]:
    """How a step ends, and its output."""
    lines: list[str] = []
    code = place.run(Step("step", args, network=network), lines.append)
    return code, "\n".join(lines)


def test_the_first_command_of_the_readme_builds_without_rights_docker_or_compiler(newcomer: Newcomer) -> None:
    manifest = newcomer.checkout.manifest(TARBALL.replace("tgz", "manifest.json"))
    assert (manifest["engine"], manifest["compiled"]) == ("sandbox", "native")
    assert tuple(map(int, manifest["libc_floor"].removeprefix("glibc ").split("."))) <= (2, 31)
    assert f"{TARBALL}: up to date, nothing to do" in newcomer.nox("-s", "runtime").succeeds()


@pytest.mark.needs("docker")
def test_docker_makes_the_same_bytes_of_what_the_sandbox_cached(newcomer: Newcomer, tmp_path: Path) -> None:
    ours = newcomer.checkout
    shutil.copytree(ours.root, tmp_path / "clone", symlinks=True, ignore=shutil.ignore_patterns("out", ".nox"))
    docker = Checkout(tmp_path / "clone", ours.env)
    docker.take_cache(ours)
    shown = docker.nox("runtime", "deb", ENGINE="docker").succeeds()
    assert "interpreter: from the cache" in shown
    newcomer.nox("-s", "deb").succeeds()
    manifest = TARBALL.replace("tgz", "manifest.json")
    assert docker.manifest(manifest) == {**ours.manifest(manifest), "engine": "docker"}
    for name in {*ours.artifacts()} - {manifest}:
        if name.endswith(".provenance.json"):
            assert docker.provenance(name) == ours.provenance(name)
        else:
            assert (docker.out / name).read_bytes() == (ours.out / name).read_bytes(), name


def test_packages_are_proved_without_docker_on_the_oldest_and_the_newest_debian(newcomer: Newcomer) -> None:
    shown = newcomer.nox("-s", "test", "test-deb", TEST_IMAGE="bullseye trixie").succeeds()
    assert "bullseye" in shown
    assert "trixie" in shown
    assert "failed" not in shown


def test_a_system_without_a_lock_is_refused_with_those_there_are(newcomer: Newcomer) -> None:
    shown = newcomer.nox("-s", "test", TEST_IMAGE="buster").fails()
    assert "TEST_IMAGE takes: bookworm, bullseye, trixie" in shown


def test_a_stale_lock_is_refused_with_the_command_that_renews_it(newcomer: Newcomer) -> None:
    listed = newcomer.checkout.root / "recipes" / "builder" / "builder.txt"
    before = listed.read_text()
    listed.write_text(f"{before}libpq-dev\n")
    try:
        shown = newcomer.nox("-s", "runtime").fails()
    finally:
        listed.write_text(before)
    assert "not made from this builder.txt: libpq-dev differ" in shown
    assert "nox -s builder-lock" in shown


def test_a_step_reaches_the_network_only_if_it_asks_for_it(place: SandboxWorkplace) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        connect = ("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]} && echo connected")
        assert said(place, *connect, network=True) == (0, "connected")
        code, output = said(place, *connect)
        assert code
        assert "Connection refused" in output


def test_a_step_sees_nothing_of_this_machine_and_changes_nothing_of_its_root(place: SandboxWorkplace) -> None:
    assert said(place, "ls", "-A", "/home", "/root") == (0, "/home:\n\n/root:")
    assert {"srv", "mnt", "media", "opt"}.isdisjoint(said(place, "ls", "/")[1].split())
    code, output = said(place, "touch", "/usr/bin/x")
    assert code
    assert "Read-only file system" in output
    _, processes = said(place, "sh", "-c", "echo /proc/[0-9]*")
    assert len(processes.split()) <= 4


def test_files_go_in_and_out_and_prt_root_is_empty_each_time(engine: SandboxEngine, tmp_path: Path) -> None:
    for _ in range(2):
        with engine.workplace(Arch.native()) as place:
            place.put([Item("in.txt", b"content")])
            assert said(place, "sh", "-ec", "ls -A /prt; touch /prt/x; cp in.txt out.txt") == (0, "")
            place.get("out.txt", tmp_path / "out.txt")
            assert (tmp_path / "out.txt").read_text() == "content"
    assert list(engine.scratch.iterdir()) == []
