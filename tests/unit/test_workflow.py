"""The workflows of GitHub Actions: the matrix is the session list, actions are pinned, rights are few."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml

from builder.targets import Arch, Format, Target, Variant
from tests.support.factories import settings

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RUNNERS = {Arch.AMD64: "ubuntu-24.04", Arch.ARM64: "ubuntu-24.04-arm"}


def entries(sessions: str, versions: str) -> list[dict[str, str]]:
    """The matrix as the workflow makes it, of the session list and the settings."""
    env = {"PYTHON_VERSION": versions, "PACKAGE_PREFIX": "prt", "PRT_ROOT": "/prt"}
    script = [sys.executable, str(ROOT / ".github" / "matrix.py")]
    made = subprocess.run(script, check=True, input=sessions, env=env, capture_output=True, text=True).stdout
    return list(json.loads(made))


@pytest.fixture(scope="module")
def sessions() -> str:
    """The list of the sessions that prove packages."""
    nox = [sys.executable, "-m", "nox", "--script-mode=none", "--list", "--json", "--tags", "matrix"]
    return subprocess.run(nox, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def matrix(sessions: str) -> dict[str, dict[str, str]]:
    """The entries of the matrix by session."""
    return {entry["session"]: entry for entry in entries(sessions, "3.14")}


def test_one_version_is_built_as_it_is_set(matrix: dict[str, dict[str, str]]) -> None:
    assert {(entry["python"], entry["prefix"], entry["root"]) for entry in matrix.values()} == {("", "", "")}


def test_of_several_versions_each_is_a_job_with_the_settings_one_run_over_all_gives_it(
    sessions: str, tmp_path: Path
) -> None:
    versions = "3.13 3.14.7 3.15.0rc2 3.14t"
    found = entries(sessions, versions)
    assert len(found) == 4 * len(entries(sessions, "3.14"))
    expected = {
        (one.python_version, one.package_prefix, str(one.prt_root))
        for one in settings(tmp_path, PYTHON_VERSION=versions).each_version()
    }
    assert {(entry["python"], entry["prefix"], entry["root"]) for entry in found} == expected


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
    endings = {Format.TAR: ("tgz", "manifest.json", "cdx.json"), Format.DEB: ("deb",)}
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
    assert re.findall(r"[\w-]+: write", text) == WRITES.get(workflow.name, [])
    jobs = yaml.safe_load(text)["jobs"].values()
    assert "./nox" not in str([job for job in jobs if "write" in str(job.get("permissions"))]), "writes and builds"


# To make the release; to push a branch and propose it.
WRITES = {"packages.yml": ["contents: write"], "bump.yml": ["contents: write", "pull-requests: write"]}
PUBLISHES = "github.ref == 'refs/heads/main' || github.ref_type == 'tag'"
READS = "github.ref != 'refs/heads/main' && github.ref_type != 'tag'"
READING = {"CACHE_URL", "CACHE_READ_TOKEN", "CACHE_READ_USER", "CACHE_READ_PASSWORD"}
WRITING = {"CACHE_URL", "CACHE_TOKEN", "CACHE_USER", "CACHE_PASSWORD"}
PACKAGES = ROOT / ".github" / "workflows" / "packages.yml"


def broken_by_a_command(run: str, shell: str) -> Iterator[str]:
    """The rules that a step's commands break. GitHub's shell has pipefail only where it is asked for by its name."""
    if re.search(r"\b(pipx?|uvx?|npx?|curl|wget)\b", run):
        yield "a program that no digest names"
    if re.search(r"\$\{?\w*(TOKEN|PASSWORD)", run):
        yield "a secret in a command line"
    if re.search(r"[^|]\|[^|]", run) and shell != "bash":
        yield "a pipe that hides a failure"


def broken(text: str) -> list[str]:
    """The rules about secrets that a workflow breaks."""
    workflow = yaml.safe_load(text)
    jobs = workflow.pop("jobs")
    found = []
    if "secrets" in str(workflow):
        found.append("a secret for every job")
    for job in jobs.values():
        steps = job.pop("steps")
        if "secrets" in str(job):
            found.append("a secret for every step")
        for number, step in enumerate(steps):
            run, env = step.get("run", ""), step.get("env", {})
            named = set(re.findall(r"secrets\.(\w+)", str(step)))
            found += broken_by_a_command(run, step.get("shell", ""))
            if not named:
                continue
            if run != './nox -s "$SESSION"' or str(step["env"]).count("secrets.") != str(step).count("secrets."):
                found.append("a secret where nothing needs it")
            if "./nox -s help" not in [one.get("run") for one in steps[:number]]:
                found.append("dependencies installed with secrets at hand")
            if (step.get("if"), named) not in [(READS, READING), (PUBLISHES, WRITING)]:
                found.append("secrets that publish for who only reads")
            elif named == READING and env["CACHE_MODE"] != "read":
                found.append("a pull request publishes")
            elif named == WRITING and not env["CACHE_MODE"].startswith("${{ github.ref_type == 'tag' && 'refresh' ||"):
                found.append("a release made from the cache")
            if job.get("environment") != "${{ (" + PUBLISHES + ") && 'publish' || '' }}":
                found.append("secrets of every branch")
    return found


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_secrets_are_where_they_are_needed_and_a_pull_request_only_reads(workflow: Path) -> None:
    assert broken(workflow.read_text()) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("\npermissions:\n", "\nenv: {X: '${{ secrets.X }}'}\npermissions:\n", "a secret for every job"),
        ("    timeout-minutes: 120\n", "    env: {X: '${{ secrets.X }}'}\n", "a secret for every step"),
        ("secrets.CACHE_READ_TOKEN", "secrets.CACHE_TOKEN", "secrets that publish for who only reads"),
        (READS, "always()", "secrets that publish for who only reads"),
        ("CACHE_MODE: read\n", "CACHE_MODE: read-write\n", "a pull request publishes"),
        ("'refresh' || ", "", "a release made from the cache"),
        ("./nox -s help", "pipx run nox -s help", "a program that no digest names"),
        ("run: ./nox -s help", "run: 'true'", "dependencies installed with secrets at hand"),
        ("&& 'publish'", "&& ''", "secrets of every branch"),
        ("run: ./nox -s help", "run: env '${{ secrets.X }}'", "a secret where nothing needs it"),
        ("run: ./nox -s help", "run: git push https://$GH_TOKEN@e.org", "a secret in a command line"),
        ("run: ./nox -s help", "run: ./nox -s help | tee log", "a pipe that hides a failure"),
    ],
)  # fmt: skip
def test_a_workflow_that_breaks_a_rule_is_seen(old: str, new: str, rule: str) -> None:
    text = PACKAGES.read_text()
    assert old in text
    assert rule in broken(text.replace(old, new))
