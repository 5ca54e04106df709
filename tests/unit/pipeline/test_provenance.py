"""The provenance of what a build made: what it is of, everything that went in, and no secret."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.console import Console
from builder.inputs import project as projects
from builder.inputs.choices import Libraries
from builder.inputs.commit import Commit
from builder.inputs.git import Repository
from builder.inputs.pins import Sysroot
from builder.inputs.settings import SETTINGS
from builder.pipeline import stores
from builder.pipeline.pipeline import Pipeline
from builder.pipeline.provenance import BUILD_TYPE, _each, _given
from builder.plan import plan_deb
from builder.roots.lock import read_root
from builder.stages.stage import Stage
from builder.targets import Arch, Target, Variant
from builder.trust import statement, sums
from tests.support.factories import COMMITTED, VERSION, assert_golden, checkout, environ, pylock
from tests.support.github import GITHUB
from tests.support.recorder import Recorder
from tests.support.signing import key_of, private_text

ROOT = Path(__file__).parents[3]
RUNTIME, DEV = Variant.RUNTIME, Variant.RUNTIME_DEV
NAME = "prt_v0_amd64.provenance.json"
ACROSS: dict[str, Any] = {"COMPILE": "across", "LIBRARIES": "bundled"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout in which nothing was built yet, with our own texts of a Debian package."""
    shutil.copytree(ROOT / "recipes" / "deb", tmp_path / "recipes" / "deb")
    return checkout(tmp_path)


def pipeline(root: Path, engine: Recorder | None = None, repository: Repository = COMMITTED, **values: str) -> Pipeline:
    """What builds there with canned bytes."""
    console = Console(stream=io.StringIO())
    given = replace(projects.read(root, environ(root, **values)), repository=repository)
    return Pipeline(given, engine or Recorder(), console, stores.source_shelf(given, console.say))


def stated(root: Path, variant: Variant = RUNTIME, **more: Any) -> dict[str, Any]:
    """Build a runtime; what its provenance says."""
    made = pipeline(root, **more).build(Target(variant, Arch.AMD64))
    return dict(json.loads((root / "out" / made[-1].name).read_bytes()))


def definition(found: Mapping[str, Any]) -> dict[str, Any]:
    """How it was built."""
    return dict(found["predicate"]["buildDefinition"])


def digests(found: Mapping[str, Any]) -> set[str]:
    """The digests of all that went in."""
    used = definition(found)["resolvedDependencies"]
    return {digest for one in used for digest in one["digest"].values()}


def of_inputs(stages: Iterable[Stage]) -> Iterator[str]:
    """The digest of every input that stages and what they start from have."""
    for stage in stages:
        yield from of_inputs(stage.parents)
        for file in stage.files:
            if isinstance(file.content, Sysroot):
                yield from (one.sha256 for one in (*file.content.packages, *file.content.headers))
            else:
                yield file.content.id if isinstance(file.content, Commit) else file.sha256


def test_it_is_a_statement_of_every_other_artifact_of_the_build(root: Path) -> None:
    found = stated(root, **ACROSS)
    listed = sums.parsed((root / "out" / sums.SUMS).read_bytes())
    assert NAME in listed
    del listed[NAME]
    assert len(listed) == 4
    assert {one["name"]: one["digest"] for one in found["subject"]} == {
        name: {"sha256": sha256} for name, sha256 in listed.items()
    }
    assert statement.subjects((root / "out" / NAME).read_bytes()) == listed
    assert (found["_type"], found["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert definition(found)["buildType"] == BUILD_TYPE


@pytest.mark.parametrize("how", [{}, ACROSS], ids=["in-place", "across"])
def test_every_input_of_the_plan_is_in_it(root: Path, how: dict[str, Any]) -> None:
    one = pipeline(root, **how)
    plan = one.plan(Target(RUNTIME, Arch.AMD64))
    wanted = {*of_inputs((plan.interpreter, plan.stage))}
    assert len(wanted) > 20
    found = stated(root, **how)
    assert wanted - digests(found) == set()
    assert {one["name"] for one in definition(found)["resolvedDependencies"]} >= {
        f"Python-{VERSION}.tar.xz", "checkout", "runtime/requirements/runtime/10-web.txt",
    }  # fmt: skip
    # Of the same content there is no second one, and each has a name or an address.
    everything = definition(found)["resolvedDependencies"]
    assert len(digests(found)) == len(everything)
    assert all({"name", "uri"} & one.keys() for one in everything)


def test_what_a_lock_names_is_in_it_with_its_address(root: Path) -> None:
    sha256 = "5" * 64
    lock = pylock("fastapi", sha256) + '\n[tool.python-runtime-builder]\nmade-for = ["fastapi"]\n'
    (root / "recipes" / "runtime" / "pylock.toml").write_text(lock)
    one = pipeline(root)
    plan = one.plan(Target(RUNTIME, Arch.AMD64))
    assert plan.locks.named
    provenance = one._provenance.of_runtime(plan, plan.locks.named, [], [])
    assert {
        "name": "fastapi-1.0-py3-none-any.whl", "uri": "pkg:pypi/fastapi@1.0", "digest": {"sha256": sha256},
    } in json.loads(provenance)["predicate"]["buildDefinition"]["resolvedDependencies"]  # fmt: skip


def test_what_the_requirements_resolve_to_is_in_it(root: Path) -> None:
    content = b"a wheel"
    sha256 = hashlib.sha256(content).hexdigest()
    lock = f"fastapi==1.0+local --hash=sha256:{sha256}  # fastapi-1.0-py3-none-any.whl\n".encode()
    one = pipeline(root, Recorder(canned={"packages.lock": lock}))
    kept = root / "wheel"
    kept.write_bytes(content)
    one.cache.keep_content(sha256, kept)
    one.build(Target(RUNTIME, Arch.AMD64))
    used = definition(json.loads((root / "out" / NAME).read_bytes()))["resolvedDependencies"]
    assert {
        "name": "fastapi-1.0-py3-none-any.whl", "uri": "pkg:pypi/fastapi@1.0%2Blocal", "digest": {"sha256": sha256},
    } in used  # fmt: skip


def test_the_packages_of_a_root_file_system_are_in_it_where_the_steps_ran_in_it(root: Path) -> None:
    shutil.copytree(ROOT / "recipes" / "builder", root / "recipes" / "builder")
    folder = root / "recipes" / "builder"
    builder, compiler = (read_root(folder / f"{name}.txt", folder / f"{name}.lock", Arch.AMD64)
                         for name in ("builder", "compiler"))  # fmt: skip
    expected = {one.sha256 for one in (*builder.packages, *compiler.packages)}

    class Rooted(Recorder):
        def toolchain(self, arch: Arch, python: str, compiles: bool) -> str:
            return compiler.digest

    inside = digests(stated(root, engine=Rooted(around=builder.digest), **ACROSS))
    assert expected - inside == set()
    shutil.rmtree(root / "out")
    assert digests(stated(root, **ACROSS)) & expected == set()  # another machine: its packages are not known


def test_a_development_runtime_starts_from_the_archive_and_says_so(root: Path) -> None:
    found = stated(root, DEV)
    before = json.loads((root / "out" / NAME).read_bytes())
    archive = {one["name"]: one["digest"] for one in before["subject"]}["prt_v0_amd64.tgz"]
    assert {"name": "prt_v0_amd64.tgz", "digest": archive} in definition(found)["resolvedDependencies"]
    assert definition(found)["externalParameters"]["session"] == "runtime-dev-x86"
    plan = pipeline(root).plan(Target(DEV, Arch.AMD64))
    assert {*of_inputs([plan.stage])} - digests(found) == set()


def test_a_package_is_made_from_the_archive_and_has_its_own(root: Path) -> None:
    one = pipeline(root)
    package, provenance = one.deb(Target(RUNTIME, Arch.AMD64))
    assert (package.name, provenance.name) == ("prt_0_amd64.deb", "prt_0_amd64.deb.provenance.json")
    content = (root / "out" / provenance.name).read_bytes()
    assert statement.subjects(content) == {package.name: package.sha256}
    found = json.loads(content)
    archive = sums.parsed((root / "out" / sums.SUMS).read_bytes())["prt_v0_amd64.tgz"]
    assert definition(found)["externalParameters"]["session"] == "deb-x86"
    plan = plan_deb(one.plan(Target(RUNTIME, Arch.AMD64)), one.project.deb_recipe)
    assert {archive, *of_inputs([plan.stage])} - digests(found) == set()
    (root / "out" / provenance.name).unlink()
    assert pipeline(root).deb(Target(RUNTIME, Arch.AMD64)) != []
    assert (root / "out" / provenance.name).read_bytes() == content


def test_the_same_inputs_give_the_same_bytes_in_another_folder_and_later(root: Path, tmp_path: Path) -> None:
    stated(root)
    other = checkout(tmp_path / "another folder")
    stated(other, ARTIFACT_DIR=str(tmp_path / "elsewhere" / ".." / "another folder" / "out"), JOBS="2", V="1")
    assert (root / "out" / NAME).read_bytes() == (other / "out" / NAME).read_bytes()
    text = (root / "out" / NAME).read_text()
    assert str(root) not in text
    assert not re.search(r"\d{4}-\d\d-\d\dT|startedOn|finishedOn", text)


def test_settings_that_were_given_and_decide_are_in_it_and_no_others(root: Path) -> None:
    assert definition(stated(root))["externalParameters"]["settings"] == {
        "PYTHON_VERSION": VERSION, "COMPILE": "in-place", "LIBRARIES": "system",
    }  # fmt: skip
    found = stated(root, OPTIMIZE="0", ARCHIVE_FOLDER="yes", PRT_ROOT="/opt/prt", SIGNING="off", CACHE_MODE="local")
    assert definition(found)["externalParameters"]["settings"] == {
        "PYTHON_VERSION": VERSION, "COMPILE": "in-place", "LIBRARIES": "system", "OPTIMIZE": "0",
        "ARCHIVE_FOLDER": "1", "PRT_ROOT": "/opt/prt",
    }  # fmt: skip


def test_of_several_versions_each_is_stated_as_if_it_alone_was_asked_for(root: Path) -> None:
    both = projects.read(root, environ(root, PYTHON_VERSION=f"{VERSION} {VERSION}t"))
    one = pipeline(root)
    one.project = replace(both.each_version()[1], repository=COMMITTED)
    made = one.build(Target(RUNTIME, Arch.AMD64))
    given = definition(json.loads((root / "out" / made[-1].name).read_bytes()))["externalParameters"]["settings"]
    assert (given["PYTHON_VERSION"], given["PACKAGE_PREFIX"], given["PRT_ROOT"]) == (
        f"{VERSION}t", "prt3.13t", "/prt3.13t",
    )  # fmt: skip


# A new setting is in none: whether it decides what is built is for a person to say.
DECIDE_NOTHING = {
    "ARTIFACT_DIR", "TEST_IMAGE", "DOCKER_HOST_AMD64", "DOCKER_HOST_ARM64", "SOURCE_MIRROR", "DEBIAN_MIRROR",
    "PYENV_ROOT", "CA_BUNDLE", "OSV_DATABASE", "CACHE_URL", "CACHE_MODE", "CACHE_TOKEN", "CACHE_USER", "CACHE_PASSWORD",
    "CACHE_STRICT", "CACHE_SIZE", "SIGNING_KEY", "SIGNING", "NO_CACHE", "NO_PACKAGE_CACHE", "JOBS", "V",
    "ENGINE",  # what it comes to is an internal parameter
}  # fmt: skip


def test_each_setting_is_known_to_decide_or_not(root: Path) -> None:
    one = pipeline(root)
    other: dict[str, Any] = {row.field: object() for row in SETTINGS}
    every = {row.name for row in SETTINGS} - DECIDE_NOTHING
    for libraries, without in ((Libraries.SYSTEM, set[str]()), (object(), {"BASE_IMAGE"})):  # which those are from
        settings = replace(one.project.settings, **{**other, "libraries": libraries})
        assert {name for name, _ in _given(settings)} == every - without


def test_no_secret_gets_in(root: Path) -> None:
    secrets: dict[str, Any] = {
        "CACHE_TOKEN": "t0ken-of-mine",
        "CACHE_PASSWORD": "p4ssword-of-mine",
        "SIGNING_KEY": private_text(key_of(1)),
        "PACKAGE_DESC": "see https://me:s3same@example.org/",
        "CACHE_USER": "some-user",
    }
    assert {row.name for row in SETTINGS if row.secret} < secrets.keys()
    found = stated(root, CACHE_MODE="local", **secrets)
    text = (root / "out" / NAME).read_text()
    words = ("t0ken", "p4ssword", "s3same", "some-user", "PRIVATE KEY", private_text(key_of(1)).splitlines()[2])
    assert [word for word in words if word in text] == []
    given = definition(found)["externalParameters"]["settings"]
    assert given["PACKAGE_DESC"] == "see https://****@example.org/"  # without which the test would see nothing


def test_a_place_with_a_login_is_no_address(root: Path) -> None:
    pins = root / "recipes" / "pins.toml"
    places = 'places = ["/mirror", "https://me:s3same@example.org/x", "https://example.org/x"]'
    pins.write_text(pins.read_text().replace('places = ["/nowhere/python"]', places))
    used = definition(stated(root))["resolvedDependencies"]
    (python,) = (one for one in used if one["name"] == f"Python-{VERSION}.tar.xz")
    assert python["uri"] == "https://example.org/x"
    assert "s3same" not in str(used)


def test_a_checkout_with_changes_is_said_to_have_some(root: Path) -> None:
    found = stated(root, repository=replace(COMMITTED, dirty=True))
    assert definition(found)["resolvedDependencies"][0] == {
        "name": "checkout", "digest": {"gitCommit": COMMITTED.commit}, "annotations": {"dirty": True},
    }  # fmt: skip
    none = stated(root, repository=replace(COMMITTED, commit=None))
    assert "gitCommit" not in str(none)


def test_who_built_it_is_no_more_than_what_is_known(root: Path) -> None:
    assert stated(root)["predicate"]["runDetails"] == {
        "builder": {"id": "pkg:generic/python-runtime-builder@1?runs_on=machine#docs/provenance.md"}
    }
    shutil.rmtree(root / "out")
    found = stated(root, **GITHUB)
    assert found["predicate"]["runDetails"] == {
        "builder": {"id": "pkg:generic/python-runtime-builder@1?runs_on=github-hosted#docs/provenance.md"},
        "metadata": {"invocationId": "https://github.com/octocat/hello/actions/runs/17/attempts/2"},
    }
    commit = definition(found)["resolvedDependencies"][0]
    assert commit["uri"] == "git+https://github.com/octocat/hello@refs/tags/v1"


def test_a_stage_that_others_start_from_is_looked_at_once_however_far_it_is() -> None:
    last = Stage("last", {}, (), (), "output")
    proof = Stage("proof", {}, (), (), "output")
    middle = Stage("middle", {}, (), (), "output", parents=(last,), acceptance=proof)
    first = Stage("first", {}, (), (), "output", parents=(middle, last))
    assert [one.name for one in _each(first, middle)] == ["first", "middle", "last", "proof"]


def test_a_whole_statement_is_as_the_golden_file_shows(root: Path) -> None:
    """The page about it names this file as its example. Digests change with every edit, and programs are many."""
    found = stated(root, PACKAGE_VERSION="v1", **GITHUB, **ACROSS)
    used = definition(found)["resolvedDependencies"]
    used[:] = [one for one in used if not re.match(r"[\w-]+/(?!requirements)", one["name"])]
    assert_golden(
        "provenance.json", re.sub("[0-9a-f]{64}", "…", json.dumps(found, indent=2, ensure_ascii=False)) + "\n"
    )


def test_the_page_about_it_has_each_part(root: Path) -> None:
    page = (ROOT / "docs" / "provenance.md").read_text()
    found = stated(root, **GITHUB)
    parts = {*definition(found), *definition(found)["internalParameters"], *definition(found)["externalParameters"]}
    assert [part for part in (*parts, BUILD_TYPE, *found["predicate"]["runDetails"]) if f"`{part}`" not in page] == []
