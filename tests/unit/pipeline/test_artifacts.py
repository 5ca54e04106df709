"""What is in ARTIFACT_DIR: known by key and bytes, and removed without touching anything else."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.pipeline.artifacts import Artifact, ArtifactShelf
from tests.support.signing import key_of

NAME = "prt_v0_amd64.tgz"


def published(folder: Path, name: str = NAME) -> ArtifactShelf:
    """A shelf with one artifact, made by the key `one`."""
    part = folder / "some.part"
    part.write_bytes(b"bytes")
    shelf = ArtifactShelf(folder)
    shelf.publish(part, name, "one", 1.5)
    return shelf


def record(folder: Path) -> Path:
    """The one record there is."""
    (path,) = (folder / "cache" / "artifacts").iterdir()
    return path


def test_publishing_moves_the_file_and_describes_it(tmp_path: Path) -> None:
    part = tmp_path / "some.part"
    part.write_bytes(b"bytes")
    artifact = ArtifactShelf(tmp_path).publish(part, NAME, "one", 1.5)
    assert artifact == Artifact(NAME, "one", 5, hashlib.sha256(b"bytes").hexdigest(), 1.5)
    assert (tmp_path / NAME).read_bytes() == b"bytes"
    assert not part.exists()


def test_a_published_artifact_is_current(tmp_path: Path) -> None:
    current = published(tmp_path).current(NAME, "one")
    assert current
    assert current.name == NAME


def test_an_artifact_of_another_key_is_not_current(tmp_path: Path) -> None:
    assert published(tmp_path).current(NAME, "two") is None


def test_an_artifact_of_another_name_is_not_current(tmp_path: Path) -> None:
    assert published(tmp_path).current("prt-dev_v0_amd64.tgz", "one") is None


DAMAGE: dict[str, Callable[[Path], object]] = {
    "altered": lambda folder: (folder / NAME).write_bytes(b"BYTES"),
    "gone": lambda folder: (folder / NAME).unlink(),
    "without record": lambda folder: record(folder).unlink(),
    "with an empty record": lambda folder: record(folder).write_text(""),
    "with a list as record": lambda folder: record(folder).write_text("[]"),
    "with a record of other fields": lambda folder: record(folder).write_text('{"name": "x"}'),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_an_artifact_that_is_not_as_recorded_is_not_current(tmp_path: Path, how: str) -> None:
    shelf = published(tmp_path)
    DAMAGE[how](tmp_path)
    assert shelf.current(NAME, "one") is None


@pytest.mark.parametrize("kind", ["fifo", "endless", "nested"])
def test_a_record_that_is_none_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    shelf = published(tmp_path)
    path = record(tmp_path)
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    else:
        path.write_text("[" * 4000)
    assert shelf.current(NAME, "one") is None


def test_publishing_again_replaces_file_and_record(tmp_path: Path) -> None:
    shelf = published(tmp_path)
    (tmp_path / "new.part").write_bytes(b"new")
    shelf.publish(tmp_path / "new.part", NAME, "two", 1)
    assert shelf.current(NAME, "one") is None
    assert shelf.current(NAME, "two")
    assert (tmp_path / NAME).read_bytes() == b"new"


def test_remove_all_removes_what_was_published_and_nothing_else(tmp_path: Path) -> None:
    published(tmp_path)
    shelf = published(tmp_path, "prt_v0_amd64.manifest.json")
    shelf.sum_up(key_of(1))
    (tmp_path / "prt_v0_arm64.tgz").touch()
    (tmp_path / "notes.txt").touch()
    removed = [path.name for path in shelf.remove_all()]
    assert removed == ["prt_v0_amd64.manifest.json", NAME, "SHA256SUMS", "SHA256SUMS.sig"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["notes.txt", "prt_v0_arm64.tgz"]
    assert list(shelf.remove_all()) == []


def test_remove_all_forgets_an_artifact_that_is_gone(tmp_path: Path) -> None:
    shelf = published(tmp_path)
    (tmp_path / NAME).unlink()
    assert list(shelf.remove_all()) == []
    (tmp_path / NAME).touch()
    assert list(shelf.remove_all()) == []


def test_nothing_was_ever_built_here(tmp_path: Path) -> None:
    shelf = ArtifactShelf(tmp_path / "nowhere")
    assert list(shelf.remove_all()) == []
    assert shelf.current(NAME, "one") is None
