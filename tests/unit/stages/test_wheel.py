"""Wheels that are built from source: what their stages are made of, and what makes them and the runtime again."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from builder.inputs.commit import Commit
from builder.inputs.package_lock import build_file, parse, text_of
from builder.inputs.recipe import Builds, RecipeFile, SourceTree
from builder.plan import Plan
from builder.stages.stage import Stage, Step
from builder.targets import Arch, Variant
from tests.support.factories import Planning, across, inputs, pylock

PYPROJECT = RecipeFile("pyproject.toml", b'[build-system]\nrequires = ["backend"]\n')
TREE = SourceTree("mine", (PYPROJECT, RecipeFile("run.sh", b"#!", executable=True)))
IN_RECIPE = 'directory = { path = "packages/mine" }'
GIT = (
    'version = "1.5"\nvcs = { type = "git", url = "https://e.org/x", commit-id = "%s", subdirectory = "python/../lib" }'
)
FOLDER = Path("recipes/runtime")
RECIPES: dict[str, object] = {"requirements": (), "constraints": b""}


def building(
    given: Planning, source: str = IN_RECIPE, tree: SourceTree = TREE, tool: str = "a", name: str = "mine"
) -> Planning:
    """The same with a package that is built from a source, by a tool with this digit in its digest."""
    planning = given.with_recipe(Variant.RUNTIME, trees=(tree,), **RECIPES)
    asked = planning.inputs.recipes[Variant.RUNTIME].asked
    lock = f'lock-version = "1.0"\ncreated-by = "uv"\n[[packages]]\nname = "{name}"\n{source}\n'
    build = text_of(pylock("backend", tool * 64), ("backend",) if source == IN_RECIPE else (f"{name} @ {'c' * 40}",))
    return planning.with_recipe(
        Variant.RUNTIME,
        lock=parse(FOLDER / "pylock.toml", text_of(lock, asked).encode()),
        builds=Builds({name: parse(FOLDER / build_file(name), build.encode())}),
    )


def wheel(given: Planning) -> Stage:
    """The stage that builds it."""
    (found,) = runtime(given).locks.every_wheel
    return found.stage


def runtime(given: Planning) -> Plan:
    """The plan of the runtime."""
    plan = given.plan()
    return plan.parent or plan


def step(stage: Stage, name: str) -> Step:
    """A step by its name."""
    (found,) = (one for one in stage.steps if one.name == name)
    return found


def test_a_wheel_is_built_by_the_interpreter_without_a_network_from_locked_files(tmp_path: Path) -> None:
    stage = wheel(building(inputs(tmp_path)))
    assert [parent.name for parent in stage.parents] == ["interpreter"]
    assert not any(one.network for one in stage.steps)
    assert not stage.compiles, "it runs as the target's architecture"
    files = {file.name: file for file in stage.files}
    assert (
        files["build.lock"].content
        == f"backend==1.0 --hash=sha256:{'a' * 64}  # backend-1.0-py3-none-any.whl\n".encode()
    )
    assert files["source/run.sh"].executable
    assert {"--no-index", "--require-hashes", "--requirement={work}/build.lock"} <= {
        *step(stage, "install build requirements").args
    }
    build = step(stage, "build wheel").args
    assert {"--no-index", "--no-deps", "--no-build-isolation", "--check-build-dependencies", "{work}/source"} <= {
        *build
    }


def test_it_is_linked_against_the_c_library_of_the_floor(tmp_path: Path) -> None:
    for arch in Arch:
        stage = wheel(building(across(tmp_path, arch)))
        assert "sysroot.tar" in {file.name for file in stage.files}
        env = step(stage, "build wheel").env
        for tool in ("CC", "CXX", "CPP"):
            assert f"--sysroot={{work}}/sysroot -B{{work}}/sysroot/usr/lib/{arch.machine}-linux-gnu/" in env[tool]
        assert {"-ffile-prefix-map={work}=.", "-ffile-prefix-map=/prt=."} <= {*env["CC"].split()}
        assert env["PKG_CONFIG_LIBDIR"] == "/nonexistent"
    assert "CC" not in step(wheel(building(inputs(tmp_path))), "build wheel").env, "LIBRARIES=system has none"


def test_a_repository_is_unpacked_and_built_below_with_its_version(tmp_path: Path) -> None:
    stage = wheel(building(inputs(tmp_path), GIT % ("c" * 40)))
    (source,) = (file for file in stage.files if file.name == "source.tar")
    assert source.content == Commit("https://e.org/x", "c" * 40)
    assert "--strip-components=0" in step(stage, "unpack source").args
    build = step(stage, "build wheel")
    assert build.args[-1] == "{work}/source/python/lib"
    assert build.env["SETUPTOOLS_SCM_PRETEND_VERSION"] == "1.5"


CHANGED = replace(TREE, files=(PYPROJECT, RecipeFile("run.sh", b"#?", executable=True)))
PLAIN = replace(TREE, files=(PYPROJECT, RecipeFile("run.sh", b"#!")))


@pytest.mark.parametrize("change", [{"tree": CHANGED}, {"tree": PLAIN}, {"tool": "b"}])
def test_what_it_is_made_of_makes_it_and_the_runtime_again_and_nothing_else(
    tmp_path: Path, change: dict[str, object]
) -> None:
    before, after = building(inputs(tmp_path)), building(inputs(tmp_path), **change)  # type: ignore[arg-type]
    assert wheel(before).key != wheel(after).key
    assert runtime(before).stage.key != runtime(after).stage.key
    assert runtime(before).interpreter.key == runtime(after).interpreter.key


def test_the_interpreter_and_where_it_runs_make_it_again(tmp_path: Path) -> None:
    given = building(inputs(tmp_path))
    keys = {wheel(one).key for one in (given, given.on(surroundings="another"), given.on(toolchain="another"))}
    assert len(keys) == 3


def test_a_commit_does_not_make_it_again(tmp_path: Path) -> None:
    given = building(inputs(tmp_path))
    later = given.with_inputs(repository=replace(given.inputs.repository, date=2_000_000_000, commit="f" * 40))
    assert wheel(given).key == wheel(later).key


def test_the_manifest_says_what_was_built_and_from_what_in_both_variants(tmp_path: Path) -> None:
    plan = building(inputs(tmp_path), GIT % ("c" * 40)).plan()
    built = [{"name": "mine", "source": "https://e.org/x", "commit": "c" * 40}]
    assert plan.parent
    assert (plan.manifest["built"], plan.parent.manifest["built"]) == (built, built)
    assert building(inputs(tmp_path)).plan().manifest["built"] == [
        {"name": "mine", "source": "packages/mine", "sha256": TREE.sha256}
    ]


def test_nothing_is_compiled_while_packages_are_installed_by_a_lock(tmp_path: Path) -> None:
    given = building(inputs(tmp_path))
    compiled = (RecipeFile("10-x.txt", b"--no-binary six\n"),)
    recipe = replace(given.inputs.recipes[Variant.RUNTIME], requirements=compiled)
    assert recipe.lock
    lock = parse(recipe.lock.path, text_of(recipe.lock.text.partition("[tool")[0], recipe.asked).encode())
    stage = runtime(given.with_recipe(Variant.RUNTIME, requirements=compiled, lock=lock)).stage
    assert not step(stage, "install packages").network


def test_the_kind_of_its_results_is_a_name_that_the_caches_server_takes(tmp_path: Path) -> None:
    long = "opentelemetry-instrumentation-"
    kinds = [wheel(building(inputs(tmp_path), name=name)).name for name in ("mine", f"{long}django", f"{long}flask")]
    assert kinds[0] == "wheel-mine"
    assert len({*kinds}) == 3
    server = (Path(__file__).parents[3] / "remote_cache" / "nginx.conf").read_text()
    (pattern,) = re.findall(r"\^/v1/ac/(\S+?)/\(", server)
    assert all(re.fullmatch(pattern, kind) for kind in kinds)
