"""The plan: pure, compared whole, and each key depends on what it must and on nothing else."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from builder.inputs.recipe import RecipeFile
from builder.stages.stage import WORK, Json, Stage, key_of
from builder.targets import Arch, Target, Variant
from tests.support.factories import Planning, across, assert_golden, inputs, python_build, recipes

RUNTIME, DEV = Variant.RUNTIME, Variant.RUNTIME_DEV
ALL = {"interpreter", "runtime", "runtime-dev"}
PACKAGES = {"runtime", "runtime-dev"}
ONE = (RecipeFile("10-other", b"#!/bin/sh\n"),)
# They come whole, and run inside a build.
LIBRARIES = "boolean|cyclonedx|defusedxml|elftools|license_expression|packageurl|py_serializable|sortedcontainers"
PATCHES = recipes()[RUNTIME].pre_patches

Change = Callable[[Planning], Planning]


def keys(given: Planning) -> dict[str, str]:
    """The key of each stage."""
    return {name: stage.key for name, stage in given.stages().items()}


def described(stage: Stage) -> dict[str, Json]:
    """A stage as its golden file shows it: without digests, which change with every edit of builder/inside, and with
    a library's files as one.
    """
    steps: list[Json] = [
        {
            "name": step.name,
            "args": list(step.args),
            "env": dict(step.env),
            **({} if step.cwd == WORK else {"cwd": step.cwd}),
            "network": step.network,
            "hint": step.hint,
        }
        for step in stage.steps
    ]
    files = [*dict.fromkeys(re.sub(rf"^({LIBRARIES})/.*", r"\1/…", file.name) for file in stage.files)]
    shown: dict[str, Json] = {"files": [*files], "steps": steps, "output": stage.output}
    if stage.compiles:
        shown["parents"] = [parent.name for parent in stage.parents]
        shown["proof"] = [step.name for step in stage.acceptance.steps] if stage.acceptance else None
    return shown


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("plan.json", lambda folder: inputs(folder).stages()),
        ("plan-across.json", lambda folder: across(folder, Arch.ARM64).compiled()),
    ],
)
def test_a_whole_plan_is_as_the_golden_file_shows(
    tmp_path: Path, name: str, stages: Callable[[Path], dict[str, Stage]]
) -> None:
    text = json.dumps({title: described(stage) for title, stage in stages(tmp_path).items()}, indent=2) + "\n"
    assert_golden(name, text)


def test_the_same_inputs_make_equal_plans(tmp_path: Path) -> None:
    assert inputs(tmp_path).plan() == inputs(tmp_path).plan()


@pytest.mark.parametrize(
    ("variant", "tarball", "manifest"),
    [
        (RUNTIME, "own_1.2_arm64.tgz", "own_1.2_arm64.manifest.json"),
        (DEV, "own-dev_1.2_arm64.tgz", "own-dev_1.2_arm64.manifest.json"),
    ],
)
def test_the_plan_names_its_artifacts(tmp_path: Path, variant: Variant, tarball: str, manifest: str) -> None:
    given = inputs(tmp_path).set(PACKAGE_PREFIX="own", PACKAGE_VERSION="1.2")
    plan = replace(given, target=Target(variant, Arch.ARM64)).plan()
    assert (plan.tarball, plan.manifest_file) == (tarball, manifest)


@pytest.mark.parametrize(
    ("across", "variant", "expected"), [(True, RUNTIME, True), (True, DEV, False), (False, RUNTIME, False)]
)
def test_debug_symbols_are_an_archive_of_their_own(
    tmp_path: Path, across: bool, variant: Variant, expected: bool
) -> None:
    plan = replace(inputs(tmp_path).on(crosses=across), target=Target(variant, Arch.AMD64)).plan()
    assert ("prt_v0_amd64.symbols.tgz" in plan.artifacts.values()) is expected
    assert ("remove symbols" in [step.name for step in plan.stage.steps]) is expected


def test_runtime_dev_starts_from_the_very_runtime_that_is_built_alone(tmp_path: Path) -> None:
    given = inputs(tmp_path)
    alone = replace(given, target=Target(RUNTIME, Arch.AMD64)).plan()
    assert given.plan().parent == alone
    assert alone.parent is None


def test_the_stage_keys_name_the_whole_way(tmp_path: Path) -> None:
    given = inputs(tmp_path)
    assert given.plan().stage_keys == keys(given)


CHANGES: dict[str, tuple[Change, set[str]]] = {
    "the Python version": (lambda one: one.with_inputs(python_version="3.13.4"), ALL),
    "OPTIMIZE": (lambda one: one.set(OPTIMIZE="0"), ALL),
    "PRT_ROOT": (lambda one: one.set(PRT_ROOT="/srv/py"), ALL),
    "the architecture": (lambda one: one.for_arch(Arch.ARM64), ALL),
    "the toolchain": (lambda one: one.on(toolchain="another"), ALL),
    "where packages are installed": (lambda one: one.on(surroundings="another"), PACKAGES),
    "python-build": (
        lambda one: one.with_inputs(python_build=python_build(one.folder / "newer", "#!/bin/bash\n")),
        ALL,
    ),
    "a pre-patch": (
        lambda one: one.with_recipe(RUNTIME, pre_patches=(RecipeFile("a.patch", b"diff c\n"), PATCHES[1])),
        ALL,
    ),
    "the order of pre-patches": (lambda one: one.with_recipe(RUNTIME, pre_patches=PATCHES[::-1]), ALL),
    "the contents of two pre-patches swapped": (
        lambda one: one.with_recipe(
            RUNTIME,
            pre_patches=tuple(RecipeFile(a.name, b.content) for a, b in zip(PATCHES, PATCHES[::-1], strict=True)),
        ),
        ALL,
    ),
    "one pre-patch less": (lambda one: one.with_recipe(RUNTIME, pre_patches=PATCHES[:1]), ALL),
    "a requirement": (lambda one: one.with_recipe(RUNTIME, requirements=ONE), PACKAGES),
    "a constraint": (lambda one: one.with_recipe(RUNTIME, constraints=b"fastapi<2\n"), PACKAGES),
    "a script": (lambda one: one.with_recipe(RUNTIME, scripts=ONE), PACKAGES),
    "a check": (lambda one: one.with_recipe(RUNTIME, checks=ONE), PACKAGES),
    "what is pruned": (lambda one: one.with_recipe(RUNTIME, prune=("share/doc",)), PACKAGES),
    "a post-patch": (lambda one: one.with_recipe(RUNTIME, post_patches=ONE), PACKAGES),
    "pip.conf": (lambda one: one.with_recipe(RUNTIME, pip_conf=b"[install]\n"), PACKAGES),
    "PACKAGE_VERSION": (lambda one: one.set(PACKAGE_VERSION="v2"), PACKAGES),
    "ARCHIVE_FOLDER": (lambda one: one.set(ARCHIVE_FOLDER="1"), PACKAGES),
    "the commit": (lambda one: one.with_inputs(repository=replace(one.inputs.repository, commit="f" * 40)), PACKAGES),
    "the commit's date": (lambda one: one.with_inputs(repository=replace(one.inputs.repository, date=1)), PACKAGES),
    "uncommitted changes": (
        lambda one: one.with_inputs(repository=replace(one.inputs.repository, dirty=True)),
        PACKAGES,
    ),
    "a development requirement": (lambda one: one.with_recipe(DEV, requirements=ONE), {"runtime-dev"}),
    "a development constraint": (lambda one: one.with_recipe(DEV, constraints=b"pytest<9\n"), {"runtime-dev"}),
    "a development script": (lambda one: one.with_recipe(DEV, scripts=()), {"runtime-dev"}),
    "a development check": (lambda one: one.with_recipe(DEV, checks=()), {"runtime-dev"}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_an_input_changes_exactly_the_keys_behind_it(tmp_path: Path, what: str) -> None:
    change, expected = CHANGES[what]
    before, after = keys(inputs(tmp_path)), keys(change(inputs(tmp_path)))
    assert {name for name in before if before[name] != after[name]} == expected


@pytest.mark.parametrize(("lines", "counts"), [(b"--no-binary pyyaml\npyyaml\n", True), (b"pyyaml\n", False)])
def test_where_packages_are_installed_counts_in_the_lock_only_where_one_is_compiled(
    tmp_path: Path, lines: bytes, counts: bool
) -> None:
    given = inputs(tmp_path).with_recipe(RUNTIME, requirements=(RecipeFile("10-yaml.txt", lines),))
    found = [one.plan().locks.stage.key for one in (given, given.on(surroundings="another"))]
    assert (found[0] != found[1]) is counts


def test_no_key_knows_network_mirror_engine_endpoint_or_output_folder(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    elsewhere = inputs(tmp_path).set(
        CA_BUNDLE=str(bundle), SOURCE_MIRROR="https://u:secret@mirror", DEBIAN_MIRROR="https://mirror",
        DOCKER_HOST_AMD64="ssh://host", DOCKER_HOST_ARM64="ssh://host", BASE_IMAGE="debian:12", ARTIFACT_DIR="/else",
        PYENV_ROOT="/pyenv", ENGINE="host", V="1", NO_CACHE="1", NO_PACKAGE_CACHE="1",
    )  # fmt: skip
    assert keys(elsewhere) == keys(inputs(tmp_path))


def test_the_prefix_names_a_program_of_the_runtime_and_nothing_of_the_interpreter(tmp_path: Path) -> None:
    plain, own = keys(inputs(tmp_path)), keys(inputs(tmp_path).set(PACKAGE_PREFIX="own"))
    assert {name for name in plain if plain[name] != own[name]} == {"runtime", "runtime-dev"}


def test_no_key_knows_the_number_of_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for processors in (1, 64):
        monkeypatch.setattr(os, "cpu_count", lambda: processors)  # noqa: B023  # used in this very round
        found.append(json.dumps([stage.all_inputs for stage in inputs(tmp_path).stages().values()]))
    assert found[0] == found[1]
    assert '"MAKE_OPTS": "-j{jobs}"' in found[0]


def test_the_key_inputs_hold_digests_and_no_content(tmp_path: Path) -> None:
    text = json.dumps([stage.all_inputs for stage in inputs(tmp_path).stages().values()])
    assert "fastapi<1" not in text
    assert "[global]" not in text


def test_the_digest_of_known_inputs_never_changes() -> None:
    assert (
        key_of({"a": "x", "b": [1, None, True]}) == "d708f35af29e45e9df28853c8226fe3679060d31c0f6c6a1abf29641a2cdde81"
    )


values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(values, values)
@example(["a|b"], ["a", "b"])
@example(["a,b"], ["a", "b"])
@example(['a","b'], ["a", "b"])
@example("1", 1)
@example("null", None)
@example({"a": "b"}, ["a", "b"])
def test_different_inputs_have_different_keys(one: Json, other: Json) -> None:
    assume(one != other)
    assert key_of({"x": one}) != key_of({"x": other})


@given(values)
def test_inputs_read_back_from_json_have_the_same_key(value: Json) -> None:
    assert key_of(json.loads(json.dumps({"x": value}))) == key_of({"x": value})


def test_the_order_of_names_does_not_matter() -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
