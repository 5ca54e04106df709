"""The local cache: what it answers, why it misses, and that nothing damaged is ever handed out."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.cache.store import Hit, Miss, Store
from builder.stages.stage import Json, key_of

INPUTS: dict[str, Json] = {"version": "3.13.5", "arch": "amd64", "toolchain": "one"}
BUILT: dict[str, Json] = {"compiled": "native", "seconds": 7}
BYTES = b"an interpreter"

Damage = Callable[[Path], object]


def filled(folder: Path, inputs: dict[str, Json] = INPUTS, content: bytes = BYTES) -> Store:
    """A store with one entry."""
    result = folder / "result.part"
    result.write_bytes(content)
    store = Store(folder / "cache")
    store.add("interpreter", inputs, result, BUILT)
    return store


def entry_of(store: Store) -> Path:
    """Its one entry."""
    (path,) = (store.folder / "v1" / "ac").rglob("*.json")
    return path


def content_of(store: Store) -> Path:
    """The content of its one entry."""
    (path,) = (path for path in (store.folder / "v1" / "cas").rglob("*") if path.is_file())
    return path


def edited(**changes: Any) -> Damage:
    """Damage that changes fields of an entry."""
    return lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def without(name: str) -> Damage:
    """Damage that takes a field out of an entry."""

    def damage(path: Path) -> None:
        entry = json.loads(path.read_text())
        del entry[name]
        path.write_text(json.dumps(entry))

    return damage


def as_folder(path: Path) -> None:
    """Damage that leaves a folder in place of the file."""
    path.unlink()
    path.mkdir()


def test_what_was_added_is_found_with_its_record(tmp_path: Path) -> None:
    found = filled(tmp_path).find("interpreter", INPUTS)
    assert isinstance(found, Hit)
    assert found.path.read_bytes() == BYTES
    assert found.built == BUILT


def test_adding_answers_what_finding_will(tmp_path: Path) -> None:
    (tmp_path / "result").write_bytes(BYTES)
    store = Store(tmp_path / "cache")
    assert store.add("interpreter", INPUTS, tmp_path / "result", BUILT) == store.find("interpreter", INPUTS)


def test_adding_moves_the_file_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    filled(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.suffix == ".part"] == []


def test_a_later_result_replaces_an_earlier_one(tmp_path: Path) -> None:
    filled(tmp_path)
    found = filled(tmp_path, content=b"another").find("interpreter", INPUTS)
    assert isinstance(found, Hit)
    assert found.path.read_bytes() == b"another"


def test_an_empty_cache_says_none_built_yet(tmp_path: Path) -> None:
    assert Store(tmp_path).find("interpreter", INPUTS) == Miss("none built yet")


def test_a_result_of_another_kind_is_none(tmp_path: Path) -> None:
    assert filled(tmp_path).find("package", INPUTS) == Miss("none built yet")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"toolchain": "two"}, "changed: toolchain"),
        ({"toolchain": "two", "arch": "arm64"}, "changed: arch, toolchain"),
        ({"optimize": True}, "changed: optimize"),
    ],
)
def test_a_miss_names_the_inputs_that_changed(tmp_path: Path, changes: dict[str, Json], reason: str) -> None:
    assert filled(tmp_path).find("interpreter", {**INPUTS, **changes}) == Miss(reason, took=7)


def test_a_miss_compares_with_the_most_similar_result(tmp_path: Path) -> None:
    filled(tmp_path, {**INPUTS, "arch": "arm64", "version": "3.12.1"})
    store = filled(tmp_path, {**INPUTS, "version": "3.12.1"})
    assert store.find("interpreter", INPUTS) == Miss("changed: version", took=7)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"inputs": 3}', '{"inputs": "version"}'])
def test_a_damaged_entry_of_other_inputs_does_not_disturb_a_search(tmp_path: Path, text: str) -> None:
    store = filled(tmp_path)
    entry_of(store).write_text(text)
    assert store.find("interpreter", {**INPUTS, "arch": "arm64"}) == Miss("none built yet")


CONTENT_DAMAGE: dict[str, Damage] = {
    "truncated": lambda path: path.write_bytes(BYTES[:-1]),
    "extended": lambda path: path.write_bytes(BYTES + b"!"),
    "altered": lambda path: path.write_bytes(BYTES.upper()),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
    "a folder": as_folder,
}

ENTRY_DAMAGE: dict[str, Damage] = {
    "truncated": lambda path: path.write_text(path.read_text()[:-9]),
    "empty": lambda path: path.write_text(""),
    "no JSON": lambda path: path.write_text("<html>"),
    "no text": lambda path: path.write_bytes(b"\xff\xfe"),
    "a list": lambda path: path.write_text("[]"),
    "null": lambda path: path.write_text("null"),
    "a folder": as_folder,
    "without digest": without("digest"),
    "without inputs": without("inputs"),
    "of a digest that is no text": edited(digest=5),
    "of another digest": edited(digest="0" * 64),
    "of another size": edited(size=1),
    "of other inputs": edited(inputs={"version": "3.12.1"}),
    "of another key": edited(key="0" * 64),
    "of another kind": edited(kind="package"),
}


@pytest.mark.parametrize("how", CONTENT_DAMAGE)
def test_damaged_content_is_a_miss(tmp_path: Path, how: str) -> None:
    store = filled(tmp_path)
    CONTENT_DAMAGE[how](content_of(store))
    found = store.find("interpreter", INPUTS)
    assert isinstance(found, Miss)
    assert found.damaged
    assert "missing or altered" in found.reason


@pytest.mark.parametrize("how", ENTRY_DAMAGE)
def test_a_damaged_entry_is_a_miss_that_names_a_file(tmp_path: Path, how: str) -> None:
    store = filled(tmp_path)
    ENTRY_DAMAGE[how](entry_of(store))
    found = store.find("interpreter", INPUTS)
    assert isinstance(found, Miss)
    assert found.damaged
    assert str(store.folder) in found.reason


def test_an_entry_under_the_name_of_another_key_is_a_miss(tmp_path: Path) -> None:
    store = filled(tmp_path)
    wanted: dict[str, Json] = {**INPUTS, "arch": "arm64"}
    key = key_of(wanted)
    place = store.folder / "v1" / "ac" / "interpreter" / key[:2] / f"{key}.json"
    place.parent.mkdir()
    entry_of(store).rename(place)
    assert store.find("interpreter", wanted) == Miss(f"{place}: not what this key should find", damaged=True)


def test_adding_again_repairs_what_was_damaged(tmp_path: Path) -> None:
    store = filled(tmp_path)
    content_of(store).write_bytes(b"")
    entry_of(store).write_text("")
    assert isinstance(filled(tmp_path).find("interpreter", INPUTS), Hit)


def test_the_entry_is_written_after_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError("No space left on device")

    (tmp_path / "result").write_bytes(BYTES)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        Store(tmp_path / "cache").add("interpreter", INPUTS, tmp_path / "result", BUILT)
    store = Store(tmp_path / "cache")
    assert content_of(store).read_bytes() == BYTES
    assert store.find("interpreter", INPUTS) == Miss("none built yet")


def test_without_content_no_entry_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(shutil, "move", full)
    with pytest.raises(OSError, match="No space"):
        filled(tmp_path)
    assert list((tmp_path / "cache").rglob("*.json")) == []


def test_clear_removes_everything_and_twice_is_fine(tmp_path: Path) -> None:
    store = filled(tmp_path)
    store.clear()
    store.clear()
    assert store.find("interpreter", INPUTS) == Miss("none built yet")
    assert not store.folder.exists()


def test_a_store_can_be_moved(tmp_path: Path) -> None:
    store = filled(tmp_path)
    shutil.move(store.folder, tmp_path / "elsewhere")
    assert isinstance(Store(tmp_path / "elsewhere").find("interpreter", INPUTS), Hit)


def test_a_fifo_in_the_cache_is_not_waited_for(tmp_path: Path) -> None:
    store = filled(tmp_path)
    for path in (entry_of(store), content_of(store)):
        path.unlink()
        os.mkfifo(path)
        found = store.find("interpreter", INPUTS)
        assert isinstance(found, Miss)
        assert found.damaged
        assert isinstance(store.find("interpreter", {**INPUTS, "arch": "arm64"}), Miss)
        filled(tmp_path)
        assert isinstance(store.find("interpreter", INPUTS), Hit)


def test_a_neighbour_nested_deep_does_not_disturb_a_search(tmp_path: Path) -> None:
    store = filled(tmp_path)
    entry_of(store).write_text('{"inputs":' + "[" * 60_000)
    assert store.find("interpreter", {**INPUTS, "arch": "arm64"}) == Miss("none built yet")
