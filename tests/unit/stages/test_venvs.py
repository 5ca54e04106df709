"""Virtual environments inside a runtime: made from their own locks, without an index, their commands linked."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.inputs.package_lock import parse, text_of
from builder.inputs.recipe import Venv
from builder.plan import Plan
from builder.stages.stage import Step
from builder.targets import Variant
from tests.support.factories import inputs, pylock

FOLDER = Path("recipes/dev/venvs/tool")
TOOL = pylock("tool", "a" * 64)
PROGRAM = Path(__file__).parents[3] / "builder" / "inside" / "link_commands.py"


def venv(asked: bytes = b"tool==1\n", lock: str | None = TOOL) -> Venv:
    """A virtual environment with a lock."""
    without = Venv(FOLDER, asked, ("tool*",), None)
    if lock is None:
        return without
    return replace(without, lock=parse(FOLDER / "pylock.toml", text_of(lock, without.asked).encode()))


def plan(folder: Path, *venvs: Venv) -> Plan:
    """The plan of runtime-dev with virtual environments."""
    return inputs(folder).with_recipe(Variant.RUNTIME_DEV, venvs=venvs).plan()


def steps(given: Plan) -> dict[str, Step]:
    """Its steps by name."""
    return {step.name: step for step in given.stage.steps}


def test_it_is_installed_from_files_that_its_lock_names_before_the_scripts_run(tmp_path: Path) -> None:
    given = plan(tmp_path, venv())
    (file,) = (file for file in given.stage.files if file.name == "venvs/tool.lock")
    assert file.content == f"tool==1.0 --hash=sha256:{'a' * 64}  # tool-1.0-py3-none-any.whl\n".encode()
    install = steps(given)["install packages of tool"]
    assert {"--no-index", "--require-hashes", "--no-deps", "--python=/prt/venv/tool/bin/python"} <= {*install.args}
    assert not install.network
    order = [*steps(given)]
    assert order.index("make venv tool") < order.index("install packages of tool") < order.index("script 50-venv")
    assert order.index("compare tool with its lock") < order.index("link commands of tool")


def test_its_files_are_downloaded_apart_from_the_others(tmp_path: Path) -> None:
    downloads = [step for step in plan(tmp_path, venv()).fetch.steps if step.network]
    assert [step.args[-1].rpartition("}/")[2] for step in downloads] == ["packages.lock", "venvs/tool.lock"]


def test_the_runtime_below_knows_nothing_of_it(tmp_path: Path) -> None:
    with_, without = plan(tmp_path, venv()), plan(tmp_path)
    assert with_.parent
    assert without.parent
    assert with_.parent.stage.key == without.parent.stage.key
    assert with_.stage.key != without.stage.key


def test_without_a_lock_or_with_a_stale_one_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"recipes/dev/venvs/tool has no pylock\.toml"):
        plan(tmp_path, venv(lock=None))
    with pytest.raises(
        UserError, match=r"recipes/dev/venvs/tool/pylock\.toml was made for other.*\+ tool==2, - tool==1"
    ):
        plan(tmp_path, replace(venv(), requirements=b"tool==2\n"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A runtime with a virtual environment of two commands."""
    for name in ("bin/python", "venv/tool/bin/tool", "venv/tool/bin/tool-more", "venv/tool/bin/python"):
        path = tmp_path / "prt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "prt"


def link(tree: Path, *patterns: str) -> subprocess.CompletedProcess[str]:
    """Link commands."""
    args = [sys.executable, str(PROGRAM), str(tree), str(tree / "venv/tool"), *patterns]
    return subprocess.run(args, capture_output=True, text=True, check=False)


def test_its_commands_are_linked_so_that_the_tree_can_move(tree: Path) -> None:
    assert link(tree, "tool*").returncode == 0
    moved = tree.rename(tree.with_name("elsewhere"))
    assert sorted(path.name for path in (moved / "bin").iterdir()) == ["python", "tool", "tool-more"]
    assert (moved / "bin" / "tool").resolve() == moved / "venv/tool/bin/tool"


def test_a_pattern_that_fits_nothing_and_a_name_that_is_taken_are_named(tree: Path) -> None:
    assert "tol*: no such command" in link(tree, "tol*").stderr
    assert "bin/python is there already" in link(tree, "python").stderr
    assert link(tree, "python").returncode != 0
