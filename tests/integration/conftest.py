"""Real builds: a checkout as a user would have it, and the artifacts that one build of it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import patches
from tests.integration.checkout import Checkout, copy_of_this

MARK = """#!/bin/sh
echo "$PRT_ROOT $PRT_VENV_ROOT $PRT_VARIANT $(grep starlette "$CONSTRAINT_FILE")" > "$PRT_ROOT/script-was-here"
"""


def patched_copy(folder: Path) -> Checkout:
    """A checkout for the docker engine whose recipe has patches and a script."""
    checkout = copy_of_this(folder, ENGINE="docker")
    checkout.write("recipes/runtime/pre-patch/10-copyright.patch", patches.COPYRIGHT)
    checkout.write("recipes/runtime/pre-patch/20-copyright.patch", patches.COPYRIGHT_AGAIN)
    checkout.write("recipes/runtime/post-patch/10-hello.patch", patches.HELLO)
    checkout.write("recipes/runtime/scripts/10-mark", MARK)
    return checkout


@pytest.fixture(scope="session")
def docker_checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with patches and a script, in which the docker engine built runtime-dev, and so runtime as well."""
    checkout = patched_copy(tmp_path_factory.mktemp("docker"))
    checkout.nox("runtime-dev").succeeds()
    return checkout


@pytest.fixture(scope="session")
def host_checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which the host engine has built runtime, as on a machine where no Docker daemon runs.

    It is built by the README's first command.
    """
    folder = tmp_path_factory.mktemp("host")
    checkout = copy_of_this(folder, DOCKER_HOST=f"unix://{folder}/no-docker.sock")
    checkout.pipx_run_nox("runtime").succeeds()
    return checkout


@pytest.fixture
def spoiled(docker_checkout: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """A fresh checkout without artifacts, whose cache has the interpreter: for the test to break."""
    checkout = patched_copy(tmp_path)
    checkout.take_cache(docker_checkout)
    yield checkout
    assert not checkout.half_written(), "something half-written stands under a final name"
