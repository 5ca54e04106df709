"""The manifest: what the plan and the measurement make together obeys the schema, and wrong ones do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from builder.inputs.recipe import Recipe, RecipeFile
from builder.stages.interpreter.own_patches import FOLDER, OWN_PATCHES
from builder.stages.manifest import ENGINE, SCHEMA
from builder.targets import Arch, Target, Variant
from tests.support.factories import SOURCE, VERSION, across, inputs, recipes
from tests.support.recorder import MEASURED

VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
RUNTIME, DEV = Variant.RUNTIME, Variant.RUNTIME_DEV
CPYTHON = {"name": "CPython", "version": "3.13.5", "license": "PSF-2.0", "sha256": "0" * 64, "patches": []}


def manifest(folder: Path, target: Target = Target(DEV, Arch.AMD64)) -> dict[str, Any]:  # noqa: B008  # frozen
    """A whole manifest, as the pipeline completes it."""
    plan = replace(inputs(folder), target=target).plan()
    return {**plan.manifest, "stage_keys": plan.stage_keys, "compiled": "native", ENGINE: "docker", **MEASURED}


def test_the_schema_is_one() -> None:
    VALIDATOR.check_schema(VALIDATOR.schema)


@pytest.mark.parametrize("arch", Arch)
@pytest.mark.parametrize("variant", Variant)
def test_a_manifest_of_each_target_is_valid(tmp_path: Path, variant: Variant, arch: Arch) -> None:
    VALIDATOR.validate(manifest(tmp_path, Target(variant, arch)))


def test_a_manifest_outside_git_is_valid(tmp_path: Path) -> None:
    VALIDATOR.validate({**manifest(tmp_path), "commit": None})


def test_the_manifest_in_the_tree_says_nothing_of_the_engine_and_is_valid(tmp_path: Path) -> None:
    inside = manifest(tmp_path)
    del inside[ENGINE]
    VALIDATOR.validate(inside)
    assert {*VALIDATOR.schema["properties"]} == {*VALIDATOR.schema["required"], ENGINE}  # type: ignore[index]


HOW = ["emulated by qemu", "emulated by qemu 10.0.2", "across on amd64", "across on arm64"]


@pytest.mark.parametrize("how", HOW)
def test_a_manifest_of_a_build_for_another_machine_is_valid(tmp_path: Path, how: str) -> None:
    VALIDATOR.validate({**manifest(tmp_path), "compiled": how})


@pytest.mark.parametrize("name", VALIDATOR.schema["required"])  # type: ignore[index]
def test_a_manifest_without_one_of_its_keys_is_not_valid(tmp_path: Path, name: str) -> None:
    whole = manifest(tmp_path)
    del whole[name]
    assert [error.validator for error in VALIDATOR.iter_errors(whole)] == ["required"]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("extra", 1),
        ("recipe_sha256", "abc"),
        ("recipe_sha256", "G" * 64),
        ("libc_floor", "2.34"),
        ("libc_floor", "musl 1.2"),
        ("arch", "x86_64"),
        ("variant", "dev"),
        ("engine", "recorder"),
        ("compiled", "emulated"),
        ("compiled", "across on riscv64"),
        ("compiled", "across"),
        ("prt_root", "prt"),
        ("python_version", "3.13"),
        ("python_packages", [{"name": "pip"}]),
        ("python_packages", [{"name": "pip", "version": "1", "sha256": "0" * 64}]),
        ("venvs", {"ansible": [{"name": "ansible"}]}),
        ("sources", []),
        ("sources", [{**CPYTHON, "sha256": "0"}]),
        ("sources", [{**CPYTHON, "license": ""}]),
        ("sources", [{**CPYTHON, "patches": [1]}]),
        ("sources", [{"name": "CPython", "version": "3.13.5", "sha256": "0" * 64}]),
        ("optimization", {"pgo": True}),
        ("dirty", "no"),
        ("free_threaded", "t"),
        ("debug", "d"),
        ("jit", "off"),
        ("stage_keys", {"interpreter": "0" * 64}),
        ("stage_keys", {"interpreter": "0" * 64, "runtime": "0"}),
    ],
)
def test_a_manifest_with_a_wrong_value_is_not_valid(tmp_path: Path, name: str, wrong: object) -> None:
    assert not VALIDATOR.is_valid({**manifest(tmp_path), name: wrong})


def test_the_manifest_says_what_was_compiled_and_what_with(tmp_path: Path) -> None:
    assert [(one["name"], one["version"]) for one in manifest(tmp_path)["sources"]] == [
        ("CPython", "3.13.5"), ("python-build", "20250529"),
    ]  # fmt: skip
    assert [one["license"] for one in manifest(tmp_path)["sources"]] == ["PSF-2.0", "MIT"]
    assert manifest(tmp_path)["sources"][0]["sha256"] == SOURCE.sha256


def test_the_manifest_names_the_patches_to_each_source(tmp_path: Path) -> None:
    files = (RecipeFile("a.patch", b"diff\n"), RecipeFile("b.patch", b"diff\n"))
    given = across(tmp_path).with_interpreter(library_patches={"zlib": files}, python_patches={VERSION: files[:1]})
    sources: Any = given.plan().manifest["sources"]
    assert {one["name"]: one["patches"] for one in sources} == {
        "CPython": [
            *(f"{FOLDER}/{patch.name}" for patch in OWN_PATCHES),
            f"recipes/cpython/{VERSION}/a.patch",
            "recipes/runtime/pre-patch/a.patch",
            "recipes/runtime/pre-patch/b.patch",
        ],
        "python-build": [],
        "openssl": [],
        "zlib": ["recipes/libraries/zlib/a.patch", "recipes/libraries/zlib/b.patch"],
    }


def digest(folder: Path, chain: dict[Variant, Recipe], variant: Variant = DEV) -> str:
    """The recipe's digest in the manifest of a target."""
    return str(
        replace(inputs(folder).with_inputs(recipes=chain), target=Target(variant, Arch.AMD64))
        .plan()
        .manifest["recipe_sha256"]
    )


OTHER = (RecipeFile("10-x", b"#!/bin/sh\n"),)
CHANGES: dict[str, Callable[[Recipe], Recipe]] = {
    "requirement": lambda one: replace(one, requirements=OTHER),
    "pre-patch": lambda one: replace(one, pre_patches=OTHER),
    "post-patch": lambda one: replace(one, post_patches=OTHER),
    "script": lambda one: replace(one, scripts=OTHER),
    "check": lambda one: replace(one, checks=OTHER),
    "constraint": lambda one: replace(one, constraints=b"x\n"),
    "pip.conf": lambda one: replace(one, pip_conf=b"x\n"),
    "prune": lambda one: replace(one, prune=("x",)),
    "a script as check": lambda one: replace(one, scripts=(), checks=one.scripts + one.checks),
    "bytes moved between files": lambda one: replace(
        one, requirements=(RecipeFile("10-web.txt", b"fast"), RecipeFile("20-yaml.txt", b"api\npyyaml\n"))
    ),
    "a renamed file": lambda one: replace(one, scripts=(RecipeFile("11-links", one.scripts[0].content),)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_every_file_of_the_recipe_counts_in_its_digest(tmp_path: Path, what: str) -> None:
    changed = {**recipes(), RUNTIME: CHANGES[what](recipes()[RUNTIME])}
    assert digest(tmp_path, changed) != digest(tmp_path, recipes())


def test_the_development_recipe_counts_in_runtime_dev_only(tmp_path: Path) -> None:
    changed = {**recipes(), DEV: replace(recipes()[DEV], constraints=b"x\n")}
    assert digest(tmp_path, changed) != digest(tmp_path, recipes())
    assert digest(tmp_path, changed, RUNTIME) == digest(tmp_path, recipes(), RUNTIME)
