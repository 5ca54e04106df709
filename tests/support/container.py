"""A container of the plain base image, with an artifact unpacked in it: no compiler, no builder."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from builder.engines.owner import LABEL
from builder.targets import Arch

# A program for the built Python: it serves a FastAPI application, asks it over HTTP, and prints the answer.
SERVER_CHECK = Path(__file__).with_name("server_check.py").read_text()


def base_image(arch: Arch, system: str = "bookworm") -> str:
    """The base image of the builds, or the same of another release of Debian."""
    image = os.environ.get("BASE_IMAGE", "debian:bookworm-slim")
    return image.replace("{arch}", arch.value).replace("bookworm", system)


@contextmanager
def running(image: str, arch: Arch, network: str = "bridge", **options: Any) -> Iterator[Container]:
    """A container of an image, removed at the end; in the network `none` it reaches only itself.

    `options` are the Docker SDK's.
    """
    container = docker.from_env().containers.run(
        image,
        ["sleep", str(24 * 3600)],
        platform=arch.platform,
        detach=True,
        auto_remove=True,
        network_mode=network,
        **options,
    )
    try:
        yield container
    finally:
        container.remove(force=True)


@contextmanager
def with_artifact(tarball: Path, arch: Arch, system: str = "bookworm", network: str = "bridge") -> Iterator[Container]:
    """A container of the base image, or that of another release, as it is, with the runtime at /prt."""
    with running(base_image(arch, system), arch, network) as container:
        execute(container, "mkdir", "/prt")
        container.put_archive("/prt", tarball.read_bytes())
        yield container


def execute(container: Container, *args: str, **env: str) -> str:
    """Run a command in a container; its output, if it succeeded."""
    code, output = container.exec_run(list(args), environment=env)
    assert isinstance(output, bytes)
    text = output.decode()
    assert code == 0, text
    return text


def put(container: Container, path: str, content: bytes) -> None:
    """Write a file of a container."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(path.lstrip("/"))
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    assert container.put_archive("/", packed.getvalue())


def containers_of(processes: list[int]) -> list[str]:
    """Labels of containers that builds of these processes made."""
    client = docker.from_env()
    try:
        owners = [one.labels[LABEL] for one in client.containers.list(all=True, filters={"label": LABEL})]
    finally:
        client.close()
    return [owner for owner in owners if int(owner.split()[2]) in processes]
