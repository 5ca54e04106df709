"""Extensions are built with the plain compiler of whatever system the runtime is on."""

from __future__ import annotations

import os

from builder.console import Console
from builder.engines import choice
from builder.engines.docker import DockerEngine
from builder.inputs import project as projects
from builder.pipeline import stores
from builder.targets import Arch
from tests.support.checkout import Checkout
from tests.support.container import execute
from tests.support.probes import probe
from tests.support.tree import Tree


def test_an_extension_compiles_with_the_systems_compiler_and_works(docker_checkout: Checkout, amd64: Tree) -> None:
    project = projects.read(docker_checkout.root, {**os.environ, **docker_checkout.env})
    roots = stores.roots(project, stores.source_shelf(project, print), print)
    engine = choice.choose(project.settings, project.network, roots, Arch.AMD64, Console())
    assert isinstance(engine, DockerEngine)
    # The builder image is a Debian with GCC.
    with engine.workplace(Arch.AMD64) as place:
        assert place.container.put_archive("/prt", amd64.tarball.read_bytes())
        assert "clang" not in execute(place.container, "sh", "-c", "ls /usr/bin")
        said = execute(place.container, "/prt/bin/python", "-c", probe("extension"))
    assert said.endswith("42 cc\n")
