"""The arm64 runtime, cross-compiled on this machine and run under emulation."""

from __future__ import annotations

import pytest

from builder.targets import Arch
from tests.support.checkout import Checkout
from tests.support.container import SERVER_CHECK, execute, with_artifact

pytestmark = pytest.mark.needs("docker", "arm64")


def test_it_was_cross_compiled_for_an_old_c_library(arm_checkout: Checkout) -> None:
    manifest = arm_checkout.manifest("prt_v0_arm64.manifest.json")
    assert manifest["arch"] == "arm64"
    assert manifest["compiled"] == f"across on {Arch.native().value}" or Arch.native() is Arch.ARM64
    assert tuple(map(int, manifest["libc_floor"].removeprefix("glibc ").split("."))) <= (2, 31)


def test_it_serves_http_under_emulation_in_the_plain_base_image(arm_checkout: Checkout) -> None:
    with with_artifact(arm_checkout.out / "prt_v0_arm64.tgz", Arch.ARM64) as container:
        assert execute(container, "uname", "-m").strip() == "aarch64"
        assert "{'cups': 3}" in execute(container, "/prt/bin/python", "-c", SERVER_CHECK)
