"""Extensions are built with the plain compiler of whatever system the runtime is on."""

from __future__ import annotations

import docker

from builder.targets import Arch
from tests.artifact.probes import probe
from tests.artifact.tree import Tree
from tests.integration.container import execute, running


def test_an_extension_compiles_with_the_systems_compiler_and_works(amd64: Tree) -> None:
    # The builder image is a Debian with GCC.
    images = docker.from_env().images.list(name="python-runtime-builder/builder")
    tag = next(tag for image in images for tag in image.tags if tag.endswith(f"-{Arch.AMD64.value}"))
    with running(tag, Arch.AMD64, network="none") as container:
        execute(container, "mkdir", "-p", "/prt")
        assert container.put_archive("/prt", amd64.tarball.read_bytes())
        assert "clang" not in execute(container, "sh", "-c", "ls /usr/bin")
        said = execute(container, "/prt/bin/python", "-c", probe("extension"))
    assert said.endswith("42 cc\n")
