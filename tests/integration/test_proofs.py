"""The sessions that prove and run packages, for real; and what must make them fail."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from builder.inputs.environment import whole_environment
from builder.targets import Arch
from tests.support.checkout import Checkout, Run
from tests.support.container import base_image
from tests.support.debs import Deb
from tests.support.default_python import BINARY, SERIES, TAG
from tests.support.tampering import replaced, tampered

pytestmark = pytest.mark.needs("docker")

NATIVE = Arch.native()
ARCHIVE = f"prt_v0_{NATIVE.value}.tgz"
MANIFEST = f"prt_v0_{NATIVE.value}.manifest.json"
IMAGES = [base_image(NATIVE, system) for system in ("bookworm", "trixie")]
EVERYWHERE = {
    "manifest", "doctor", "ELF files", "standard library", "TLS", "SQLite", "virtual environment", "pip check",
    "pip install, uninstall", "recipes/runtime/checks/10-rest.py", "recipes/runtime/checks/20-own.py",
}  # fmt: skip
MOVED = {
    "move it", "moved: places", "moved: standard library", "moved: pip check",
    "moved: recipes/runtime/checks/10-rest.py", "moved: recipes/runtime/checks/20-own.py", "moved: doctor",
}  # fmt: skip
TOOLS = {"recipes/dev/checks/10-tools.py", "recipes/dev/checks/50-ansible.py"}
INSTALLED = {
    "package", "system untouched", "dpkg --remove", "remove leaves nothing", "dpkg --purge", "purge leaves nothing",
}  # fmt: skip
ALTERED = ("doctor", "moved: doctor")
EXCHANGE = {"install prt", "prt replaces prt-dev", "install prt-dev", "prt-dev replaces prt"}


def last_table(text: str) -> dict[str, list[str]]:
    """The cells of the last table of checks, by its first column."""
    table = re.findall(r"^CHECK .*\n((?:.+\n)+?)(?=nox >|\n)", text, re.MULTILINE)[-1]
    return {name: cells for name, *cells in (re.split(r" {2,}", line) for line in table.splitlines())}


def test_the_archive_passes_on_each_test_image_in_one_table(docker_checkout: Checkout) -> None:
    shown = docker_checkout.nox("test", TEST_IMAGE=" ".join(IMAGES)).succeeds()
    assert re.search(r"^CHECK +" + r" +".join(map(re.escape, IMAGES)) + "$", shown, re.MULTILINE)
    table = last_table(shown)
    assert table.keys() == EVERYWHERE | MOVED
    assert all(re.fullmatch(r"\d+:\d\d", cell) for cells in table.values() for cell in cells)
    assert {len(cells) for cells in table.values()} == {len(IMAGES)}


@pytest.mark.usefixtures("debs")
@pytest.mark.parametrize(
    ("session", "checks"),
    [
        ("test-dev", EVERYWHERE | TOOLS | MOVED | {f"moved: {tool}" for tool in TOOLS}),
        ("test-deb", EVERYWHERE | INSTALLED),
        ("test-deb-dev", EVERYWHERE | TOOLS | INSTALLED | EXCHANGE),
    ],
)
def test_every_other_package_passes(docker_checkout: Checkout, session: str, checks: set[str]) -> None:
    assert last_table(docker_checkout.nox(session).succeeds()).keys() == checks


@pytest.mark.needs("arm64")
def test_the_arm64_archive_passes_under_emulation(arm_proof: Run) -> None:
    assert last_table(arm_proof.succeeds()).keys() == EVERYWHERE | MOVED


def failed(run: Run, *checks: str) -> str:
    """What a session says whose named checks failed, and no other."""
    shown = run.fails()
    assert {name for name, cells in last_table(shown).items() if "failed" in cells} == {*checks}
    return shown


def test_a_missing_module_is_named(docker_checkout: Checkout, tmp_path: Path) -> None:
    def without_tabnanny(tree: Path) -> None:
        (tree / "lib" / BINARY / "tabnanny.py").unlink()
        (tree / "lib" / BINARY / "__pycache__" / f"tabnanny.{TAG}.pyc").unlink()

    with tampered(docker_checkout, ARCHIVE, without_tabnanny, tmp_path):
        shown = failed(docker_checkout.nox("test"), "standard library", "moved: standard library", *ALTERED)
    assert f"problem: lib/{BINARY}/tabnanny.py is missing" in shown
    assert f"{ARCHIVE} on bookworm: check 'standard library' failed:" in shown
    assert "    module tabnanny\n      expected: imports\n      seen:     ModuleNotFoundError" in shown


def test_a_manifest_that_lies_is_shown_with_what_is_true(docker_checkout: Checkout, tmp_path: Path) -> None:
    lie: dict[str, Any] = docker_checkout.manifest(MANIFEST)
    del lie["engine"]  # which the one in the tree does not say
    (fastapi,) = (one for one in lie["python_packages"] if one["name"] == "fastapi")
    true = fastapi["version"]
    fastapi["version"], lie["libc_floor"], lie["free_threaded"] = "99.9", "glibc 2.17", True
    (tmp_path / "lie").write_text(json.dumps(lie))

    def lying(tree: Path) -> None:
        shutil.copy(tmp_path / "lie", tree / "manifest.json")

    with tampered(docker_checkout, ARCHIVE, lying, tmp_path):
        shown = failed(docker_checkout.nox("test"), "manifest", "ELF files", *ALTERED)
        assert "manifest.json in the tree, next to the package: libc_floor" in shown
        with replaced(docker_checkout, MANIFEST, tmp_path / "lie", tmp_path):
            shown = failed(docker_checkout.nox("test"), "manifest", "ELF files", *ALTERED)
    assert "manifest: free_threaded\n      expected: False\n      seen:     True" in shown
    assert (
        "manifest: python_packages\n      expected: fastapi 99.9 (the manifest)\n      seen:     not installed" in shown
    )
    assert f"expected: nothing (the manifest)\n      seen:     fastapi {true}" in shown
    assert "manifest: libc_floor\n      expected: glibc 2." in shown


def test_a_file_of_another_architecture_is_named(docker_checkout: Checkout, tmp_path: Path) -> None:
    def planted(tree: Path) -> None:
        program = bytearray(Path("/bin/true").read_bytes())
        program[18:20] = {Arch.AMD64: b"\xb7\0", Arch.ARM64: b"\x3e\0"}[NATIVE]  # e_machine: of the other one
        (tree / "lib" / "planted").write_bytes(program)

    with tampered(docker_checkout, ARCHIVE, planted, tmp_path):
        shown = failed(docker_checkout.nox("test"), "ELF files")
    other = next(arch for arch in Arch if arch is not NATIVE)
    expected = f"    architecture of lib/planted\n      expected: {NATIVE.value}\n      seen:     {other.value}"
    assert expected in shown


def test_a_package_that_changes_the_system_is_reported(
    docker_checkout: Checkout, debs: dict[str, Deb], tmp_path: Path
) -> None:
    root = debs["prt"].unpacked(tmp_path / "root")
    (root / "DEBIAN" / "postinst").write_text("#!/bin/sh\necho prt > /etc/motd\ntouch /usr/bin/stray\n")
    (root / "DEBIAN" / "postinst").chmod(0o755)
    part = tmp_path / "part.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", root, part], check=True)
    with replaced(docker_checkout, debs["prt"].path.name, part, tmp_path):
        shown = failed(docker_checkout.nox("test-deb"), "system untouched", "purge leaves nothing")
    assert "/etc/motd" in shown
    assert "/usr/bin/stray" in shown


def test_an_image_that_is_not_there_is_named(docker_checkout: Checkout) -> None:
    shown = docker_checkout.nox("test", TEST_IMAGE="no-such-image-here:1").fails()
    assert "TEST_IMAGE no-such-image-here:1 can't be pulled" in shown


def command(*args: str) -> list[str]:
    """How a user types it."""
    return [sys.executable, "-m", "nox", "--script-mode=none", "-s", *args]


def test_a_command_has_its_own_output_input_and_exit_code(docker_checkout: Checkout) -> None:
    script = "import sys; print(sys.prefix, sys.stdin.read()); sys.exit(7)"
    done = subprocess.run(
        command("run", "--", "python", "-c", script), cwd=docker_checkout.root,
        env={**whole_environment(), **docker_checkout.env}, input="tea", text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 7, done.stderr
    assert done.stdout == "/prt tea\n"


def test_at_a_terminal_there_is_a_prompt_and_python_is_ours(docker_checkout: Checkout) -> None:
    program, *args = command("run-dev")
    env = {**whole_environment(), **docker_checkout.env}
    with pexpect.spawn(program, args, cwd=docker_checkout.root, env=env, encoding="utf-8", timeout=120) as terminal:
        terminal.expect_exact("# ")
        terminal.sendline("type python; ansible --version | head -n 1; exit 4")
        terminal.expect_exact("python is /prt/bin/python")
        terminal.expect_exact("ansible [core")
        terminal.expect_exact(pexpect.EOF)
    assert terminal.exitstatus == 4


@pytest.mark.needs("host", "root")
def test_the_host_engine_proves_and_runs_in_a_mount_of_its_own(host_checkout: Checkout) -> None:
    assert last_table(host_checkout.nox("test").succeeds()).keys() == EVERYWHERE | MOVED
    assert f"Python {SERIES}" in host_checkout.nox("run", "--", "python", "--version").succeeds()
    assert not Path("/prt").exists()
    shown = host_checkout.nox("test-deb").fails()
    assert "a Debian package is proved in a container" in shown
