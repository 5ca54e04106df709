"""The plan of cross-compiling: which keys depend on what, and which do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.inputs.pins import Source
from builder.inputs.recipe import RecipeFile
from builder.stages.interpreter.tk_recipes import TK_LIBRARIES
from builder.stages.pruning import patterns
from builder.stages.stage import Stage
from builder.targets import Arch, Variant
from tests.support.factories import PINS, VERSION, Planning, across, library, python_build, sysroot

PATCH = {"zlib": (RecipeFile("10-a.patch", b"diff a\n"),)}
FIX = (RecipeFile("10-a.patch", b"diff a\n"),)
LIBRARIES = {"library-zlib", "library-openssl"}
ALL = {*LIBRARIES, "build-python", "profile", "interpreter"}
TRAINED = {"profile", "interpreter"}
ZLIB = {"library-zlib", *TRAINED}
CPYTHON = {"build-python", "profile", "interpreter"}
NATIVE, FOREIGN = Arch.AMD64, Arch.ARM64

Change = Callable[[Planning], Planning]


def keys(given: Planning) -> dict[str, str]:
    """The key of every stage that compiles."""
    return {name: stage.key for name, stage in given.compiled().items()}


def changed(before: Planning, after: Planning) -> set[str]:
    """Which stages have another key."""
    one, other = keys(before), keys(after)
    return {name for name in one if one[name] != other.get(name)}


def with_sysroot(arch: Arch) -> Change:
    """A newer C library of one architecture."""
    sysroots = tuple(sysroot(arch, b"newer") if one.arch is arch else one for one in PINS.sysroots)
    return lambda one: one.pinned(sysroots=sysroots)


CHANGES: dict[str, tuple[Change, set[str]]] = {
    "the digest of a library": (
        lambda one: one.pinned(libraries={**PINS.libraries, "zlib": library("zlib", b"newer")}),
        ZLIB,
    ),
    "one library less": (lambda one: one.pinned(libraries={"zlib": library("zlib")}), {"library-openssl", *TRAINED}),
    "a library patch": (lambda one: one.with_interpreter(library_patches=PATCH), ZLIB),
    "the C library": (with_sysroot(NATIVE), {*LIBRARIES, *TRAINED}),
    "the C library of the other architecture": (with_sysroot(FOREIGN), set()),
    "the Python version": (lambda one: one.with_inputs(python_version="3.13.4"), CPYTHON),
    "a patch to this version of CPython": (lambda one: one.with_interpreter(python_patches={VERSION: FIX}), CPYTHON),
    "a patch to another version of CPython": (
        lambda one: one.with_interpreter(python_patches={"3.13.4": FIX}),
        set(),
    ),
    "a pre-patch": (lambda one: one.with_recipe(Variant.RUNTIME, pre_patches=()), CPYTHON),
    "python-build": (
        lambda one: one.with_inputs(python_build=python_build(one.folder / "newer", "#!/bin/bash\n")),
        CPYTHON,
    ),
    "the compiler": (lambda one: one.on(toolchain="clang 19.1.8"), ALL),
    "where packages are installed": (lambda one: one.on(surroundings="another"), set()),
    # Neither zlib nor openssl knows what it is compiled on.
    "the build machine": (lambda one: one.on(builds_on=FOREIGN), CPYTHON),
    "the line editor": (lambda one: one.set(LINE_EDITOR="readline"), TRAINED),
    "PRT_ROOT": (lambda one: one.set(PRT_ROOT="/srv/py"), {"interpreter"}),
    "the architecture": (lambda one: one.for_arch(FOREIGN), {*LIBRARIES, "interpreter"}),
    "a requirement": (lambda one: one.with_recipe(Variant.RUNTIME, requirements=()), set()),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_an_input_changes_exactly_the_keys_behind_it(tmp_path: Path, what: str) -> None:
    change, expected = CHANGES[what]
    assert changed(across(tmp_path), change(across(tmp_path))) == expected


@pytest.mark.parametrize("what", ["a library patch", "the C library", "the digest of a library", "PRT_ROOT"])
def test_what_changes_the_interpreter_changes_the_packages(tmp_path: Path, what: str) -> None:
    before, after = across(tmp_path).stages(), CHANGES[what][0](across(tmp_path)).stages()
    assert {name for name in before if before[name].key != after[name].key} == {*before}


def test_a_kept_profile_counts_in_the_interpreter_only(tmp_path: Path) -> None:
    one, other = (across(tmp_path).with_interpreter(profiles={VERSION: content}) for content in (b"one", b"other"))
    assert changed(one, other) == {"interpreter"}
    assert keys(across(tmp_path))["interpreter"] not in (keys(one)["interpreter"], keys(other)["interpreter"])


def test_a_profile_kept_for_another_version_counts_nowhere(tmp_path: Path) -> None:
    assert changed(across(tmp_path), across(tmp_path).with_interpreter(profiles={"3.13.4": b"x"})) == set()


@pytest.mark.parametrize("builds_on", Arch)
def test_one_training_serves_every_target(tmp_path: Path, builds_on: Arch) -> None:
    given = across(tmp_path).on(builds_on=builds_on)
    profiles = {
        given.for_arch(arch).set(PRT_ROOT=root).compiled()["profile"].key
        for arch in Arch
        for root in ("/prt", "/srv/py")
    }
    assert len(profiles) == 1


def test_the_libraries_of_the_training_are_those_of_the_native_target(tmp_path: Path) -> None:
    trained = across(tmp_path, FOREIGN).compiled()["profile"].parents
    native = across(tmp_path, NATIVE).compiled()
    assert {parent.key for parent in trained} == {native[name].key for name in (*LIBRARIES, "build-python")}


def test_in_place_neither_libraries_nor_build_machine_count(tmp_path: Path) -> None:
    given = across(tmp_path).on(crosses=False)
    for change in (CHANGES["the digest of a library"], CHANGES["the C library"], CHANGES["the build machine"]):
        assert changed(given, change[0](given)) == set()


def test_across_and_in_place_have_different_keys(tmp_path: Path) -> None:
    given = across(tmp_path)
    assert "interpreter" in changed(given, given.on(crosses=False))


@pytest.mark.parametrize("arch", Arch)
def test_the_manifest_names_the_libraries_inside(tmp_path: Path, arch: Arch) -> None:
    def sources(given: Planning) -> list[str]:
        listed = given.plan().manifest["sources"]
        assert isinstance(listed, list)
        return [str(one["name"]) for one in listed if isinstance(one, dict)]

    assert sources(across(tmp_path, arch)) == ["CPython", "python-build", "zlib", "openssl"]
    assert sources(across(tmp_path, arch).on(crosses=False)) == ["CPython", "python-build"]


@pytest.mark.parametrize(("version", "inside"), [(VERSION, False), ("3.14.0", True), ("3.14.0rc1", True)])
def test_zstd_is_built_for_versions_that_use_it_and_must_work(tmp_path: Path, version: str, inside: bool) -> None:
    zstd = Source("zstd", "1.5.7", "zstd.tar.xz", "f" * 64, ("/nowhere",))
    python = Source("CPython", version, f"Python-{version}.tar.xz", "e" * 64, ("/nowhere",))
    given = across(tmp_path).pinned(libraries={"zstd": zstd}, pythons={version: python})
    compiled = given.with_inputs(python_version=version).compiled()
    assert ("library-zstd" in compiled) is inside
    proof = compiled["interpreter"].acceptance
    assert proof
    assert ("compression.zstd" in proof.steps[-1].args) is inside


@pytest.mark.parametrize(("wanted", "other"), [("libedit", "readline"), ("readline", "libedit")])
def test_one_line_editor_goes_inside(tmp_path: Path, wanted: str, other: str) -> None:
    named = {name: library("zlib", name.encode()) for name in ("ncurses", "libedit", "readline")}
    compiled = across(tmp_path).pinned(libraries=named).set(LINE_EDITOR=wanted).compiled()
    assert f"library-{wanted}" in compiled
    assert f"library-{other}" not in compiled


@pytest.mark.parametrize("wanted", ["0", "1"])
def test_gnu_dbm_goes_inside_only_if_it_is_asked_for(tmp_path: Path, wanted: str) -> None:
    given = across(tmp_path).pinned(libraries={"gdbm": library("gdbm", b"gdbm")})
    compiled = given.set(GDBM=wanted).compiled()
    interpreter = compiled["interpreter"]
    assert ("library-gdbm" in compiled) is (wanted == "1")
    assert any("GDBM_LIBS" in step.env for step in interpreter.steps) is (wanted == "1")
    options = " ".join(step.env.get("PYTHON_CONFIGURE_OPTS", "") for step in interpreter.steps).split()
    assert f"--with-dbmliborder={'gdbm' if wanted == '1' else ''}" in options  # without, configure leaves it out
    assert interpreter.acceptance
    assert ("_gdbm" in interpreter.acceptance.steps[-1].args) is (wanted == "1")


@pytest.mark.parametrize("wanted", ["0", "1"])
def test_tk_goes_inside_only_if_it_is_asked_for(tmp_path: Path, wanted: str) -> None:
    version = "3.14.7"
    named = {name: library("zlib", name.encode()) for name in ("zlib", *TK_LIBRARIES)}
    python = replace(PINS.pythons[VERSION], version=version, file=f"Python-{version}.tar.xz")
    given = across(tmp_path).pinned(libraries=named, pythons={version: python}).with_inputs(python_version=version)
    given = given.set(TK=wanted)
    compiled = given.compiled()
    interpreter = compiled["interpreter"]
    assert {f"library-{name}" in compiled for name in TK_LIBRARIES} == {wanted == "1"}
    assert any("TCLTK_LIBS" in step.env for step in interpreter.steps) is (wanted == "1")
    assert any("-Wl,-rpath,$ORIGIN/../.." in step.args for step in interpreter.steps) is (wanted == "1")
    assert interpreter.acceptance
    assert ("_tkinter" in interpreter.acceptance.steps[-1].args) is (wanted == "1")
    (prune,) = (step for step in given.plan().stage.steps if step.name == "prune")
    assert ("lib/python3*/tkinter" in prune.args) is (wanted == "0")


def test_a_recipe_that_removes_what_tk_adds_is_refused(tmp_path: Path) -> None:
    given = across(tmp_path).with_inputs(python_version="3.14.7").set(TK="1")
    with pytest.raises(UserError, match=r"TK=1: recipes/runtime/prune.txt removes tkinter by lib/python3\*/tk\*"):
        patterns(replace(given.inputs.recipes[Variant.RUNTIME], prune=("share/man", "lib/python3*/tk*")), given.inputs)


def test_a_python_that_does_not_know_tcl_9_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"TK=1: the `tkinter` of CPython 3\.13\.5 does not know Tcl 9"):
        across(tmp_path).set(TK="1").plan()


def test_another_suite_is_another_c_library(tmp_path: Path) -> None:
    newer = tuple(replace(sysroot(arch, b"newer"), suite="bookworm", glibc="2.36") for arch in Arch)
    given = across(tmp_path).pinned(sysroots=(*PINS.sysroots, *newer))
    after = given.set(SYSROOT="bookworm")
    assert changed(given, after) == {*LIBRARIES, *TRAINED}
    (check,) = (step for step in after.plan().stage.steps if step.name.startswith("check portable"))
    assert check.args[-2:] == ("GLIBC_2.36", "GLIBCXX_3.4.28")


def every(stage: Stage) -> Iterator[Stage]:
    """A stage and all it is made of."""
    yield stage
    for parent in stage.parents:
        yield from every(parent)


def test_the_same_inputs_make_equal_plans(tmp_path: Path) -> None:
    assert across(tmp_path).plan() == across(tmp_path).plan()


def test_no_key_holds_a_path_of_this_machine(tmp_path: Path) -> None:
    for stage in every(across(tmp_path, FOREIGN).plan().interpreter):
        assert str(tmp_path) not in str(stage.all_inputs)
