"""A plan is run: what is built, what is reused, and what is left when a step fails."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from builder.console import Console
from builder.errors import BuildError, UserError
from builder.pipeline import stores
from builder.pipeline.artifacts import Artifact
from builder.pipeline.pipeline import Pipeline
from builder.targets import Arch, Target, Variant
from builder.trust.sums import SUMS, parsed
from tests.support.factories import OTHER, SOURCE, TARBALL, checkout, project, pyenv
from tests.support.recorder import Answer, Recorder

RUNTIME, DEV = Variant.RUNTIME, Variant.RUNTIME_DEV
COMPILE = "compile CPython 3.13.5 (PGO, LTO)"
MANIFEST, ARCHIVE = "prt_v0_amd64.manifest.json", "prt_v0_amd64.tgz"
FILES = [f"prt_v0_amd64.{ending}" for ending in ("cdx.json", "manifest.json", "provenance.json", "tgz")]
DEV_FILES = [name.replace("prt", "prt-dev") for name in FILES]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout in which nothing was built yet."""
    return checkout(tmp_path)


def build(root: Path, engine: Recorder, variant: Variant = RUNTIME, **values: str) -> tuple[list[Artifact], str]:
    """Build a target for amd64; its artifacts, and what the user sees."""
    console = Console(stream=io.StringIO())
    given = project(root, **values)
    pipeline = Pipeline(given, engine, console, stores.source_shelf(given, console.say))
    artifacts = pipeline.build(Target(variant, Arch.AMD64))
    assert isinstance(console.stream, io.StringIO)
    return artifacts, console.stream.getvalue()


def stages(engine: Recorder) -> list[str]:
    """Which kinds of stages were run, besides the resolution of packages."""
    names = [[step.name for step in place.steps] for place in engine.workplaces]
    return ["interpreter" if COMPILE in one else "package" for one in names if "write lock" not in one]


def published(root: Path) -> list[str]:
    """The names of the artifacts in ARTIFACT_DIR, which are those that SHA256SUMS lists."""
    sums = root / "out" / SUMS
    names = {path.name for path in (root / "out").iterdir() if path.is_file()} - {"cache-stats.json", SUMS}
    assert names == ({*parsed(sums.read_bytes())} if sums.exists() else set())
    return sorted(names)


def cached(root: Path) -> list[Path]:
    """Everything of the store."""
    return sorted(path for path in (root / "out" / "cache" / "v1").rglob("*") if path.is_file())


def test_the_first_build_compiles_and_publishes_every_file(root: Path) -> None:
    engine = Recorder()
    artifacts, shown = build(root, engine)
    assert stages(engine) == ["interpreter", "package"]
    assert published(root) == FILES
    assert sorted(one.name for one in artifacts) == FILES
    assert "to be compiled (none built yet)" in shown


def test_the_artifact_is_what_the_engine_made_and_the_manifest_is_complete(root: Path) -> None:
    build(root, Recorder())
    manifest = json.loads((root / "out" / MANIFEST).read_text())
    assert (root / "out" / ARCHIVE).read_bytes() == b"canned artifact.tgz"
    assert manifest["compiled"] == "native"
    assert manifest["libc_floor"] == "glibc 2.34"
    assert sorted(manifest["stage_keys"]) == ["interpreter", "runtime"]


def test_the_manifest_says_when_the_interpreter_was_emulated(root: Path) -> None:
    build(root, Recorder(emulated_by="qemu 10.0.2"))
    build(root, Recorder(), DEV)
    for name in (MANIFEST, DEV_FILES[1]):
        assert json.loads((root / "out" / name).read_text())["compiled"] == "emulated by qemu 10.0.2"


def test_the_second_build_does_nothing_and_says_so(root: Path) -> None:
    first, _ = build(root, Recorder())
    engine = Recorder()
    second, shown = build(root, engine)
    assert engine.workplaces == []
    assert shown == "prt_v0_amd64.tgz: up to date, nothing to do\n"
    assert sorted(second, key=str) == sorted(first, key=str)


@pytest.mark.parametrize("name", FILES)
def test_an_artifact_that_was_altered_is_made_again_from_the_cached_interpreter(root: Path, name: str) -> None:
    build(root, Recorder())
    (root / "out" / name).write_bytes(b"altered")
    engine = Recorder()
    _, shown = build(root, engine)
    assert stages(engine) == ["package"]
    assert "interpreter: from the cache" in shown
    assert (root / "out" / name).read_bytes() != b"altered"


def test_a_changed_requirement_reuses_the_interpreter(root: Path) -> None:
    build(root, Recorder())
    (root / "recipes/runtime/requirements/10-web.txt").write_text("flask\n")
    engine = Recorder()
    build(root, engine)
    assert stages(engine) == ["package"]


def test_another_toolchain_compiles_and_says_why(root: Path) -> None:
    build(root, Recorder())
    engine = Recorder(fingerprint="a newer one")
    _, shown = build(root, engine)
    assert stages(engine) == ["interpreter", "package"]
    assert "to be compiled (changed: toolchain)" in shown


@pytest.mark.parametrize("step", [COMPILE, "check modules", "install packages", "pack artifact"])
def test_a_failed_step_leaves_no_artifact(root: Path, step: str) -> None:
    engine = Recorder(answers={step: Answer(2, ("what the compiler says",))})
    with pytest.raises(BuildError) as problem:
        build(root, engine)
    assert f"step '{step}' failed with exit code 2" in problem.value.message
    assert "what the compiler says" in problem.value.message
    assert engine.step_names[-1] == step
    assert published(root) == []


def test_an_interrupted_build_leaves_no_artifact_and_no_workplace(root: Path) -> None:
    engine = Recorder(answers={"install packages": Answer(raises=KeyboardInterrupt())})
    with pytest.raises(KeyboardInterrupt):
        build(root, engine)
    assert published(root) == []
    assert not any(place.open for place in engine.workplaces)


def test_a_failed_compile_is_not_cached(root: Path) -> None:
    with pytest.raises(BuildError):
        build(root, Recorder(answers={"check modules": Answer(1)}))
    assert cached(root) == []


def test_a_failed_runtime_stage_keeps_the_compiled_interpreter(root: Path) -> None:
    with pytest.raises(BuildError):
        build(root, Recorder(answers={"pip check": Answer(1)}))
    engine = Recorder()
    build(root, engine)
    assert stages(engine) == ["package"]


def test_a_failed_build_leaves_the_earlier_artifact(root: Path) -> None:
    build(root, Recorder())
    before = (root / "out" / MANIFEST).read_bytes()
    with pytest.raises(BuildError):
        build(root, Recorder(answers={"pip check": Answer(1)}), NO_PACKAGE_CACHE="1")
    assert (root / "out" / MANIFEST).read_bytes() == before


def test_a_failure_names_a_log_that_holds_its_lines(root: Path) -> None:
    engine = Recorder(answers={"pip check": Answer(1, ("conflict",))})
    with pytest.raises(BuildError) as problem:
        build(root, engine)
    log = Path(problem.value.message.rpartition("full log: ")[2])
    assert log == root / "out" / "logs" / "runtime-amd64.log"
    head, command, line = log.read_text().splitlines()[-3:]
    assert (head, line) == ("=== pip check", "conflict")
    assert command.endswith(" -m pip check")


def test_a_log_holds_one_build_and_no_password(root: Path) -> None:
    engine = Recorder(answers={"install packages": Answer(lines=("via http://u:hush@proxy",))})
    for _ in range(2):
        build(root, engine, NO_PACKAGE_CACHE="1", https_proxy="http://u:hush@proxy")
    text = (root / "out" / "logs" / "runtime-amd64.log").read_text()
    assert text.count("via http://****@proxy") == 1
    assert "hush" not in text


def test_no_cache_compiles_again_and_leaves_the_store_as_it_is(root: Path) -> None:
    build(root, Recorder())
    before = {path: path.stat().st_mtime_ns for path in cached(root)}
    engine = Recorder()
    _, shown = build(root, engine, NO_CACHE="1")
    assert stages(engine) == ["interpreter", "package"]
    assert "to be compiled (NO_CACHE=1)" in shown
    assert {path: path.stat().st_mtime_ns for path in cached(root)} == before


def test_no_cache_writes_nothing_into_an_empty_store(root: Path) -> None:
    build(root, Recorder(), NO_CACHE="1")
    assert cached(root) == []
    assert published(root) == FILES


def test_no_package_cache_installs_again_on_the_cached_interpreter(root: Path) -> None:
    build(root, Recorder())
    engine = Recorder()
    build(root, engine, NO_PACKAGE_CACHE="1")
    assert stages(engine) == ["package"]


@pytest.mark.parametrize("bytes_", [b"", b"canned", b"CANNED INTERPRETER.TGZ"])
def test_a_damaged_cached_interpreter_is_warned_about_and_compiled_again(root: Path, bytes_: bytes) -> None:
    build(root, Recorder())
    (content,) = (path for path in cached(root) if path.read_bytes() == b"canned interpreter.tgz")
    content.write_bytes(bytes_)
    engine = Recorder()
    _, shown = build(root, engine, NO_PACKAGE_CACHE="1")
    assert stages(engine) == ["interpreter", "package"]
    assert f"warning: interpreter: to be compiled ({content} is missing or altered)" in shown
    assert content.read_bytes() == b"canned interpreter.tgz"


def test_the_runtime_stage_starts_from_the_cached_interpreter(root: Path) -> None:
    engine = Recorder()
    build(root, engine)
    parent = engine.workplaces[-1].items["parent.tgz"].content
    assert isinstance(parent, Path)
    assert parent.is_relative_to(root / "out" / "cache")
    assert parent.read_bytes() == b"canned interpreter.tgz"


def test_runtime_dev_builds_runtime_first_and_starts_from_its_tarball(root: Path) -> None:
    engine = Recorder()
    artifacts, _ = build(root, engine, DEV)
    assert stages(engine) == ["interpreter", "package", "package"]
    assert published(root) == sorted([*FILES, *DEV_FILES])
    assert sorted(one.name for one in artifacts) == DEV_FILES
    assert engine.workplaces[-1].items["parent.tgz"].content == root / "out" / "prt_v0_amd64.tgz"


def test_runtime_dev_takes_the_runtime_that_is_there(root: Path) -> None:
    build(root, Recorder())
    engine = Recorder()
    build(root, engine, DEV)
    assert stages(engine) == ["package"]
    assert "resolve requirements" in engine.step_names


def test_a_changed_development_recipe_leaves_the_runtime_alone(root: Path) -> None:
    build(root, Recorder(), DEV)
    (root / "recipes/dev/requirements/10-tools.txt").write_text("ruff\n")
    engine = Recorder()
    _, shown = build(root, engine, DEV)
    assert stages(engine) == ["package"]
    assert "prt_v0_amd64.tgz: up to date, nothing to do" in shown


def test_a_source_with_a_wrong_digest_stops_the_build_before_any_step(root: Path) -> None:
    (root / "mirror" / SOURCE.file).write_bytes(b"something else")
    engine = Recorder()
    with pytest.raises(BuildError) as problem:
        build(root, engine)
    assert f"no place has {SOURCE.file} with sha256 {SOURCE.sha256}" in problem.value.message
    assert problem.value.hint.endswith(f"; to be had: PYTHON_VERSION={OTHER.version}")
    assert "wrong digest" in problem.value.message
    assert engine.step_names == []
    assert published(root) == []


def test_a_version_that_no_place_has_either_is_not_named(root: Path) -> None:
    for source in (SOURCE, OTHER):
        (root / "mirror" / source.file).unlink()
    with pytest.raises(BuildError) as problem:
        build(root, Recorder())
    assert "PYTHON_VERSION" not in problem.value.hint


def test_a_newer_patch_of_python_is_mentioned(root: Path) -> None:
    _, shown = build(root, Recorder(), PYTHON_VERSION="3.13.4")
    assert "note: Python 3.13.5 is known; PYTHON_VERSION asks for 3.13.4" in shown


@pytest.mark.parametrize("wanted", ["3.13.5", "3.13.4", "3.13"])
@pytest.mark.parametrize("there", [True, False])
def test_a_pyenv_changes_nothing_where_the_pinned_python_build_knows_the_version(
    root: Path, wanted: str, there: bool
) -> None:
    other = pyenv(root / "pyenv", script="#!/bin/other\n", knows="3.13.9") if there else root / "nowhere"
    build(root, Recorder(), PYTHON_VERSION=wanted)
    _, shown = build(root, Recorder(), PYTHON_VERSION=wanted, PYENV_ROOT=str(other))
    assert shown.endswith("prt_v0_amd64.tgz: up to date, nothing to do\n")
    assert "PYENV_ROOT" not in shown


def test_a_version_that_only_a_pyenv_knows_is_built_by_it_and_that_is_said(root: Path) -> None:
    engine = Recorder()
    other = pyenv(root / "pyenv", script="#!/bin/other\n", knows="3.13.9")
    (root / "mirror" / "Python-3.13.9.tar.xz").write_bytes(TARBALL)
    _, shown = build(root, engine, PYTHON_VERSION="3.13.9", PYENV_ROOT=str(other))
    line = f"note: the pinned python-build does not know Python 3.13.9: taking that of PYENV_ROOT={other}"
    assert shown.splitlines()[0] == line
    program = engine.workplaces[0].items["python-build/bin/python-build"].content
    assert isinstance(program, bytes)
    assert program.startswith(b"#!/bin/other\n")


def test_a_version_that_neither_knows_is_refused_with_what_is_known(root: Path) -> None:
    other = pyenv(root / "pyenv", knows="3.13.9")
    with pytest.raises(UserError, match=r"^PYTHON_VERSION=3\.13\.8: neither"):
        build(root, Recorder(), PYTHON_VERSION="3.13.8", PYENV_ROOT=str(other))


def test_what_a_killed_build_left_goes_when_the_next_one_starts(root: Path) -> None:
    left = root / "out" / "work" / "parts-x"
    left.mkdir(parents=True)
    (left / "half.part").touch()
    build(root, Recorder())
    assert not left.exists()
