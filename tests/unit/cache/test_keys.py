"""The key: it changes with every input and with nothing else, and no two inputs share one."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import UserError
from builder.inputs.recipe import RecipeFile
from builder.inputs.recipe_reading import read as read_recipe
from builder.stages.stage import File, Json, Stage, key_of
from builder.targets import Arch, Variant
from tests.support import factories
from tests.support.factories import Planning, library, settings, sysroot

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
inputs = st.dictionaries(texts, values, max_size=5)


def plain(value: Json) -> object:
    """A value in which true is not 1, as they are equal in Python and not in JSON."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else (type(value), value)


@given(inputs, inputs)
def test_different_inputs_have_different_keys_and_equal_ones_the_same(
    one: dict[str, Json], two: dict[str, Json]
) -> None:
    assert (key_of(one) == key_of(two)) == (plain(one) == plain(two))


@given(inputs)
def test_the_order_in_a_dictionary_does_not_matter(one: dict[str, Json]) -> None:
    assert key_of(dict(reversed(one.items()))) == key_of(one)


@given(inputs)
def test_a_key_is_64_hex_digits_fit_for_a_path(one: dict[str, Json]) -> None:
    assert re.fullmatch("[0-9a-f]{64}", key_of(one))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"x": ["a|b"]}, {"x": ["a", "b"]}),
        ({"x": None}, {}),
        ({"x": "1"}, {"x": 1}),
        ({"a": "b,c"}, {"a": "b", "c": ""}),
    ],
)
def test_what_looks_alike_has_different_keys(one: dict[str, Json], two: dict[str, Json]) -> None:
    assert key_of(one) != key_of(two)


def test_fixed_inputs_have_a_fixed_key() -> None:
    fixed: dict[str, Json] = {"schema": 1, "stage": "interpreter", "version": "3.13.5", "steps": [{"args": ["make"]}]}
    assert key_of(fixed) == "ce4fd4b6e78fefc92c924ea90cee950f61474a724a30ce0bb338063b59c6ea75"


@pytest.fixture
def before(tmp_path: Path) -> Planning:
    """Planning of a cross-compiled interpreter."""
    return factories.across(tmp_path)


@pytest.mark.parametrize("change", [{"name": "b"}, {"content": b"b"}, {"executable": True}])
def test_all_that_a_file_is_is_in_the_key(change: dict[str, Any]) -> None:
    file = File("a", b"a")
    stages = [Stage("x", {}, (one, File("c", b"c")), (), "x") for one in (file, replace(file, **change))]
    assert {field.name for field in fields(File)} == {"name", "content", "executable"}
    assert stages[0].key != stages[1].key


RUNTIME = Variant.RUNTIME
PATCHES = (RecipeFile("a.patch", b"diff a\n"), RecipeFile("b.patch", b"diff b\n"))
CHANGES = {
    "patch content": lambda i: i.with_recipe(RUNTIME, pre_patches=(RecipeFile("a.patch", b"diff x\n"), PATCHES[1])),
    "patch order": lambda i: i.with_recipe(
        RUNTIME, pre_patches=(replace(PATCHES[1], name="a.patch"), replace(PATCHES[0], name="b.patch"))
    ),
    "a patch less": lambda i: i.with_recipe(RUNTIME, pre_patches=PATCHES[:1]),
    "optimisation, so configure's arguments and CFLAGS": lambda i: i.set(OPTIMIZE="0"),
    "prefix": lambda i: i.set(PRT_ROOT="/srv/py"),
    "toolchain": lambda i: i.on(toolchain="a newer clang"),
    "architecture": lambda i: i.for_arch(Arch.ARM64),
    "build machine": lambda i: i.on(builds_on=Arch.ARM64),
    "source digest": lambda i: i.pinned(pythons={factories.VERSION: replace(factories.SOURCE, sha256="2" * 64)}),
    "source date, so SOURCE_DATE_EPOCH": lambda i: i.pinned(
        pythons={factories.VERSION: replace(factories.SOURCE, released=None)}
    ),
    "a bundled library": lambda i: i.pinned(libraries={"zlib": library("zlib", b"new"), "openssl": library("openssl")}),
    "the C library": lambda i: i.pinned(sysroots=tuple(sysroot(arch, b"new") for arch in Arch)),
    "a patch to a library": lambda i: i.with_interpreter(library_patches={"zlib": (RecipeFile("x.patch", b"diff\n"),)}),
    "a patch to this version": lambda i: i.with_interpreter(
        python_patches={factories.VERSION: (RecipeFile("x.patch", b"diff\n"),)}
    ),
}
NO_CHANGES = {
    "version label": lambda i: i.set(PACKAGE_VERSION="v9"),
    "description": lambda i: i.set(PACKAGE_DESC="Another"),
    "artifact folder": lambda i: i.set(ARTIFACT_DIR="/elsewhere"),
    "commit": lambda i: i.with_inputs(repository=replace(i.inputs.repository, commit="0" * 40, dirty=True)),
    "requirements": lambda i: i.with_recipe(RUNTIME, requirements=()),
    "where the cache is": lambda i: i.set(CACHE_URL="http://127.0.0.1:1", CACHE_MODE="read-write"),
    "verbosity": lambda i: i.set(V="1"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_an_input_changes_the_key(before: Planning, what: str) -> None:
    assert CHANGES[what](before).plan().interpreter.key != before.plan().interpreter.key


@pytest.mark.parametrize("what", NO_CHANGES)
def test_a_change_of_what_is_no_input_leaves_the_key(before: Planning, what: str) -> None:
    assert NO_CHANGES[what](before).plan().interpreter.key == before.plan().interpreter.key


def test_neither_the_processors_nor_the_user_nor_the_folder_are_in_the_key(before: Planning, tmp_path: Path) -> None:
    text = json.dumps(before.plan().interpreter.all_inputs)
    assert str(tmp_path) not in text
    assert '"-j{jobs}"' in text or "-j{jobs}" in text, "the number of processors stays a placeholder"


@pytest.mark.parametrize("damage", ["dangling", "unreadable", "misspelt folder"])
def test_a_patch_that_can_not_be_read_stops_the_build_before_it_starts(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "runtime"
    (folder / "pre-patch").mkdir(parents=True)
    patch = folder / "pre-patch" / "a.patch"
    if damage == "dangling":
        patch.symlink_to("nowhere")
    elif damage == "unreadable":
        patch.mkdir()
    else:
        (folder / "pre-patches").mkdir()
    with pytest.raises(UserError):
        read_recipe(tmp_path, Variant.RUNTIME)


@pytest.mark.parametrize("version", ["../../x", "3.11.5;rm", "3.１３.5", "3." + "1" * 300 + "x", "", "3.13.5\n"])
def test_a_version_that_is_no_path_safe_text_is_refused(tmp_path: Path, version: str) -> None:
    if not version:
        assert settings(tmp_path, PYTHON_VERSION="").python_version == settings(tmp_path).python_version
        return
    with pytest.raises(UserError, match="PYTHON_VERSION"):
        settings(tmp_path, PYTHON_VERSION=version)


def test_a_long_input_is_in_the_key_by_its_digest_and_a_change_at_its_end_changes_the_key() -> None:
    files = tuple(File(f"{number:04}", b"x") for number in range(500))
    stages = [Stage("x", {}, (*files[:-1], replace(files[-1], content=content)), (), "x") for content in (b"x", b"y")]
    assert stages[0].key != stages[1].key
    assert len(json.dumps(stages[0].key_inputs)) < 1000
    assert stages[0].all_inputs["files"] == {file.name: file.sha256 for file in files}
