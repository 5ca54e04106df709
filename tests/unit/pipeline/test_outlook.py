"""What `nox` says before a build: what it would find, and which input is to blame where it would find nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from builder.console import Console
from builder.pipeline import stores
from builder.pipeline.outlook import look_ahead
from builder.pipeline.pipeline import Pipeline
from builder.targets import Arch, Target, Variant
from tests.support.factories import checkout, project
from tests.support.hostile import Answer, hostile
from tests.support.recorder import Recorder

TARGET = Target(Variant.RUNTIME, Arch.AMD64)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout in which nothing was built yet."""
    return checkout(tmp_path)


def build(root: Path, **values: str) -> None:
    """Build the runtime."""
    console = Console(stream=io.StringIO())
    given = project(root, COMPILE="across", LIBRARIES="bundled", **values)
    Pipeline(given, Recorder(), console, stores.source_shelf(given, console.say)).build(TARGET)


def shown(root: Path, **values: str) -> dict[str, str]:
    """What is said of each stage."""
    given = project(root, COMPILE="across", LIBRARIES="bundled", **values)
    return dict(look_ahead(given, TARGET, stores.cache(given, lambda warning: None)))


def test_before_the_first_build_nothing_is_known(root: Path) -> None:
    assert shown(root) == {}


def test_after_a_build_everything_is_a_hit_and_up_to_date(root: Path) -> None:
    build(root)
    said = shown(root)
    assert said.keys() == {"interpreter", "lock", "runtime"}
    assert said["interpreter"].startswith(f"hit ({root}/out/cache")
    assert said["runtime"] == "up to date"


def test_a_miss_names_the_input_that_differs_and_what_it_is_made_of_is_looked_up(root: Path) -> None:
    build(root)
    said = shown(root, PRT_ROOT="/srv/py")
    assert said["interpreter"].startswith("miss (changed: ")
    assert "prt_root" in said["interpreter"]
    assert said["library-zlib"].startswith("hit")
    assert said["build-python"].startswith("hit")
    assert said["runtime"] == "to be built"


def test_refresh_finds_nothing(root: Path) -> None:
    build(root)
    assert shown(root, CACHE_MODE="refresh")["interpreter"] == "miss (CACHE_MODE=refresh)"


def test_what_only_the_server_has_is_a_hit_there_and_is_not_fetched(root: Path) -> None:
    build(root)
    entries = {f"/{path.relative_to(root / 'out/cache')}": path for path in (root / "out/cache/v1/ac").rglob("*.json")}
    bodies = {name: path.read_bytes() for name, path in entries.items()}
    for path in entries.values():
        path.unlink()
    with hostile(lambda method, path, before: Answer(body=bodies[path]) if path in bodies else Answer(404)) as server:
        said = shown(root, CACHE_URL=server.url)
        assert said["interpreter"].startswith(f"hit ({server.url}, ")
        assert {path.split("/")[2] for _, path in server.requests} == {"ac"}


def test_nothing_is_built_and_nothing_is_written(root: Path) -> None:
    build(root)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    shown(root)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_what_can_not_be_remembered_fails_no_build(root: Path) -> None:
    (root / "out" / "cache").mkdir(parents=True)
    (root / "out" / "cache" / "machines").write_text("in the way")
    build(root)
    assert shown(root) == {}
