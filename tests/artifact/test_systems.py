"""The runtime runs on other systems than the one it was built on, with nothing installed and no network."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from builder.targets import Arch
from tests.support.container import SERVER_CHECK, base_image, execute, running, with_artifact
from tests.support.tree import Tree

ROOT = Path(__file__).parents[2]
MUSL = base_image(Arch.AMD64, "musl") if "BASE_IMAGE" in os.environ else "alpine:3"


@pytest.mark.parametrize("system", ["bullseye", "bookworm", "trixie"])
def test_it_serves_http_on_every_release_of_debian_without_a_network(amd64: Tree, system: str) -> None:
    with with_artifact(amd64.tarball, amd64.arch, system, network="none") as container:
        assert f"VERSION_CODENAME={system}" in execute(container, "cat", "/etc/os-release")
        assert "{'cups': 3}" in execute(container, "/prt/bin/python", "-c", SERVER_CHECK)


def test_where_the_c_library_is_another_it_does_not_start_and_its_doctor_says_so(amd64: Tree) -> None:
    message = "/prt/bin/python: not found"
    with running(MUSL, Arch.AMD64, network="none") as container:
        execute(container, "mkdir", "/prt")
        assert container.put_archive("/prt", amd64.tarball.read_bytes())
        said = execute(container, "sh", "-c", "/prt/bin/python -V 2>&1 || echo code $?")
        examined = execute(container, "sh", "-c", "/prt/bin/prt-doctor 2>&1 || echo code $?")
    assert message in said
    assert "code 127" in said
    floor = json.loads((amd64.root / "manifest.json").read_text())["libc_floor"]
    assert (
        examined == f"this runtime does not start here: it needs {floor} or newer, and this system has musl\ncode 1\n"
    )
    assert message in (ROOT / "docs" / "portability.md").read_text()
