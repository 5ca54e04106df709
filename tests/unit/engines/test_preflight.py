"""What can be wrong with Docker: each problem has its message, and the endpoint raises the right one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

from builder.engines import emulation
from builder.engines.endpoint import Endpoint
from builder.engines.preflight import Problem
from builder.errors import UserError
from builder.targets import Arch

ENDPOINT = "unix:///run/some.sock"

WORDS = {
    Problem.NO_COMMAND: ("the docker command is not installed", "apt-get install docker.io, or ENGINE=sandbox"),
    Problem.NO_PERMISSION: (
        "this user may not use Docker at unix:///run/some.sock",
        "sudo usermod -aG docker $USER, then log in again; or ENGINE=sandbox",
    ),
    Problem.DAEMON_DOWN: (
        "no Docker daemon answers at unix:///run/some.sock",
        "sudo systemctl start docker, or ENGINE=sandbox",
    ),
    Problem.NO_BUILDX: ("the docker command has no buildx", "apt-get install docker-buildx, or ENGINE=sandbox"),
    Problem.NO_EMULATION: (
        "Docker at unix:///run/some.sock can't run arm64: no emulator is registered",
        "apt-get install qemu-user-static, or docker run --privileged --rm tonistiigi/binfmt --install arm64",
    ),
}

Fake = Callable[[str], None]


class Daemon:
    """A daemon that answers, on an amd64 machine."""

    def __init__(self, **_: object) -> None:
        pass

    def ping(self) -> bool:
        """It does."""
        return True

    def version(self) -> dict[str, str]:
        """What the endpoint asks for."""
        return {"Arch": "amd64"}


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """A daemon that answers, and a docker command made of the lines of a shell script; no other program."""
    monkeypatch.setattr(docker, "DockerClient", Daemon)
    monkeypatch.setenv("PATH", str(tmp_path))

    def fake(script: str) -> None:
        program = tmp_path / "docker"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    return fake


@pytest.fixture
def _sockets_of_the_sdk() -> Iterator[None]:
    """The SDK leaves a socket that could not connect to the garbage collector."""
    yield
    gc.collect()


def problem_of(arch: Arch) -> UserError:
    """What the check of an endpoint finds wrong."""
    with pytest.raises(UserError) as problem:
        Endpoint(ENDPOINT).check(arch)
    return problem.value


@pytest.mark.parametrize("problem", Problem)
def test_each_problem_names_what_is_wrong_and_what_fixes_it(problem: Problem) -> None:
    error = problem.error(endpoint=ENDPOINT, arch="arm64")
    assert (error.message, error.hint) == WORDS[problem]


@pytest.mark.usefixtures("_sockets_of_the_sdk")
@pytest.mark.filterwarnings("ignore:.*:ResourceWarning", "ignore:.*:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("url", ["unix:///nowhere/nothing.sock", "tcp://127.0.0.1:1", "garbage://x"])
def test_no_daemon(url: str) -> None:
    with pytest.raises(UserError) as problem:
        _ = Endpoint(url).client
    assert str(problem.value) == str(Problem.DAEMON_DOWN.error(endpoint=url))


def test_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(**_: object) -> None:
        raise DockerException("Error: ('Connection aborted.', PermissionError(13, 'Permission denied'))")

    monkeypatch.setattr(docker, "DockerClient", denied)
    assert str(problem_of(Arch.AMD64)) == str(Problem.NO_PERMISSION.error(endpoint=ENDPOINT))


@pytest.mark.usefixtures("command")
def test_no_docker_command() -> None:
    assert str(problem_of(Arch.AMD64)) == str(Problem.NO_COMMAND.error())


def test_no_buildx(command: Fake) -> None:
    command("echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1")
    assert str(problem_of(Arch.AMD64)) == str(Problem.NO_BUILDX.error())


def test_no_emulator(command: Fake) -> None:
    command("echo 'Platforms: linux/amd64, linux/amd64/v2, linux/386'")
    assert str(problem_of(Arch.ARM64)) == str(Problem.NO_EMULATION.error(endpoint=ENDPOINT, arch="arm64"))


def test_the_daemons_own_architecture_needs_no_emulator(command: Fake) -> None:
    command("echo 'Platforms: linux/386'")
    Endpoint(ENDPOINT).check(Arch.AMD64)


def test_an_emulated_architecture_is_fine(command: Fake) -> None:
    command("echo 'Platforms: linux/amd64, linux/arm64, linux/386'")
    Endpoint(ENDPOINT).check(Arch.ARM64)


@pytest.mark.parametrize(
    ("url", "line"), [("", ["docker", "info"]), (ENDPOINT, ["docker", "--host", ENDPOINT, "info"])]
)
def test_the_docker_command_is_sent_to_the_endpoint(url: str, line: list[str]) -> None:
    assert Endpoint(url).docker("info") == line


@pytest.mark.usefixtures("command")
def test_the_daemons_own_architecture_has_no_emulator() -> None:
    assert Endpoint(ENDPOINT).emulator(Arch.AMD64) is None


@pytest.mark.usefixtures("command")
@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("echo 'qemu-aarch64 version 10.0.2 (Debian 1:10.0.2)'", "qemu 10.0.2"),
        ("echo 'what?'", "qemu"),
        ("exit 1", "qemu"),
        (None, "qemu"),
    ],
)
def test_an_emulator_is_named_with_its_version_where_it_shows_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, name: str
) -> None:
    registered, program = tmp_path / "qemu-aarch64", tmp_path / "emulator"
    if script:
        registered.write_text(f"enabled\ninterpreter {program}\nflags: OCF\n")
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setattr(emulation, "registered", lambda arch: tmp_path / f"qemu-{arch.machine}")
    assert Endpoint(ENDPOINT).emulator(Arch.ARM64) == name
