"""ENGINE: which engine builds, and that the user sees why."""

from __future__ import annotations

import gc
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import docker
import pytest

from builder.console import Console
from builder.engines import bubblewrap, choice, emulation
from builder.engines.base import Engine
from builder.engines.endpoint import Endpoint
from builder.engines.preflight import Problem
from builder.errors import UserError
from builder.roots.roles import Roots
from builder.roots.tree import RootShelf
from builder.sources.shelf import SourceShelf
from builder.targets import Arch
from tests.support.factories import NO_NETWORK, environ, settings

NATIVE = Arch.native()
FOREIGN = next(arch for arch in Arch if arch is not NATIVE)

pytestmark = [
    pytest.mark.usefixtures("_sockets_of_the_sdk"),
    pytest.mark.filterwarnings("ignore:.*:ResourceWarning", "ignore:.*:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def _sockets_of_the_sdk() -> Iterator[None]:
    """The SDK leaves a socket that could not connect to the garbage collector."""
    yield
    gc.collect()


class Daemon:
    """A daemon that answers, and has no containers."""

    def __init__(self, **_: object) -> None:
        self.containers = SimpleNamespace(list=lambda **_: [])

    def ping(self) -> bool:
        """It does."""
        return True

    def version(self) -> dict[str, str]:
        """Of a machine like this one."""
        return {"Arch": NATIVE.value}


@pytest.fixture(autouse=True)
def _docker_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that answers, and can run every architecture."""
    monkeypatch.setattr(docker, "DockerClient", Daemon)
    monkeypatch.setattr(Endpoint, "check", lambda self, arch: None)


def choose(root: Path, arch: Arch, **values: str) -> tuple[Engine, str]:
    """The engine, and what the user sees."""
    screen = io.StringIO()
    roots = Roots(root, RootShelf(root, SourceShelf(root, NO_NETWORK, "", "", print), print))
    chosen = choice.choose(settings(root, **environ(root, **values)), NO_NETWORK, roots, arch, Console(stream=screen))
    return chosen, screen.getvalue()


def test_host_is_taken_when_asked_for(tmp_path: Path) -> None:
    engine, shown = choose(tmp_path, NATIVE, ENGINE="host")
    assert (engine.name, shown) == ("host", "engine: host (ENGINE=host)\n")


def test_the_sandbox_is_taken_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "demand", lambda: None)
    engine, shown = choose(tmp_path, NATIVE, ENGINE="sandbox")
    assert (engine.name, shown) == ("sandbox", "engine: sandbox (ENGINE=sandbox)\n")


def test_the_sandbox_is_taken_when_no_daemon_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "forbidden", lambda: "")
    engine, shown = choose(tmp_path, NATIVE)
    assert engine.name == "sandbox"
    assert shown == f"engine: sandbox (no Docker daemon answers at unix://{tmp_path}/nothing.sock)\n"


def test_host_is_taken_where_namespaces_are_forbidden_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "forbidden", lambda: "no sandbox here")
    engine, shown = choose(tmp_path, NATIVE)
    assert engine.name == "host"
    assert shown == f"engine: host (no Docker daemon answers at unix://{tmp_path}/nothing.sock; no sandbox here)\n"


@pytest.mark.usefixtures("daemon")
def test_docker_is_taken_when_it_answers(tmp_path: Path) -> None:
    engine, shown = choose(tmp_path, NATIVE)
    assert engine.name == "docker"
    assert shown == f"engine: docker (it answers at unix://{tmp_path}/nothing.sock)\n"


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize(("arch", "address"), [(Arch.AMD64, "tcp://one:1"), (Arch.ARM64, "tcp://two:2")])
def test_each_architecture_has_its_endpoint(tmp_path: Path, arch: Arch, address: str) -> None:
    _, shown = choose(tmp_path, arch, DOCKER_HOST_AMD64="tcp://one:1", DOCKER_HOST_ARM64="tcp://two:2")
    assert address in shown


def test_docker_that_was_asked_for_must_answer(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no Docker daemon answers"):
        choose(tmp_path, NATIVE, ENGINE="docker")


def test_a_foreign_architecture_needs_docker_where_there_is_no_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "forbidden", lambda: "no sandbox here")
    with pytest.raises(UserError, match="no Docker daemon answers"):
        choose(tmp_path, FOREIGN)


@pytest.mark.usefixtures("daemon")
def test_a_daemon_without_the_command_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(bubblewrap, "forbidden", lambda: "")
    assert choose(tmp_path, NATIVE)[1] == "engine: sandbox (the docker command is not installed)\n"
    with pytest.raises(UserError, match="the docker command is not installed"):
        choose(tmp_path, NATIVE, ENGINE="docker")


@pytest.mark.usefixtures("daemon")
def test_a_daemon_that_can_not_run_an_architecture_is_passed_over_for_that_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(self: Endpoint, arch: Arch) -> None:
        raise Problem.NO_EMULATION.error(endpoint=self.address, arch=arch.value)

    monkeypatch.setattr(Endpoint, "check", check)
    monkeypatch.setattr(bubblewrap, "forbidden", lambda: "")
    monkeypatch.setattr(emulation, "check", lambda arch: None)
    assert choose(tmp_path, FOREIGN)[0].name == "sandbox"
    assert choose(tmp_path, NATIVE)[0].name == "docker"


@pytest.mark.parametrize("engine", ["auto", "sandbox", "host", "docker"])
def test_what_is_said_to_be_impossible_is_what_a_build_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setattr(bubblewrap, "demand", lambda: None)
    monkeypatch.setattr(emulation, "registered", lambda arch: tmp_path / "nothing")
    with pytest.raises(UserError) as refused:
        choose(tmp_path, FOREIGN, ENGINE=engine)
    assert choice.why_not(settings(tmp_path, **environ(tmp_path, ENGINE=engine)), FOREIGN) == refused.value.message


def test_without_a_daemon_there_are_no_images_to_remove(tmp_path: Path) -> None:
    assert list(choice.remove_images(settings(tmp_path, **environ(tmp_path)))) == []
