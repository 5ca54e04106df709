"""The plan of a Debian package: golden texts, what its key depends on, and what the pipeline does with it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from builder.console import Console
from builder.engines.host import HostEngine
from builder.errors import BuildError, UserError
from builder.inputs import deb_recipe
from builder.inputs.deb_recipe import DebRecipe
from builder.inputs.recipe import RecipeFile
from builder.pipeline import stores
from builder.pipeline.artifacts import Artifact
from builder.pipeline.pipeline import Pipeline
from builder.plan import DebPlan, plan_deb
from builder.stages.stage import File
from builder.targets import Arch, Target, Variant
from tests.support.factories import PINS, Planning, across, assert_golden, checkout, inputs, project
from tests.support.recorder import Answer, Recorder

SHIPPED = Path(__file__).parents[3] / "recipes" / "deb"
RUNTIME, DEV = Variant.RUNTIME, Variant.RUNTIME_DEV


def package(given: Planning, variant: Variant = RUNTIME, recipe: DebRecipe | None = None) -> DebPlan:
    """Plan a package with the shipped recipe, or with this one."""
    given = replace(given, target=replace(given.target, variant=variant))
    recipe = recipe or deb_recipe.read(SHIPPED)
    return plan_deb(given.plan(), recipe)


def texts(plan: DebPlan) -> dict[str, str]:
    """The text files of a plan, by their place."""
    return {file.name: file.content.decode() for file in plan.stage.files if isinstance(file.content, bytes)}


@pytest.mark.parametrize("variant", Variant)
def test_what_the_shipped_recipe_renders(tmp_path: Path, variant: Variant) -> None:
    given = across(tmp_path, Arch.ARM64).set(
        PACKAGE_VERSION="v13rc1", PACKAGE_MAINTAINER="Jo <jo@x.org>", PACKAGE_DESC="Our Python"
    )
    shown = "".join(f"=== {name}\n{text}" for name, text in texts(package(given, variant)).items())
    assert_golden(f"{variant.value}.deb.txt", shown)


def test_the_steps_are_debians_own_tools(tmp_path: Path) -> None:
    stage = package(across(tmp_path)).stage
    assert_golden("deb-steps.txt", "".join(f"{step.name}: {' '.join(step.args)}\n" for step in stage.steps))


@pytest.mark.parametrize(("optimize", "level"), [("1", []), ("0", ["-z1"])])
def test_only_a_trial_is_compressed_quickly(tmp_path: Path, optimize: str, level: list[str]) -> None:
    step = package(across(tmp_path).set(OPTIMIZE=optimize)).stage.steps[-1]
    assert [*step.args[1:-3]] == ["--root-owner-group", "-Zxz", *level]


def test_the_file_is_named_by_the_version_without_its_epoch(tmp_path: Path) -> None:
    assert package(inputs(tmp_path).set(PACKAGE_VERSION="1!2.0rc1")).file == "prt_2~rc1_amd64.deb"
    assert package(inputs(tmp_path), DEV).file == "prt-dev_0_amd64.deb"


def test_a_cross_compiled_runtime_is_packaged_on_the_build_machine_against_the_pinned_c_library(
    tmp_path: Path,
) -> None:
    stage = package(across(tmp_path, Arch.ARM64)).stage
    assert stage.compiles
    assert "libc6_2.31-1_arm64.deb" in [file.name for file in stage.files]
    assert {step.env.get("DEB_HOST_ARCH", "arm64") for step in stage.steps} == {"arm64"}


@pytest.mark.parametrize("made", [across, inputs])
@pytest.mark.parametrize("place", ["toolchain", "surroundings"])
def test_what_packs_it_counts(tmp_path: Path, made: Callable[[Path], Planning], place: str) -> None:
    found = {package(given).stage.key for given in (made(tmp_path), made(tmp_path).on(**{place: "another"}))}
    assert len(found) == 2


def test_what_wheels_may_need_besides_the_c_library_is_known_as_well(tmp_path: Path) -> None:
    more = replace(PINS.sysroots[0].packages[0], name="libstdc++6", file="libstdc++6_10_amd64.deb")
    sysroots = tuple(replace(one, beside=(more,)) for one in PINS.sysroots)
    given = replace(across(tmp_path).pinned(sysroots=sysroots), target=Target(RUNTIME, Arch.AMD64))
    plan = plan_deb(given.plan(), deb_recipe.read(SHIPPED))
    (step,) = (step for step in plan.stage.steps if step.name == "dpkg-shlibdeps")
    assert {"-Ssysroot/libc6", "-Ssysroot/libstdc++6"} < {*step.args}


def test_a_runtime_with_the_libraries_of_the_distribution_is_packaged_where_these_are(tmp_path: Path) -> None:
    stage = package(inputs(tmp_path)).stage
    assert not stage.compiles
    assert not [file.name for file in stage.files if file.name.endswith(".deb")]


def test_the_key_changes_with_the_tarball_the_texts_and_the_files(tmp_path: Path) -> None:
    given, shipped = inputs(tmp_path), deb_recipe.read(SHIPPED)
    keys = [
        package(one, recipe=recipe).stage.key
        for one, recipe in (
            (given, shipped),
            (given.with_recipe(RUNTIME, prune=("share",)), shipped),
            (given.set(PACKAGE_DESC="Another"), shipped),
            (given, replace(shipped, files=(RecipeFile("srv/x", b"x"),))),
            (given, replace(shipped, files=(RecipeFile("srv/x", b"x", executable=True),))),
            (given, replace(shipped, links={"srv/x": "y"})),
            (given, replace(shipped, links={"srv/x": "z"})),
            (given, replace(shipped, folders=("srv/x",))),
        )
    ]
    assert len(set(keys)) == 8
    assert package(given).stage.key == keys[0]


def test_maintainer_scripts_and_files_of_the_user_go_in_and_etc_is_theirs_to_edit(tmp_path: Path) -> None:
    shipped = deb_recipe.read(SHIPPED)
    recipe = replace(
        shipped,
        texts={**shipped.texts, "postinst": RecipeFile("postinst", b"#!/bin/sh\n"), "triggers": RecipeFile("t", b"x")},
        files=(RecipeFile("etc/a.conf", b"a"), RecipeFile("usr/bin/a", b"#!", executable=True)),
    )
    files = {file.name: file for file in package(inputs(tmp_path), recipe=recipe).stage.files}
    assert files["deb/DEBIAN/postinst"] == File("deb/DEBIAN/postinst", b"#!/bin/sh\n", executable=True)
    assert files["deb/DEBIAN/triggers"].executable is False
    assert files["deb/DEBIAN/conffiles"].content == b"/etc/a.conf\n"
    assert files["deb/usr/bin/a"].executable


def test_no_file_takes_the_place_of_another(tmp_path: Path) -> None:
    shipped = deb_recipe.read(SHIPPED)
    copyright_again = replace(shipped, files=(RecipeFile("usr/share/doc/prt/copyright", b""),))
    with pytest.raises(UserError, match="has a place that another text"):
        package(inputs(tmp_path), recipe=copyright_again)
    (step,) = (step for step in package(inputs(tmp_path)).stage.steps if step.name == "unpack runtime")
    assert "--keep-old-files" in step.args


def run(root: Path, engine: Recorder | HostEngine, **values: str) -> tuple[list[Artifact], str]:
    """Build the package of a runtime; its artifacts, and what the user sees."""
    console = Console(stream=io.StringIO())
    given = project(root, **values)
    artifacts = Pipeline(given, engine, console, stores.source_shelf(given, console.say)).deb(
        Target(RUNTIME, Arch.native())
    )
    assert isinstance(console.stream, io.StringIO)
    return artifacts, console.stream.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with a small recipes/deb."""
    for kind in deb_recipe.NEEDED:
        (checkout(tmp_path) / "recipes/deb").mkdir(exist_ok=True)
        (tmp_path / "recipes/deb" / f"{kind}.j2").write_text("{{ package }} {{ version }}\n")
    return tmp_path


def test_the_tarball_is_built_first_and_the_second_time_nothing_is(root: Path) -> None:
    artifacts, _ = run(root, Recorder())
    name = f"prt_0_{Arch.native().value}.deb"
    assert [one.name for one in artifacts] == [name, f"{name}.provenance.json"]
    assert (root / "out" / artifacts[0].name).read_bytes() == b"canned package.deb"
    engine = Recorder()
    _, shown = run(root, engine)
    assert shown.endswith(".deb: up to date, nothing to do\n")
    assert engine.workplaces == []


def test_a_changed_template_redoes_the_package_only(root: Path) -> None:
    run(root, Recorder())
    (root / "recipes/deb/control.j2").write_text("new\n")
    engine = Recorder()
    run(root, engine)
    assert len(engine.workplaces) == 1
    assert engine.step_names[-1] == "dpkg-deb"


def test_a_failed_step_leaves_no_package(root: Path) -> None:
    with pytest.raises(BuildError, match="step 'dpkg-shlibdeps' failed") as failed:
        run(root, Recorder(answers={"dpkg-shlibdeps": Answer(2)}))
    assert "LIBRARIES=system" in failed.value.hint
    assert not [path for path in (root / "out").iterdir() if path.suffix == ".deb"]


@pytest.mark.parametrize("values", [{"PACKAGE_VERSION": "nightly"}, {"PACKAGE_MAINTAINER": "Jo"}])
def test_what_no_package_can_have_is_refused_before_any_work(root: Path, values: dict[str, str]) -> None:
    engine = Recorder()
    with pytest.raises(UserError, match=f"^{next(iter(values))}="):
        run(root, engine, **values)
    assert engine.workplaces == []


def test_a_template_that_can_t_be_rendered_is_refused_before_any_work(root: Path) -> None:
    (root / "recipes/deb/control.j2").write_text("{{ nothing }}")
    engine = Recorder()
    with pytest.raises(UserError, match=r"control\.j2:1: 'nothing' is undefined"):
        run(root, engine)
    assert engine.workplaces == []


def test_a_machine_without_dpkg_dev_says_what_to_install(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = project(root)
    engine = HostEngine(given.settings.prt_root, root / "work", given.network)
    monkeypatch.setattr("shutil.which", lambda name: None if name.startswith("dpkg-") else f"/bin/{name}")
    with pytest.raises(UserError, match=r"^this machine lacks dpkg-deb, dpkg-shlibdeps, dpkg-gencontrol\n") as refused:
        run(root, engine)
    assert refused.value.hint == "apt-get install dpkg dpkg-dev"
