"""The sessions that build nothing, through nox itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import copy_of_this


@pytest.mark.needs("git")
def test_nox_alone_prints_every_setting_with_its_origin(tmp_path: Path) -> None:
    checkout = copy_of_this(tmp_path)
    checkout.write("Makefile.vars", "PACKAGE_DESC = Python $(PYTHON_VERSION) for us\n")
    subprocess.run(["git", "tag", "v7"], cwd=tmp_path, check=True)
    text = checkout.nox("settings", PRT_PYTHON_VERSION="3.13.4").succeeds()
    lines = {line.split()[0]: " ".join(line.split()) for line in text.splitlines() if line.strip()}
    assert lines["PYTHON_VERSION"] == "PYTHON_VERSION 3.13.4 environment"
    assert lines["PACKAGE_DESC"] == "PACKAGE_DESC Python 3.13.4 for us Makefile.vars:1"
    assert lines["PACKAGE_VERSION"] == "PACKAGE_VERSION v7 git tag"
    assert lines["PACKAGE_PREFIX"] == "PACKAGE_PREFIX prt default"


def test_env_prints_lines_that_a_shell_evaluates(tmp_path: Path) -> None:
    checkout = copy_of_this(tmp_path, PACKAGE_DESC="two words; and 'more'")
    script = 'eval "$1"; printf "%s|%s" "$PACKAGE_DESC" "$TARBALL_RUNTIME_DEV_ARM"'
    process = checkout.start("env")
    lines = [line for line in process.communicate()[0].splitlines() if not line.startswith("nox >")]
    done = subprocess.run(["/bin/sh", "-c", script, "sh", "\n".join(lines)], check=True, capture_output=True, text=True)
    assert done.stdout == "two words; and 'more'|prt-dev_v0_arm64.tgz"


def test_clean_removes_the_packages_and_clobber_the_cache_as_well(tmp_path: Path) -> None:
    checkout = copy_of_this(tmp_path, DOCKER_HOST=f"unix://{tmp_path}/no-docker.sock")
    checkout.write("out/prt_v0_amd64.tgz", "package")
    checkout.write("out/cache/artifacts/prt_v0_amd64.tgz.json", "{}")
    checkout.write("out/cache/sources/x", "source")
    checkout.write("out/notes.txt", "mine")
    checkout.nox("clean").succeeds()
    assert checkout.artifacts() == ["notes.txt"]
    assert (checkout.out / "cache" / "sources" / "x").is_file()
    checkout.nox("clobber").succeeds()
    assert [path.name for path in checkout.out.iterdir()] == ["notes.txt"]


def test_pipx_runs_the_start_script_which_lies_there_under_the_name_it_looks_for(tmp_path: Path) -> None:
    checkout = copy_of_this(tmp_path)
    said = checkout.readme(sys.executable, "-m", "pipx", "run", "nox", "-s", "help").succeeds()
    assert "Build the runtime" in said
    assert list(tmp_path.glob(".nox/start-*"))


def test_a_nox_without_the_suites_dependencies_brings_those_of_the_noxfiles_block(tmp_path: Path) -> None:
    checkout = copy_of_this(tmp_path)
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", bare], check=True)
    subprocess.run([bare / "bin" / "pip", "install", "--quiet", "nox==2026.10.20"], check=True)
    assert "Build the runtime" in checkout.readme(str(bare / "bin" / "nox"), "-s", "help").succeeds()
