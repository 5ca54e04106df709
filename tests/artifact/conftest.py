"""The finished artifacts, unpacked on this machine and running in containers of the plain base image."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from docker.models.containers import Container

from builder.targets import Arch
from tests.support.checkout import Checkout
from tests.support.container import with_artifact
from tests.support.tree import BOTH, Tree, unpack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs the artifacts, and they are built in Docker."""
    for item in items:
        if "tests/artifact/" in item.nodeid:
            item.add_marker(pytest.mark.needs("docker"))


@pytest.fixture(scope="session")
def amd64(docker_checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The runtime for amd64."""
    return unpack(docker_checkout.out / "prt_v0_amd64.tgz", Arch.AMD64, tmp_path_factory.mktemp("amd64"))


@pytest.fixture(scope="session")
def arm64(arm_checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The runtime for arm64."""
    return unpack(arm_checkout.out / "prt_v0_arm64.tgz", Arch.ARM64, tmp_path_factory.mktemp("arm64"))


@pytest.fixture(scope="session", params=BOTH)
def tree(request: pytest.FixtureRequest) -> Tree:
    """The runtime for each architecture."""
    found = request.getfixturevalue(request.param.value)
    assert isinstance(found, Tree)
    return found


@pytest.fixture(scope="module")
def machine(tree: Tree) -> Iterator[Container]:
    """A container of the base image with that runtime at /prt."""
    with with_artifact(tree.tarball, tree.arch) as container:
        yield container


@pytest.fixture(scope="module")
def amd64_machine(amd64: Tree) -> Iterator[Container]:
    """The same with the runtime for amd64 only: for what does not differ by architecture."""
    with with_artifact(amd64.tarball, amd64.arch) as container:
        yield container
