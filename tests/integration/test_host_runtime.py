"""The host engine, for real: with this machine's compiler, for those who ask for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from builder.targets import Arch
from tests.support.checkout import Checkout
from tests.support.container import SERVER_CHECK
from tests.support.debs import Deb

pytestmark = pytest.mark.needs("host")

PRT_ROOT = Path("/prt")


def test_the_artifact_unpacked_at_prt_root_serves_http(host_checkout: Checkout) -> None:
    PRT_ROOT.mkdir()
    try:
        tarball = host_checkout.out / "prt_v0_amd64.tgz"
        subprocess.run(["tar", "-xzf", tarball, "-C", PRT_ROOT], check=True)
        served = subprocess.run(
            [PRT_ROOT / "bin" / "python", "-c", SERVER_CHECK], check=True, capture_output=True, text=True
        )
        assert "{'cups': 3}" in served.stdout
    finally:
        subprocess.run(["rm", "-rf", PRT_ROOT], check=True)


def test_nothing_is_left_outside_the_artifact_folder(host_checkout: Checkout) -> None:
    assert host_checkout.manifest("prt_v0_amd64.manifest.json")["engine"] == "host"
    assert not PRT_ROOT.exists()
    assert [path.name for path in (host_checkout.out / "work").iterdir()] == ["CACHEDIR.TAG"]
    endings = ("cdx.json", "manifest.json", "provenance.json", "tgz")
    assert host_checkout.artifacts() == [f"prt_v0_amd64.{ending}" for ending in endings]


def test_a_folder_in_use_is_refused_and_not_touched(host_checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep me")
    text = host_checkout.nox("runtime", PRT_ROOT=str(tmp_path)).fails()
    assert f"PRT_ROOT={tmp_path} is not empty" in text
    assert (tmp_path / "mine").read_text() == "keep me"


def test_a_missing_compiler_is_named_with_the_line_that_installs_it(host_checkout: Checkout, tmp_path: Path) -> None:
    for program in ("bash", "env", "git", "ld", "readelf", "make", "patch", "tar", "gzip", "xz", "find", "ldd"):
        found = next(Path(folder, program) for folder in ("/usr/bin", "/bin") if Path(folder, program).exists())
        (tmp_path / program).symlink_to(found)
    text = host_checkout.nox("runtime", PATH=str(tmp_path)).fails()
    assert "this machine lacks cc" in text
    assert "apt-get install gcc" in text


def test_the_other_architecture_is_refused_with_what_to_do(host_checkout: Checkout) -> None:
    text = host_checkout.nox("runtime-arm").fails()
    assert "the host engine builds for amd64 only, not for arm64" in text


@pytest.mark.needs("debian")
def test_its_package_depends_on_the_libraries_of_this_machine_that_are_not_inside(host_checkout: Checkout) -> None:
    host_checkout.nox("deb").succeeds()
    depends = Deb(host_checkout.out / f"prt_0_{Arch.native().value}.deb").field("Depends").split(", ")
    inside = {source["name"] for source in host_checkout.manifest("prt_v0_amd64.manifest.json")["sources"]}
    for library, package in {"openssl": "libssl3", "sqlite": "libsqlite3-0", "libffi": "libffi8"}.items():
        assert any(one.startswith(package) for one in depends) is (library not in inside), depends
