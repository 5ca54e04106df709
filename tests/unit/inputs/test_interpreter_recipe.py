"""What belongs to no variant: patches to bundled libraries and to a version of CPython, and kept profiles."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.inputs import pins, recipe_reading
from builder.inputs.recipe import InterpreterRecipe
from tests.support.factories import checkout, project
from tests.support.recipes import SHIPPED, put


def test_without_their_folders_there_are_no_patches_and_profiles(tmp_path: Path) -> None:
    assert recipe_reading.read_interpreter(tmp_path) == InterpreterRecipe({}, {}, {})


def test_patches_to_libraries_are_read_by_library_in_name_order(tmp_path: Path) -> None:
    put(tmp_path, "libraries/zlib/20-b.diff", "libraries/zlib/10-a.patch", "libraries/openssl/a.patch", content="diff")
    found = recipe_reading.read_interpreter(tmp_path).library_patches
    assert {name: [file.name for file in files] for name, files in found.items()} == {
        "openssl": ["a.patch"], "zlib": ["10-a.patch", "20-b.diff"],
    }  # fmt: skip
    assert found["openssl"][0].content == b"diff"


def test_patches_to_cpython_are_read_by_its_version(tmp_path: Path) -> None:
    put(tmp_path, "cpython/3.13.5/b.patch", "cpython/3.13.5/a.patch", "cpython/3.14.7/a.diff", content="diff")
    found = recipe_reading.read_interpreter(tmp_path).python_patches
    assert {version: [file.name for file in files] for version, files in found.items()} == {
        "3.13.5": ["a.patch", "b.patch"], "3.14.7": ["a.diff"],
    }  # fmt: skip


def test_a_kept_profile_is_read_by_version_and_unpacked(tmp_path: Path) -> None:
    for version in ("3.13.5", "3.13.5t"):
        path = tmp_path / "profiles" / f"{version}.profdata.xz"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(lzma.compress(version.encode()))
    assert recipe_reading.read_interpreter(tmp_path).profiles == {"3.13.5": b"3.13.5", "3.13.5t": b"3.13.5t"}


@pytest.mark.parametrize(
    "content", [b"", b"not xz", lzma.compress(b"a profile" * 99)[:-9]], ids=["empty", "other", "cut"]
)
def test_a_profile_that_can_t_be_unpacked_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "profiles" / "3.13.5.profdata.xz"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(UserError) as refused:
        recipe_reading.read_interpreter(tmp_path)
    assert refused.value.message.startswith(f"{path}: ")
    assert "nox -s train" in refused.value.hint


def test_a_profile_that_unpacks_to_more_than_any_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe_reading, "_LARGEST_PROFILE", 1 << 20)
    path = tmp_path / "profiles" / "3.13.5.profdata.xz"
    path.parent.mkdir()
    path.write_bytes(lzma.compress(bytes(2 << 20)))
    with pytest.raises(UserError, match="more than 1,048,576 bytes come out"):
        recipe_reading.read_interpreter(tmp_path)


def test_patches_to_a_library_that_nobody_pins_are_refused_and_the_nearest_is_named(tmp_path: Path) -> None:
    put(checkout(tmp_path) / "recipes", "libraries/opensl/a.patch", "libraries/zlib/a.patch", content="diff")
    with pytest.raises(UserError, match=r"libraries/opensl: recipes/pins\.toml has no library of that name") as refused:
        _ = project(tmp_path).interpreter
    assert "openssl" in refused.value.hint


@pytest.mark.parametrize("version", ["3.13", "3.13.55", "3.13.5t"])
def test_patches_to_a_version_of_cpython_that_nobody_pins_are_refused(tmp_path: Path, version: str) -> None:
    put(checkout(tmp_path) / "recipes", f"cpython/{version}/a.patch", "cpython/3.13.5/a.patch", content="diff")
    with pytest.raises(UserError, match=rf"cpython/{version}: recipes/pins\.toml has no CPython of that version") as no:
        _ = project(tmp_path).interpreter
    assert no.value.hint == "did you mean 3.13.5?"


@pytest.mark.parametrize("name", ["libraries/zlib/notes.txt", "libraries/loose.patch", "cpython/3.13.5/notes.txt"])
def test_what_is_no_patch_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=name):
        recipe_reading.read_interpreter(put(tmp_path, name))


@pytest.mark.parametrize(
    "name", ["libraries/README.md", "cpython/README.md", "profiles/README.md", "libraries/zlib/.keep", "profiles/.keep"]
)
def test_notes_next_to_patches_and_profiles_are_fine(tmp_path: Path, name: str) -> None:
    found = recipe_reading.read_interpreter(put(tmp_path, name))
    assert (not any(found.library_patches.values()), found.profiles) == (True, {})


def test_the_shipped_patches_are_for_what_is_pinned() -> None:
    pinned, found = pins.read(SHIPPED / "pins.toml"), recipe_reading.read_interpreter(SHIPPED)
    assert found.library_patches.keys() <= pinned.libraries.keys()
    assert found.python_patches.keys() <= pinned.pythons.keys()
