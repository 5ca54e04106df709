"""The workflows of GitHub Actions: the matrix is the session list, actions are pinned, rights are few."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml

from builder.artifacts.verification import Kind, Verifier
from builder.inputs.choices import Signing
from builder.pipeline.artifacts import ArtifactShelf
from builder.targets import Arch, Format, Target, Variant
from builder.trust.signers import Signer
from tests.support.factories import settings
from tests.support.signing import key_of, private_text

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
    endings = {
        Format.TAR: ("tgz", "manifest.json", "cdx.json", "provenance.json"),
        Format.DEB: ("deb", "deb.provenance.json"),
    }
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


# To make the release, and have GitHub state what it is made from; to push a branch and propose it.
WRITES = {
    "packages.yml": ["contents: write", "id-token: write", "attestations: write"],
    "bump.yml": ["contents: write", "pull-requests: write"],
}
PUBLISHES = "github.ref == 'refs/heads/main' || github.ref_type == 'tag'"
READS = "github.ref != 'refs/heads/main' && github.ref_type != 'tag'"
READING = {"CACHE_URL", "CACHE_READ_TOKEN", "CACHE_READ_USER", "CACHE_READ_PASSWORD"}
WRITING = {"CACHE_URL", "CACHE_TOKEN", "CACHE_USER", "CACHE_PASSWORD", "CACHE_SIGNING_KEY"}
PACKAGES = ROOT / ".github" / "workflows" / "packages.yml"
TO_A_FILE = "printf '%s\\n' \"$SIGNING_KEY\" > key\n"  # the shell's own command, which no process shows


def broken_by_a_command(run: str, shell: str) -> Iterator[str]:
    """The rules that a step's commands break. GitHub's shell has pipefail only where it is asked for by its name."""
    if re.search(r"\b(pipx?|uvx?|npx?|curl|wget)\b", run):
        yield "a program that no digest names"
    if re.search(r"\$\{?\w*(TOKEN|PASSWORD|KEY)", run.replace(TO_A_FILE, "").replace('[ -n "$SIGNING_KEY" ]', "")):
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
            if named == {"SIGNING_KEY"}:
                found += signs_wrongly(job, steps)
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


def signs_wrongly(job: dict[str, object], steps: list[dict[str, object]]) -> Iterator[str]:
    """The rules that a job with the key that signs breaks: it makes a release, and runs nothing of a repository."""
    if (job.get("if"), job.get("environment")) != ("github.ref_type == 'tag'", "publish"):
        yield "a key for what is no release"
    runs = "".join(str(step.get("run", "")) for step in steps)
    if any("checkout" in str(step.get("uses", "")) for step in steps) or re.search(r"(^|\s)(\./|python|docker)", runs):
        yield "a key where foreign code runs"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_secrets_are_where_they_are_needed_and_a_pull_request_only_reads(workflow: Path) -> None:
    assert broken(workflow.read_text()) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("\npermissions:\n", "\nenv: {X: '${{ secrets.X }}'}\npermissions:\n", "a secret for every job"),
        ("    timeout-minutes: 120\n", "    env: {X: '${{ secrets.X }}'}\n", "a secret for every step"),
        ("secrets.CACHE_READ_TOKEN", "secrets.CACHE_TOKEN", "secrets that publish for who only reads"),
        ("secrets.CACHE_SIGNING_KEY", "secrets.SIGNING_KEY", "secrets that publish for who only reads"),
        (READS, "always()", "secrets that publish for who only reads"),
        ("CACHE_MODE: read\n", "CACHE_MODE: read-write\n", "a pull request publishes"),
        ("'refresh' || ", "", "a release made from the cache"),
        ("./nox -s help", "pipx run nox -s help", "a program that no digest names"),
        ("run: ./nox -s help", "run: 'true'", "dependencies installed with secrets at hand"),
        ("&& 'publish'", "&& ''", "secrets of every branch"),
        ("run: ./nox -s help", "run: env '${{ secrets.X }}'", "a secret where nothing needs it"),
        ("run: ./nox -s help", "run: git push https://$GH_TOKEN@e.org", "a secret in a command line"),
        ("run: ./nox -s help", "run: ./nox -s help | tee log", "a pipe that hides a failure"),
        ("    environment: publish\n", "", "a key for what is no release"),
        ("    if: github.ref_type == 'tag'\n    runs-on", "    runs-on", "a key for what is no release"),
        ("          mkdir release\n", "          python3 join.py\n", "a key where foreign code runs"),
        ("      - name: Join", "      - uses: actions/checkout@0\n      - name: Join", "a key where foreign code runs"),
        ("ssh-keygen -Y sign -f key", "openssl $SIGNING_KEY", "a secret in a command line"),
        ("      - name: Join", "      - run: echo $SIGNING_KEY\n      - name: Join", "a secret in a command line"),
    ],
)  # fmt: skip
def test_a_workflow_that_breaks_a_rule_is_seen(old: str, new: str, rule: str) -> None:
    text = PACKAGES.read_text()
    assert old in text
    assert rule in broken(text.replace(old, new))


def step(name: str) -> str:
    """The commands of a step of the release."""
    (found,) = (one["run"] for one in yaml.safe_load(PACKAGES.read_text())["jobs"]["release"]["steps"]
                if one.get("name") == name)  # fmt: skip
    return str(found)


@pytest.fixture
def arrived(tmp_path: Path) -> Path:
    """What the jobs have uploaded: some of the files that each of them packed, and its sums."""
    for number, names in enumerate([("a.tgz", "a.manifest.json"), ("b.deb",)]):
        folder = tmp_path / "packages" / f"packages-{number}"
        folder.mkdir(parents=True)
        shelf = ArtifactShelf(folder)
        for name in (*names, "not-uploaded.tgz"):
            (tmp_path / "part").write_text(f"{name} of {number}")
            shelf.publish(tmp_path / "part", name, "key", 1)
        shelf.sum_up(None)
        (folder / "not-uploaded.tgz").unlink()
        shutil.rmtree(folder / "cache")
    return tmp_path


def run(folder: Path, name: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does."""
    command = ["bash", "--noprofile", "--norc", "-e", "-c", step(name)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **env}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.needs("bash", "sha256sum", "ssh-keygen")
def test_the_sums_of_the_jobs_come_together_and_are_signed(arrived: Path) -> None:
    assert run(arrived, "Join the sums of the jobs").returncode == 0
    key = key_of(1)
    done = run(arrived, "Sign the sums", SIGNING_KEY=private_text(key).strip())
    assert done.returncode == 0
    assert not (arrived / "key").exists()
    release = arrived / "release"
    names = ["SHA256SUMS", "SHA256SUMS.sig", "a.manifest.json", "a.tgz", "b.deb"]
    assert sorted(path.name for path in release.iterdir()) == names
    subprocess.run(["sha256sum", "--strict", "--check", "SHA256SUMS"], cwd=release, check=True, capture_output=True)
    signers = (Signer("releases", key.public_key()),)
    found = Verifier(signers, Signing.REQUIRE, datetime.now(UTC)).files([release / name for name in names])
    kinds = [one.kind for one in found]
    assert (kinds.count(Kind.GOOD), kinds.count(Kind.WRONG)) == (4, 0)


def test_github_states_what_the_jobs_packed_before_it_is_released() -> None:
    steps = yaml.safe_load(PACKAGES.read_text())["jobs"]["release"]["steps"]
    names = [one.get("name") or one["uses"].partition("@")[0] for one in steps]
    states = names.index("actions/attest-build-provenance")
    assert names.index("Join the sums of the jobs") < states < names.index("Release")
    assert steps[states]["with"] == {"subject-checksums": "release/SHA256SUMS"}


@pytest.mark.needs("bash", "sha256sum")
def test_without_a_key_the_sums_are_not_signed(arrived: Path) -> None:
    assert run(arrived, "Join the sums of the jobs").returncode == 0
    assert run(arrived, "Sign the sums", SIGNING_KEY="").returncode == 0
    assert not (arrived / "release" / "SHA256SUMS.sig").exists()


@pytest.mark.needs("bash", "sha256sum")
@pytest.mark.parametrize(
    "damage",
    [
        lambda job: (job / "b.deb").write_text("evil"),
        lambda job: (job / "evil.deb").touch(),
        lambda job: (job / "b.deb").rename(job / "c.deb"),
        lambda job: (job / "b.deb").rename(job / "b.deb2"),
        lambda job: (job / "SHA256SUMS").write_text(""),
        lambda job: (job / "SHA256SUMS").unlink(),
    ],
)
def test_what_no_job_packed_is_not_released(arrived: Path, damage: Callable[[Path], object]) -> None:
    damage(arrived / "packages" / "packages-1")
    assert run(arrived, "Join the sums of the jobs").returncode != 0


@pytest.mark.parametrize("form", Format)
def test_each_job_keeps_its_sums(matrix: dict[str, dict[str, str]], form: Format) -> None:
    assert "out/SHA256SUMS" in matrix[session(Target(Variant.RUNTIME, Arch.ARM64), form)]["files"].split("\n")
