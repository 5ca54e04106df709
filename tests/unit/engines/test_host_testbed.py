"""The host engine's place for a proof: a PRT_ROOT that only the proof's own processes see."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from builder import command
from builder.engines.host import HostEngine
from builder.errors import BuildError, UserError
from builder.stages.stage import Step
from builder.targets import Arch
from tests.support.factories import NO_NETWORK

ROOT_ONLY = pytest.mark.needs("root")


def engine(folder: Path) -> HostEngine:
    return HostEngine(PurePosixPath(folder / "a" / "prt"), folder / "scratch", NO_NETWORK)


@ROOT_ONLY
def test_what_a_step_writes_below_prt_root_the_next_one_sees_and_nobody_else(tmp_path: Path) -> None:
    root, lines = tmp_path / "a" / "prt", list[str]()
    with engine(tmp_path).testbed(Arch.native(), "") as place:
        assert place.run(Step("s", ("touch", f"{root}/mine")), lines.append) == 0
        assert place.run(Step("s", ("ls", str(root))), lines.append) == 0
        assert lines == ["mine"]
        assert [*root.iterdir()] == []
    assert not (tmp_path / "a").exists()


@ROOT_ONLY
def test_a_runtime_that_is_installed_there_is_hidden_and_stays(tmp_path: Path) -> None:
    root, lines = tmp_path / "a" / "prt", list[str]()
    root.mkdir(parents=True)
    (root / "theirs").touch()
    with engine(tmp_path).testbed(Arch.native(), "") as place:
        assert place.run(Step("s", ("ls", str(root))), lines.append) == 0
        assert place.run(Step("s", ("touch", f"{root}/mine")), lines.append) == 0
    assert lines == []
    assert [path.name for path in root.iterdir()] == ["theirs"]


@ROOT_ONLY
def test_the_exit_code_of_a_command_is_its_own(tmp_path: Path) -> None:
    with engine(tmp_path).testbed(Arch.native(), "") as place:
        assert place.run(Step("s", ("sh", "-c", "exit 7")), print) == 7
        assert place.attach(["sh", "-c", 'test "$HOME" = "$PWD" && exit 5']) == 5


def test_a_machine_that_allows_no_mount_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(args: object) -> str:
        raise BuildError("unshare failed: Operation not permitted")

    monkeypatch.setattr(command, "output", refused)
    with (
        pytest.raises(UserError, match="no private mount of PRT_ROOT") as problem,
        engine(tmp_path).testbed(Arch.native(), ""),
    ):
        pass
    assert "ENGINE=docker" in problem.value.hint
    assert not (tmp_path / "a").exists()
