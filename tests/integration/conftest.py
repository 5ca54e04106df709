"""Real builds: checkouts as a user would have them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.targets import Arch
from tests.support.builds import DockerBuilds
from tests.support.checkout import Checkout
from tests.support.debs import Deb
from tests.support.patches import patched_copy


@pytest.fixture(scope="session")
def debs(docker_builds: DockerBuilds) -> dict[str, Deb]:
    """The packages of both variants, made from that checkout's tarballs, by name."""
    assert docker_builds.debs, "a test that needs them asks for them"
    checkout = docker_builds.debs.result()
    return {name: Deb(checkout.out / f"{name}_0_{Arch.native().value}.deb") for name in ("prt", "prt-dev")}


@pytest.fixture
def spoiled(docker_checkout: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """A fresh checkout without artifacts, whose cache has the interpreter: for the test to break."""
    checkout = patched_copy(tmp_path)
    checkout.take_cache(docker_checkout)
    yield checkout
    assert not checkout.half_written(), "something half-written has a final name"
