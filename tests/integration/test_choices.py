"""What settings choose deep inside a runtime, built for real: another C library, line editor and Python, GNU dbm.

Each choice compiles every library again, so these tests take minutes.
"""

from __future__ import annotations

import json

import pytest

from builder.targets import Arch
from tests.support.checkout import Checkout, copy_of_this
from tests.support.container import execute, with_artifact
from tests.support.debs import Deb
from tests.support.probes import probe

pytestmark = [pytest.mark.slow, pytest.mark.needs("docker", "debian")]

BULLSEYE, BOOKWORM = (2, 31), (2, 36)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose runtime is a newer Python, linked against Debian 12's C library, with GNU readline and dbm."""
    choices = {"SYSROOT": "bookworm", "LINE_EDITOR": "readline", "GDBM": "1", "PYTHON_VERSION": "3.14"}
    checkout = copy_of_this(tmp_path_factory.mktemp("choices"), ENGINE="docker", **choices)
    checkout.nox("deb").succeeds()
    return checkout


def test_it_passes_the_proof_of_every_runtime(checkout: Checkout) -> None:
    checkout.nox("test").succeeds()


def test_gnu_readline_edits_the_lines_and_the_manifest_names_it(checkout: Checkout) -> None:
    with with_artifact(checkout.out / "prt_v0_amd64.tgz", Arch.AMD64) as container:
        said = json.loads(execute(container, "/prt/bin/python", "-c", probe("interpreter")))
    assert said["line_editor"] == "readline"
    inside = {one["name"] for one in checkout.manifest("prt_v0_amd64.manifest.json")["sources"]}
    assert "readline" in inside
    assert "libedit" not in inside


@pytest.mark.parametrize("library", ["zstd", "libffi", "line_editor", "sqlite", "gdbm"])
def test_the_libraries_do_what_they_promise_to_python_3_14_too(checkout: Checkout, library: str) -> None:
    with with_artifact(checkout.out / "prt_v0_amd64.tgz", Arch.AMD64, network="none") as container:
        execute(container, "/prt/bin/python", "-c", probe(f"libraries/{library}"))
    assert "zstd" in {one["name"] for one in checkout.manifest("prt_v0_amd64.manifest.json")["sources"]}


def test_it_needs_the_newer_c_library_and_says_so_wherever_one_looks(checkout: Checkout) -> None:
    floor = checkout.manifest("prt_v0_amd64.manifest.json")["libc_floor"].removeprefix("glibc ")
    assert BULLSEYE < tuple(map(int, floor.split("."))) <= BOOKWORM
    assert f"libc6 (>= {floor})" in Deb(checkout.out / "prt_0_amd64.deb").field("Depends")
    with with_artifact(checkout.out / "prt_v0_amd64.tgz", Arch.AMD64, "bullseye", network="none") as container:
        code, said = container.exec_run(["/prt/bin/python", "--version"])
    assert code != 0
    assert b"GLIBC_2.3" in said
