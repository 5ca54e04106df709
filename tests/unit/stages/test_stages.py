"""The stages: what their steps are given, and that packing is reproducible."""

from __future__ import annotations

import os
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from builder.engines.base import fill
from builder.inputs.recipe import RecipeFile
from builder.stages.interpreter import own_patches
from builder.stages.stage import WORK, File, Stage, Step, pack, unpack, unpack_tree
from builder.targets import Arch, Variant
from tests.support.factories import SOURCE, VERSION, inputs

OURS = [f"patch {own_patches.FOLDER}/{patch.name}" for patch in own_patches.OWN_PATCHES]
OWN_PATCHES = f"python-build/share/python-build/patches/{VERSION}/Python-{VERSION}"


def execute(step: Step, work: Path) -> None:
    """Run a step on this machine."""
    args, env, cwd = fill(step, PurePosixPath(work), 1)
    subprocess.run(args, cwd=cwd, env={**os.environ, **env}, check=True)


def step_of(stage: Stage, start: str) -> Step:
    """The one step whose name starts so."""
    (found,) = (step for step in stage.steps if step.name.startswith(start))
    return found


def names(stage: Stage, start: str) -> list[str]:
    """The names of the steps that start so."""
    return [step.name for step in stage.steps if step.name.startswith(start)]


def tree(folder: Path, order: list[str], date: int) -> Path:
    """A small tree whose files are made in this order and have this date."""
    (folder / "sub").mkdir(parents=True)
    for name in order:
        (folder / name).write_text(name)
        os.utime(folder / name, (date, date))
    os.utime(folder, (date, date))
    return folder


@pytest.mark.needs("tar")
def test_packing_depends_on_content_only(tmp_path: Path) -> None:
    files = ["a", "sub/b", "sub/c"]
    for name, order, date in (("one", files, 1), ("two", files[::-1], 1_700_000_000)):
        execute(pack("pack", str(tree(tmp_path / name, order, date)), f"{name}.tgz", 5), tmp_path)
    assert (tmp_path / "one.tgz").read_bytes() == (tmp_path / "two.tgz").read_bytes()


@pytest.mark.needs("tar")
def test_unpacking_restores_what_was_packed(tmp_path: Path) -> None:
    source, target = tree(tmp_path / "source", ["a", "sub/b"], 1), tmp_path / "target"
    target.mkdir()
    execute(pack("pack", str(source), "it.tgz", 1_600_000_000), tmp_path)
    execute(unpack("unpack", "it.tgz", str(target)), tmp_path)
    assert (target / "sub" / "b").read_text() == "sub/b"
    assert (target / "a").stat().st_mtime == 1_600_000_000


@pytest.mark.needs("tar")
@pytest.mark.parametrize("top", ["", "prt_v1~rc1+x_amd64"])
def test_a_tree_is_the_same_whether_its_archive_has_a_folder_or_not(tmp_path: Path, top: str) -> None:
    source, target = tree(tmp_path / "source", ["a", "sub/b"], 1), tmp_path / "target"
    target.mkdir()
    (source / "sub" / "link").symlink_to("../a")
    (source / "sub" / "here").symlink_to("./b")
    os.link(source / "sub" / "b", source / "sub" / "same")
    execute(pack("pack", str(source), "it.tgz", 5, top), tmp_path)
    with tarfile.open(tmp_path / "it.tgz") as archive:
        assert archive.getnames()[0] == (top or ".")
    execute(unpack_tree("unpack", "it.tgz", str(target)), tmp_path)
    for folder in (source, target):
        found = {str(one.relative_to(folder)): os.path.islink(one) and os.readlink(one) for one in folder.rglob("*")}
        assert found == {
            "a": False, "sub": False, "sub/b": False, "sub/same": False, "sub/link": "../a", "sub/here": "./b",
        }  # fmt: skip
    assert (target / "sub" / "same").read_text() == "sub/b"


def test_archives_hold_a_folder_of_their_name_if_the_settings_say_so(tmp_path: Path) -> None:
    stages = inputs(tmp_path).set(ARCHIVE_FOLDER="1", PACKAGE_VERSION="v7").stages()
    for stage, name in (("runtime", "prt_v7_amd64"), ("runtime-dev", "prt-dev_v7_amd64")):
        assert rf"--transform=flags=rh;s,^\.,{name}," in step_of(stages[stage], "pack").args
    assert not any("--transform" in arg for arg in step_of(inputs(tmp_path).stages()["runtime"], "pack").args)


def test_a_file_is_known_by_the_digest_of_its_content_or_source() -> None:
    assert File("f", b"x").sha256 == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert File("f", SOURCE).sha256 == SOURCE.sha256


@pytest.mark.parametrize("optimize", [True, False])
def test_only_an_optimised_build_trains_and_links_at_link_time(tmp_path: Path, optimize: bool) -> None:
    stage = inputs(tmp_path).set(OPTIMIZE=str(int(optimize))).stages()["interpreter"]
    env = step_of(stage, "compile").env
    options = env["PYTHON_CONFIGURE_OPTS"].split()
    assert ("--enable-optimizations" in options) is optimize
    assert ("--with-lto" in options) is optimize
    assert ("PROFILE_TASK" in env) is optimize
    assert "--disable-shared" in options


def test_one_process_trains(tmp_path: Path) -> None:
    task = step_of(inputs(tmp_path).stages()["interpreter"], "compile").env["PROFILE_TASK"]
    assert "--pgo" in task
    assert "-j" not in task


def test_no_compiler_flag_reaches_the_extensions_of_users(tmp_path: Path) -> None:
    for stage in inputs(tmp_path).stages().values():
        for step in stage.steps:
            words = [*step.env, *" ".join(step.env.values()).split()]
            flags = [word.partition("=")[0] for word in words if "FLAGS" in word.partition("=")[0]]
            assert all(flag.endswith("_NODIST") for flag in flags), step.name


def test_the_interpreter_is_dated_as_its_source(tmp_path: Path) -> None:
    given = inputs(tmp_path)
    assert step_of(given.stages()["interpreter"], "compile").env["SOURCE_DATE_EPOCH"] == "1749600000"
    undated = given.with_inputs(python_version="3.13.4").stages()["interpreter"]
    assert step_of(undated, "compile").env["SOURCE_DATE_EPOCH"] == "315532800"


def test_packages_are_dated_as_the_commit(tmp_path: Path) -> None:
    stage = inputs(tmp_path).stages()["runtime"]
    assert {step.env["SOURCE_DATE_EPOCH"] for step in stage.steps if step.env} == {"1750000000"}
    assert "--mtime=@1750000000" in step_of(stage, "pack").args


def test_each_pre_patch_is_proven_in_a_step_of_its_name(tmp_path: Path) -> None:
    stage = inputs(tmp_path).stages()["interpreter"]
    assert names(stage, "patch") == [*OURS, *(f"patch recipes/runtime/pre-patch/{name}.patch" for name in "ab")]
    assert "recipes/runtime/pre-patch/b.patch does" in step_of(stage, "patch recipes/runtime/pre-patch/b").hint


@pytest.mark.parametrize("flavour", ["", "t", "d", "td"])
def test_a_patch_to_one_version_is_applied_to_its_flavours_before_the_pre_patches(tmp_path: Path, flavour: str) -> None:
    patches = {VERSION: (RecipeFile("b.patch", b"diff c\n"),), "3.13.4": (RecipeFile("d.patch", b"diff d\n"),)}
    given = inputs(tmp_path).with_interpreter(python_patches=patches)
    stage = given.with_inputs(python_version=f"{VERSION}{flavour}").stages()["interpreter"]
    recipes = (f"cpython/{VERSION}/b.patch", "runtime/pre-patch/a.patch", "runtime/pre-patch/b.patch")
    assert names(stage, "patch") == [*OURS, *(f"patch recipes/{name}" for name in recipes)]
    assert f"recipes/cpython/{VERSION}/b.patch does not fit" in step_of(stage, f"patch recipes/cpython/{VERSION}").hint
    joined = [file.content for file in stage.files if "/zz-" in file.name]
    assert joined[-3:] == [b"diff c\n", b"diff a\n", b"diff b\n"]


def test_python_build_gets_the_pre_patches_in_order_and_after_its_own(tmp_path: Path) -> None:
    stage = inputs(tmp_path).stages()["interpreter"]
    files = {file.name: file.content for file in stage.files if file.name.startswith(OWN_PATCHES)}
    ours = [patch.content for patch in own_patches.OWN_PATCHES]
    ordered = [f"{OWN_PATCHES}/{name}" for name in ("01.patch", *(f"zz-{n:04}" for n in range(len(ours) + 3)))]
    assert sorted(files) == ordered
    assert [files[name] for name in ordered[1:]] == [b"diff --git a/ b/\n", *ours, b"diff a\n", b"diff b\n"]


def test_without_pre_patches_there_is_no_trial(tmp_path: Path) -> None:
    stage = inputs(tmp_path).with_recipe(Variant.RUNTIME, pre_patches=()).stages()["interpreter"]
    assert stage.steps[0].name.startswith("compile")


def test_an_old_series_is_not_patched(tmp_path: Path) -> None:
    given = inputs(tmp_path).with_recipe(Variant.RUNTIME, pre_patches=())
    old = given.pinned(pythons={"3.12.9": replace(SOURCE, version="3.12.9")}).with_inputs(python_version="3.12.9")
    stage = old.stages()["interpreter"]
    assert not [file.name for file in stage.files if "zz" in file.name]


def test_each_of_our_patches_says_why_and_has_the_form_that_python_build_is_given() -> None:
    assert own_patches.OWN_PATCHES
    for patch in own_patches.OWN_PATCHES:
        reason, *_, header = patch.content.decode().partition("\n+++ ")[0].splitlines()
        assert reason[0].isupper()
        assert header.startswith("--- a/")


def test_a_free_threaded_python_is_built_from_the_plain_source(tmp_path: Path) -> None:
    stage = inputs(tmp_path).with_inputs(python_version=f"{VERSION}t").stages()["interpreter"]
    assert File(f"sources/{SOURCE.file}", SOURCE) in stage.files
    assert f"{VERSION}t" in step_of(stage, "compile").args


def test_a_debug_build_checks_itself_and_is_not_optimised(tmp_path: Path) -> None:
    plain, debug = (inputs(tmp_path).with_inputs(python_version=f"{VERSION}{flags}") for flags in ("t", "td"))
    stage = debug.stages()["interpreter"]
    compiling = step_of(stage, "compile")
    assert f"{VERSION}t" in compiling.args  # as python-build calls it
    assert "--with-pydebug" in compiling.env["PYTHON_CONFIGURE_OPTS"].split()
    assert "--with-lto" not in compiling.env["PYTHON_CONFIGURE_OPTS"]
    assert debug.plan().manifest["optimization"] == {"pgo": False, "lto": False}
    assert "--with-pydebug" not in step_of(plain.stages()["interpreter"], "compile").env["PYTHON_CONFIGURE_OPTS"]


def test_only_steps_that_download_get_the_network(tmp_path: Path) -> None:
    plan = inputs(tmp_path).plan()
    stages = (plan.interpreter, plan.locks.stage, plan.fetch, plan.stage)
    networked = {step.name for stage in stages for step in stage.steps if step.network}
    assert networked == {"resolve requirements", "download packages", "script 50-venv"}


def test_packages_are_installed_from_files_that_the_lock_names_and_no_index(tmp_path: Path) -> None:
    step = step_of(inputs(tmp_path).stages()["runtime"], "install packages")
    wanted = {"--no-index", "--require-hashes", "--no-deps", "--no-cache-dir", "--find-links={work}/distributions"}
    assert wanted <= {*step.args}
    assert not step.network


def test_what_is_compiled_from_its_source_gets_the_index_for_what_that_needs(tmp_path: Path) -> None:
    declared = (RecipeFile("10-web.txt", b"--no-binary fastapi\nfastapi\n"),)
    step = step_of(
        inputs(tmp_path).with_recipe(Variant.RUNTIME, requirements=declared).stages()["runtime"], "install p"
    )
    assert step.network
    assert "--no-index" not in step.args
    assert "--require-hashes" in step.args


def test_all_requirements_are_resolved_together_with_those_below(tmp_path: Path) -> None:
    step = step_of(inputs(tmp_path).plan().locks.stage, "resolve")
    assert "--only-binary=:all:" in step.args, "no source is compiled unless the requirements say so"
    assert [arg.rpartition("/")[2] for arg in step.args if arg.startswith("--requirement=")] == [
        "10-web.txt", "20-yaml.txt", "10-tools.txt",
    ]  # fmt: skip


def test_development_packages_obey_the_constraints_of_both_recipes(tmp_path: Path) -> None:
    (constraints,) = (f for f in inputs(tmp_path).stages()["runtime-dev"].files if f.name == "constraints.txt")
    assert constraints.content == b"fastapi<1\n\npytest<10\n"


@pytest.mark.parametrize(("variant", "first"), [(Variant.RUNTIME, True), (Variant.RUNTIME_DEV, False)])
def test_where_there_is_no_pip_yet_that_of_the_lock_is_unpacked_and_installs_itself(
    tmp_path: Path, variant: Variant, first: bool
) -> None:
    stage = inputs(tmp_path).stages()[variant.value]
    order = [step.name for step in stage.steps]
    assert ("unpack pip" in order[: order.index("install packages")]) is first
    install, check = (step_of(stage, name).env.get("PYTHONPATH", "").split(":") for name in ("install pack", "pip che"))
    assert (f"{WORK}/pip" in install) is first
    assert f"{WORK}/pip" not in check, "that is the tree's own"


@pytest.mark.parametrize("variant", [*Variant])
def test_no_step_compiles_pip_again_or_leaves_bytecode_in_the_tree(tmp_path: Path, variant: Variant) -> None:
    stage = inputs(tmp_path).stages()[variant.value]
    pip = [step for step in stage.steps if "pip" in step.args]
    assert pip
    assert {step.env["PYTHONPYCACHEPREFIX"] for step in pip} == {f"{WORK}/bytecode"}
    assert "PYTHONPYCACHEPREFIX" not in step_of(stage, "compile bytecode").env, "there it belongs into the tree"


@pytest.mark.parametrize(("conf", "steps"), [(b"[global]\n", ["pip.conf"]), (None, [])])
def test_pip_conf_is_installed_where_the_recipe_has_one(tmp_path: Path, conf: bytes | None, steps: list[str]) -> None:
    stage = inputs(tmp_path).with_recipe(Variant.RUNTIME, pip_conf=conf).stages()["runtime"]
    assert names(stage, "pip.conf") == steps
    assert [file.name for file in stage.files if file.name == "pip.conf"] == steps


def test_every_file_of_the_recipe_travels_as_it_is(tmp_path: Path) -> None:
    files = {file.name: file.content for file in inputs(tmp_path).stages()["runtime"].files}
    assert (
        files.items()
        >= {
            "requirements/runtime/10-web.txt": b"fastapi\n",
            "requirements/runtime/20-yaml.txt": b"pyyaml\n",
            "constraints.txt": b"fastapi<1\n",
            "pip.conf": b"[global]\n",
            "post-patch/site.patch": b"diff site\n",
            "scripts/10-links": b"#!/bin/sh\n",
            "checks/10-web.py": b"import fastapi\n",
        }.items()
    )


def test_scripts_are_executable_and_learn_where_they_are(tmp_path: Path) -> None:
    stage = inputs(tmp_path).stages()["runtime-dev"]
    assert [file.name for file in stage.files if file.executable] == ["scripts/50-venv"]
    env = step_of(stage, "script").env
    assert (env["PRT_ROOT"], env["PRT_VENV_ROOT"], env["PRT_VARIANT"]) == ("/prt", "/prt/venv", "runtime-dev")


@pytest.mark.parametrize("start", ["script", "check 10", "post-patch"])
def test_a_step_of_the_recipe_hints_at_its_file(tmp_path: Path, start: str) -> None:
    step = step_of(inputs(tmp_path).stages()["runtime"], start)
    assert "recipes/runtime/" in step.hint
    assert step.name.split()[1] in step.hint


def test_a_failed_resolution_hints_at_the_requirements(tmp_path: Path) -> None:
    hint = step_of(inputs(tmp_path).plan().locks.stage, "resolve").hint
    assert "recipes/dev/requirements/10-tools.txt" in hint
    assert "--no-binary NAME" in hint


LOCK_CHANGES = {
    "requirements": lambda i: i.with_recipe(Variant.RUNTIME, requirements=(RecipeFile("10-web.txt", b"flask\n"),)),
    "constraints": lambda i: i.with_recipe(Variant.RUNTIME, constraints=b"fastapi<2\n"),
    "pip.conf": lambda i: i.with_recipe(Variant.RUNTIME_DEV, pip_conf=b"[install]\n"),
    "architecture": lambda i: i.for_arch(Arch.ARM64),
    "Python": lambda i: i.with_inputs(python_version="3.13.4"),
    "C library": lambda i: i.on(toolchain="another"),
}
LOCK_STAYS = {
    "pre-patches": lambda i: i.with_recipe(Variant.RUNTIME, pre_patches=()),
    "scripts": lambda i: i.with_recipe(Variant.RUNTIME, scripts=()),
    "optimisation": lambda i: i.set(OPTIMIZE="0"),
    "commit": lambda i: i.with_inputs(repository=replace(i.inputs.repository, commit="0" * 40, date=1)),
}


@pytest.mark.parametrize("what", LOCK_CHANGES)
def test_what_decides_which_files_suit_changes_the_lock(tmp_path: Path, what: str) -> None:
    assert LOCK_CHANGES[what](inputs(tmp_path)).plan().locks.stage.key != inputs(tmp_path).plan().locks.stage.key


@pytest.mark.parametrize("what", LOCK_STAYS)
def test_what_does_not_leaves_it(tmp_path: Path, what: str) -> None:
    assert LOCK_STAYS[what](inputs(tmp_path)).plan().locks.stage.key == inputs(tmp_path).plan().locks.stage.key


def test_a_changed_lock_makes_another_artifact(tmp_path: Path) -> None:
    stages = [given.stages()["runtime"] for given in (inputs(tmp_path), LOCK_CHANGES["constraints"](inputs(tmp_path)))]
    assert stages[0].all_inputs["parents"] != stages[1].all_inputs["parents"]


def test_checks_see_the_pruned_and_compiled_tree(tmp_path: Path) -> None:
    order = [step.name.split()[0] for step in inputs(tmp_path).stages()["runtime"].steps]
    assert order.index("script") < order.index("prune") < order.index("compile") < order.index("check")
    assert order[-2:] == ["write", "pack"]
