"""Real builds: checkouts as a user would have them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from builder.targets import Arch
from tests.support.builds import DockerBuilds
from tests.support.checkout import Checkout, Run
from tests.support.debs import Deb, said_by_lintian
from tests.support.patches import patched_copy


@pytest.fixture(scope="session")
def debs(docker_builds: DockerBuilds) -> dict[str, Deb]:
    """The packages of both variants, made from that checkout's tarballs, by name."""
    assert docker_builds.debs, "a test that needs them asks for them"
    checkout = docker_builds.debs.result()
    return {name: Deb(checkout.out / f"{name}_0_{Arch.native().value}.deb") for name in ("prt", "prt-dev")}


@pytest.fixture(scope="session")
def lintian(debs: dict[str, Deb], background: ThreadPoolExecutor) -> dict[str, Future[str]]:
    """What lintian says of each: it takes long, and one processor."""
    return {name: background.submit(said_by_lintian, deb) for name, deb in debs.items()}


@pytest.fixture(scope="session")
def arm_proof(docker_builds: DockerBuilds) -> Run:
    """What `test-arm` said of the runtime for arm64, once it has ended."""
    assert docker_builds.arm_proof, "a test that needs it is marked so"
    return docker_builds.arm_proof.result()


@pytest.fixture
def spoiled(docker_checkout: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """A fresh checkout without artifacts, whose cache has the interpreter: for the test to break."""
    checkout = patched_copy(tmp_path)
    checkout.take_cache(docker_checkout)
    yield checkout
    assert not checkout.half_written(), "something half-written has a final name"
