"""The workflow of GitHub Actions: its matrix is the session list, its actions are pinned, its rights are few."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from builder.targets import Arch, Format, Target, Variant

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RUNNERS = {Arch.AMD64: "ubuntu-24.04", Arch.ARM64: "ubuntu-24.04-arm"}


@pytest.fixture(scope="module")
def matrix() -> dict[str, dict[str, str]]:
    """The entries of the matrix by session, made as the workflow makes them."""
    nox = [sys.executable, "-m", "nox", "--script-mode=none", "--list", "--json", "--tags", "matrix"]
    listed = subprocess.run(nox, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    script = [sys.executable, str(ROOT / ".github" / "matrix.py")]
    made = subprocess.run(script, check=True, input=listed, capture_output=True, text=True).stdout
    return {entry["session"]: entry for entry in json.loads(made)}


def session(target: Target, form: Format) -> str:
    """The session that proves a package."""
    kind = "-deb" if form is Format.DEB else ""
    return f"test{kind}{target.variant.package_suffix}-{target.arch.suffix}"


def test_every_package_is_proved_on_a_machine_of_its_own_architecture(matrix: dict[str, dict[str, str]]) -> None:
    expected = {
        session(Target(variant, arch), form): RUNNERS[arch] for arch in Arch for variant in Variant for form in Format
    }
    assert {name: entry["runner"] for name, entry in matrix.items()} == expected


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("variant", Variant)
def test_each_job_keeps_the_package_it_proved_and_no_other(
    matrix: dict[str, dict[str, str]], variant: Variant, form: Format
) -> None:
    patterns = matrix[session(Target(variant, Arch.ARM64), form)]["files"].split("\n")
    endings = {Format.TAR: ("tgz", "manifest.json"), Format.DEB: ("deb",)}
    # What such a job leaves: its own package, and those it was made from or exchanged for.
    built = {
        Target(each, Arch.ARM64).artifact("prt", "v1", ending): (each, kind)
        for kind in Format
        for each in Variant
        for ending in endings[kind]
        if (each is Variant.RUNTIME or variant is Variant.RUNTIME_DEV) and (kind is Format.TAR or form is Format.DEB)
    }

    def kept(name: str) -> bool:
        wanted = any(fnmatchcase(f"out/{name}", one) for one in patterns if not one.startswith("!"))
        return wanted and not any(fnmatchcase(f"out/{name}", one[1:]) for one in patterns if one.startswith("!"))

    assert {name for name in built if kept(name)} == {name for name, of in built.items() if of == (variant, form)}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_digest_and_rights_are_few(workflow: Path) -> None:
    text = workflow.read_text()
    uses = re.findall(r"uses: (.+)", text)
    assert uses
    assert [one for one in uses if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)] == []
    assert text.count("\npermissions:\n  contents: read\n") == 1
    assert re.findall(r"\w+: write", text) == ["contents: write"]
