"""What a recipe locks is brought to the runtime stage: from the cache, or downloaded once and verified."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from builder.console import Console
from builder.engines.base import Item
from builder.errors import BuildError
from builder.inputs import project as projects
from builder.inputs.package_lock import text_of
from builder.pipeline import stores
from builder.pipeline.pipeline import Pipeline
from builder.targets import Arch, Target, Variant
from tests.support.factories import checkout, project, pylock
from tests.support.recipes import put
from tests.support.recorder import Recorder, RecordingWorkplace

WHEELS = {"one": b"the wheel of one", "tool": b"the wheel of a tool"}


def sha256(content: bytes) -> str:
    """Its digest."""
    return hashlib.sha256(content).hexdigest()


def locked(folder: Path, name: str, *asked: str) -> None:
    """Lock one package in a folder of the recipe."""
    (folder / "pylock.toml").write_text(text_of(pylock(name, sha256(WHEELS[name])), asked))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout whose runtime asks for one package, and has a virtual environment with a tool."""
    root = checkout(tmp_path)
    runtime = root / "recipes" / "runtime"
    for path in (*runtime.glob("requirements/*"), runtime / "constraints.txt"):
        path.unlink(missing_ok=True)
    (runtime / "requirements" / "10-one.txt").write_text("one\n")
    locked(runtime, "one", "one")
    (runtime / "venvs" / "tool").mkdir(parents=True)
    (runtime / "venvs" / "tool" / "requirements.txt").write_text("tool\n")
    locked(runtime / "venvs" / "tool", "tool", "tool")
    return root


def downloaded(**wheels: bytes) -> dict[str, bytes]:
    """What the download step makes of these wheels."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as content:
        for name, body in wheels.items():
            entry = tarfile.TarInfo(f"./{name}-1.0-py3-none-any.whl")
            entry.size = len(body)
            content.addfile(entry, io.BytesIO(body))
    return {"fetched.tar": archive.getvalue()}


def build(root: Path, engine: Recorder, **values: str) -> None:
    """Build the runtime."""
    console = Console(stream=io.StringIO())
    given = project(root, **values)
    pipeline = Pipeline(given, engine, console, stores.source_shelf(given, console.say))
    pipeline.build(Target(Variant.RUNTIME, Arch.AMD64))


def place_of(engine: Recorder, step: str) -> RecordingWorkplace:
    """The workplace in which a step was run."""
    (place,) = (one for one in engine.workplaces if step in [each.name for each in one.steps])
    return place


def content(item: Item) -> bytes:
    """What a file of a workplace has."""
    return item.content if isinstance(item.content, bytes) else item.content.read_bytes()


def test_nothing_is_resolved_and_each_lock_is_downloaded_by_itself(root: Path) -> None:
    engine = Recorder(canned=downloaded(**WHEELS))
    build(root, engine)
    assert "resolve requirements" not in engine.step_names
    fetching = place_of(engine, "download packages")
    assert content(fetching.items["packages.lock"]).startswith(b"one==1.0 --hash=sha256:")
    assert content(fetching.items["venvs/tool.lock"]).startswith(b"tool==1.0 --hash=sha256:")
    items = place_of(engine, "install packages").items
    folders = {"one": "distributions", "tool": "venvs/tool"}
    assert {name: content(items[f"{folders[name]}/{name}-1.0-py3-none-any.whl"]) for name in WHEELS} == WHEELS
    assert "distributions/tool-1.0-py3-none-any.whl" not in items, "another lock may have another file of that name"
    assert content(items["packages.lock"]) == content(fetching.items["packages.lock"])
    assert content(items["venvs/tool.lock"]) == content(fetching.items["venvs/tool.lock"])


def test_what_is_at_hand_is_not_downloaded_again(root: Path) -> None:
    build(root, Recorder(canned=downloaded(**WHEELS)))
    (root / "out" / "prt_v0_amd64.tgz").unlink()
    engine = Recorder()
    build(root, engine)
    assert "download packages" not in engine.step_names
    assert "install packages of tool" in engine.step_names


def test_only_what_is_missing_is_downloaded(root: Path) -> None:
    build(root, Recorder(canned=downloaded(**WHEELS)))
    (root / "out" / "prt_v0_amd64.tgz").unlink()
    gone = sha256(WHEELS["tool"])
    (root / "out" / "cache" / "v1" / "cas" / "sha256" / gone[:2] / gone).unlink()
    engine = Recorder(canned=downloaded(tool=WHEELS["tool"]))
    build(root, engine)
    fetching = place_of(engine, "download packages")
    assert content(fetching.items["packages.lock"]) == b""
    assert content(fetching.items["venvs/tool.lock"]).startswith(b"tool==1.0")


@pytest.mark.parametrize("name", WHEELS)
def test_a_file_that_was_replaced_on_the_index_is_named_and_nothing_is_built(root: Path, name: str) -> None:
    engine = Recorder(canned=downloaded(**{**WHEELS, name: b"something else"}))
    with pytest.raises(BuildError, match=f"{name}-1.0-py3-none-any.whl was not downloaded with sha256"):
        build(root, engine)
    assert not (root / "out" / "prt_v0_amd64.tgz").exists()


def test_without_a_cache_everything_is_downloaded_each_time(root: Path) -> None:
    for _ in range(2):
        engine = Recorder(canned=downloaded(**WHEELS))
        build(root, engine, NO_CACHE="1")
        assert "download packages" in engine.step_names


def test_a_wheel_of_the_recipe_comes_from_there_and_from_nowhere_else(root: Path) -> None:
    wheels = root / "recipes" / "runtime" / "wheels"
    wheels.mkdir()
    (wheels / "one-1.0-py3-none-any.whl").write_bytes(WHEELS["one"])
    asked = f"wheels/one-1.0-py3-none-any.whl --hash=sha256:{sha256(WHEELS['one'])}"
    locked(wheels.parent, "one", "one", asked)
    engine = Recorder(canned=downloaded(tool=WHEELS["tool"]))
    build(root, engine)
    assert content(place_of(engine, "download packages").items["packages.lock"]) == b""
    installing = place_of(engine, "install packages").items
    assert content(installing["distributions/one-1.0-py3-none-any.whl"]) == WHEELS["one"]
    assert content(installing["packages.lock"]).startswith(b"one==1.0 --hash=sha256:")


MINE = "mine-1.2-cp313-cp313-linux_x86_64.whl"


@pytest.fixture
def building(root: Path) -> Path:
    """The checkout with a project of its own in the recipe, that is built by a tool."""
    runtime = root / "recipes" / "runtime"
    put(root, "recipes/runtime/packages/mine/pyproject.toml", content='[build-system]\nrequires = ["one"]\n')
    put(root, "recipes/runtime/packages/mine/mine.py", content="1")
    lock = (
        'lock-version = "1.0"\ncreated-by = "uv"\n[[packages]]\nname = "mine"\ndirectory = { path = "packages/mine" }\n'
    )
    (runtime / "pylock.toml").write_text(text_of(lock, projects.read(root, {}).recipes[Variant.RUNTIME].asked))
    (runtime / "builds").mkdir()
    (runtime / "builds" / "pylock.mine.toml").write_text(text_of(pylock("one", sha256(WHEELS["one"])), ["one"]))
    return root


def built(name: str = MINE, content: bytes = b"a wheel") -> dict[str, bytes]:
    """What the stage that builds a wheel makes, and what is downloaded for it."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        entry = tarfile.TarInfo(f"./{name}")
        entry.size = len(content)
        packed.addfile(entry, io.BytesIO(content))
    return {**downloaded(**WHEELS), "wheel.tgz": archive.getvalue()}


def test_a_project_is_built_once_with_the_files_of_its_lock_and_installed_by_its_digest(building: Path) -> None:
    engine = Recorder(canned=built())
    build(building, engine)
    items = place_of(engine, "build wheel").items
    assert content(items["source/mine.py"]) == b"1"
    assert content(items["distributions/one-1.0-py3-none-any.whl"]) == WHEELS["one"]
    assert "interpreter.tgz" in items
    installing = place_of(engine, "install packages").items
    line = f"mine==1.2 --hash=sha256:{sha256(b'a wheel')}  # {MINE}\n"
    assert content(installing["packages.lock"]) == line.encode()
    assert f"distributions/{MINE}" in installing
    assert "distributions/one-1.0-py3-none-any.whl" not in installing, "a tool is not part of the runtime"


def test_a_wheel_that_is_there_is_not_built_again_and_its_tools_are_not_wanted(building: Path) -> None:
    build(building, Recorder(canned=built()))
    put(building, "recipes/runtime/scripts/10-x", content="#!/bin/sh\n")
    gone = sha256(WHEELS["one"])
    (building / "out" / "cache" / "v1" / "cas" / "sha256" / gone[:2] / gone).unlink()
    engine = Recorder()
    build(building, engine)
    assert "build wheel" not in engine.step_names
    assert "download packages" not in engine.step_names
    assert "install packages" in engine.step_names


def test_a_change_builds_the_wheel_and_the_runtime_again_from_files_at_hand(building: Path) -> None:
    build(building, Recorder(canned=built()))
    put(building, "recipes/runtime/packages/mine/mine.py", content="2")
    engine = Recorder(canned={"wheel.tgz": built()["wheel.tgz"]})
    build(building, engine)
    assert "download packages" not in engine.step_names
    assert [one for one in engine.step_names if one in {"compile", "build wheel", "install packages"}] == [
        "build wheel",
        "install packages",
    ]


@pytest.mark.parametrize("name", ["other-1.2-py3-none-any.whl", "mine.txt", "mine-1.2-py3-none-any.whl --index=x"])
def test_a_build_that_makes_something_else_is_refused(building: Path, name: str) -> None:
    with pytest.raises(BuildError, match="the build of mine made no wheel of that name"):
        build(building, Recorder(canned=built(name)))
