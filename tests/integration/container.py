"""A container of the plain base image, with an artifact unpacked in it: no compiler, no builder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.models.containers import Container

from builder.targets import Arch


@contextmanager
def running(image: str, arch: Arch) -> Iterator[Container]:
    """A container of an image, removed at the end."""
    container = docker.from_env().containers.run(
        image, ["sleep", "3600"], platform=arch.platform, detach=True, auto_remove=True
    )
    try:
        yield container
    finally:
        container.remove(force=True)


@contextmanager
def with_artifact(tarball: Path, arch: Arch) -> Iterator[Container]:
    """A container of the base image, as it is, with the runtime at /prt."""
    image = os.environ.get("BASE_IMAGE", "debian:bookworm-slim").replace("{arch}", arch.value)
    with running(image, arch) as container:
        execute(container, "mkdir", "/prt")
        container.put_archive("/prt", tarball.read_bytes())
        yield container


def execute(container: Container, *args: str) -> str:
    """Run a command in a container; its output, if it succeeded."""
    code, output = container.exec_run(list(args))
    assert isinstance(output, bytes)
    text = output.decode()
    assert code == 0, text
    return text
