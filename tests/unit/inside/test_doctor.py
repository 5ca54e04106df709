"""The program that examines an installed runtime: what it says where all is well, and what of each fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.engines.prt_root import MARK
from builder.targets import Arch
from tests.support.programs import run

pytestmark = pytest.mark.needs("sh")
MANIFEST = {
    "runtime_version": "v7", "variant": "runtime", "arch": Arch.native().value, "python_version": "3.99.1",
    "libc_floor": "glibc 2.0", "python_packages": [{"name": "pip", "version": "1"}],
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An installed runtime, whose interpreter is this one, with its doctor; in a folder with a blank."""
    folder = tmp_path / "a b"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python3").symlink_to(sys.executable)
    (folder / "lib").mkdir()
    (folder / "lib" / "x.py").write_text("x = 1\n")
    (folder / MARK).touch()  # as where the host engine builds
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    run("write_doctor.py", folder, "prt-doctor")
    (folder / MARK).unlink()
    return folder


def doctor(root: Path, *args: str, code: int = 0, **env: str) -> str:
    """What it says, on both streams."""
    command = [str(root / "bin" / "prt-doctor"), *args]
    done = subprocess.run(command, env={**os.environ, **env}, check=False, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def fake(folder: Path, name: str, said: str) -> str:
    """A PATH with a command that says this."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho '{said}'\n")
    (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_it_says_what_the_runtime_is_and_that_its_files_are_whole(root: Path, tmp_path: Path) -> None:
    said = doctor(root)
    assert "python version   3.99.1\n" in said
    assert f"folder           {root}\n" in said
    assert said.endswith("all files are as they were packed\n")
    (tmp_path / "link").symlink_to(root / "bin" / "prt-doctor")
    linked = subprocess.run([tmp_path / "link"], check=True, capture_output=True, text=True)
    assert linked.stdout == said


def test_it_is_a_script_whose_syntax_can_be_checked(root: Path) -> None:
    program = root / "bin" / "prt-doctor"
    for shell in ("sh", "bash"):
        subprocess.run([shell, "-n", program], check=True)
    program.write_bytes(program.read_bytes().replace(b": <<'zip'\n", b""))
    assert subprocess.run(["sh", "-n", program], check=False, capture_output=True).returncode != 0


def test_programs_get_it_as_json(root: Path) -> None:
    said = json.loads(doctor(root, "--json"))
    assert said["runtime"]["packages"] == "1"
    assert said["problems"] == []
    assert said["system"]["libc"].startswith("glibc 2.")


def test_files_that_were_altered_or_removed_are_named(root: Path) -> None:
    (root / "lib" / "x.py").write_text("x = 2\n")
    (root / "lib" / "added.py").touch()  # what is installed later is nobody's fault
    assert "problem: lib/x.py was altered since it was packed\n1 problems\n" in doctor(root, code=1)
    (root / "lib" / "x.py").unlink()
    assert json.loads(doctor(root, "--json", code=1))["problems"] == ["lib/x.py is missing"]


@pytest.mark.needs("sha256sum")
def test_its_list_is_one_for_sha256sum(root: Path) -> None:
    check = ["sha256sum", "--check", "--quiet", "sha256sums"]
    subprocess.run(check, cwd=root, check=True)
    assert len((root / "sha256sums").read_text().splitlines()) == 3  # itself and links are not in it


@pytest.mark.parametrize(
    ("command", "said", "message"),
    [
        ("uname", "riscv64", "and this machine is riscv64"),
        ("getconf", "glibc 2.28", "it needs glibc 2.99 or newer, and this is 2.28"),
    ],
)
def test_where_python_can_not_start_it_says_why(
    root: Path, tmp_path: Path, command: str, said: str, message: str
) -> None:
    (root / "manifest.json").write_text(json.dumps({**MANIFEST, "libc_floor": "glibc 2.99"}))
    run("write_doctor.py", root, "prt-doctor")
    (root / "bin" / "python3").unlink()
    shown = doctor(root, code=1, PATH=fake(tmp_path / "fakes", command, said))
    assert shown.startswith("this runtime does not start here: ")
    assert message in shown


@pytest.mark.parametrize("said", ["glibc 2.99", "glibc 2.100", "ldd (Debian GLIBC 2.99-1) 2.99", "musl libc", ""])
def test_what_suits_or_is_not_known_starts_python(root: Path, tmp_path: Path, said: str) -> None:
    (root / "manifest.json").write_text(json.dumps({**MANIFEST, "libc_floor": "glibc 2.99"}))
    run("write_doctor.py", root, "prt-doctor")
    assert "all files" in doctor(root, PATH=fake(tmp_path / "fakes", "getconf", said))


def test_on_a_system_with_another_c_library_it_names_what_is_missing(root: Path, tmp_path: Path) -> None:
    program = root / "bin" / "prt-doctor"
    content = program.read_bytes()
    here = b"/lib64/ld-linux-x86-64.so.2" if Arch.native() is Arch.AMD64 else b"/lib/ld-linux-aarch64.so.1"
    assert here in content
    program.write_bytes(content.replace(here, b"/no/such/loader"))
    assert "it needs glibc 2.0 or newer, and there is no /no/such/loader" in doctor(root, code=1)
    (tmp_path / "ld-musl-x.so.1").touch()
    program.write_bytes(program.read_bytes().replace(b"/lib/ld-musl-*", os.fsencode(tmp_path / "ld-musl-*")))
    assert "and this system has musl" in doctor(root, code=1)


def test_what_the_system_lacks_is_noted_with_the_way_out(root: Path) -> None:
    said = doctor(root, SSL_CERT_FILE="/dev/null", SSL_CERT_DIR="/nonexistent", LC_ALL="xx_XX.UTF-8", TERM="no-such")
    assert "note: no CA certificates" in said
    assert "note: no locale xx_XX.UTF-8" in said
    assert "note: no terminfo for TERM=no-such" in said
    assert "note:" not in doctor(root, LC_ALL="C", TERM="dumb")


def test_commands_that_name_a_former_folder_are_noted_and_repaired(root: Path) -> None:
    say = root / "bin" / "say"
    say.write_text("#!/gone/bin/python3\nprint('it works')\n")
    say.chmod(0o755)
    assert "note: commands or environments name /gone, where the runtime is not any more: prt-doctor --repair" in (
        doctor(root)
    )
    assert doctor(root, "--repair") == "repaired bin/say\n"
    assert subprocess.run([say], check=True, capture_output=True, text=True).stdout == "it works\n"
    assert "/gone" not in doctor(root)
    assert doctor(root, "--repair") == ""
    say.write_text('#!/gone/bin/python3\n"""Say."""\nfrom __future__ import annotations\n')
    assert "some still name /gone: install these packages again" in doctor(root, "--repair", code=1)
