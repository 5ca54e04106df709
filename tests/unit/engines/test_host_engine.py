"""The host engine: it takes PRT_ROOT and puts it back, and a step sees nothing of this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from builder.engines.base import Engine, Item
from builder.engines.host import HostEngine, HostWorkplace
from builder.engines.prt_root import MARK
from builder.errors import UserError
from builder.inputs.network import Network
from builder.stages.stage import WORK, Step
from builder.targets import Arch
from tests.support.factories import NO_NETWORK

FOREIGN = next(arch for arch in Arch if arch is not Arch.native())


def engine(folder: Path, network: Network = NO_NETWORK) -> HostEngine:
    """An engine whose PRT_ROOT is `folder`/a/prt."""
    return HostEngine(PurePosixPath(folder / "a" / "prt"), folder / "scratch", network)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """PRT_ROOT of that engine; not there yet."""
    return tmp_path / "a" / "prt"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[HostWorkplace]:
    """A workplace of an engine with a network."""
    (tmp_path / "ca.pem").touch()
    network = Network(tmp_path / "ca.pem", {"https_proxy": "http://proxy"}, {"PIP_INDEX_URL": "https://index"})
    with engine(tmp_path, network).workplace(Arch.native()) as opened:
        yield opened


def lines_of(place: HostWorkplace, *args: str, network: bool = False) -> list[str]:
    """What a step prints."""
    lines: list[str] = []
    assert place.run(Step("s", args, {"OWN": "1"}, network=network), lines.append) == 0
    return lines


def refused(host: HostEngine) -> UserError:
    """Why an engine opens no workplace."""
    with pytest.raises(UserError) as problem, host.workplace(Arch.native()):
        pass
    return problem.value


def test_it_is_an_engine(tmp_path: Path) -> None:
    host: Engine = engine(tmp_path)
    assert (host.name, host.emulator(Arch.native())) == ("host", None)
    assert {host.builds_on(arch) for arch in Arch} == {Arch.native()}


def test_prt_root_is_there_and_empty_for_the_time_of_a_stage(tmp_path: Path, root: Path) -> None:
    with engine(tmp_path).workplace(Arch.native()):
        assert [path.name for path in root.iterdir()] == [MARK]
        (root / "bin").mkdir()
        (root / "bin" / "python").touch()
    assert not root.parent.exists()


def test_prt_root_is_gone_after_a_failed_stage_too(tmp_path: Path, root: Path) -> None:
    def interrupted() -> None:
        (root / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), engine(tmp_path).workplace(Arch.native()):
        interrupted()
    assert not root.parent.exists()


def test_a_stage_leaves_nothing_in_the_scratch_folder(tmp_path: Path) -> None:
    with engine(tmp_path).workplace(Arch.native()) as place:
        place.put([Item("sub/file", b"x")])
    assert list((tmp_path / "scratch").iterdir()) == []


def test_an_empty_folder_of_the_user_is_kept_and_emptied(tmp_path: Path, root: Path) -> None:
    root.mkdir(parents=True, mode=0o750)
    with engine(tmp_path).workplace(Arch.native()):
        (root / "bin").mkdir()
    assert list(root.iterdir()) == []
    assert root.stat().st_mode & 0o777 == 0o750


def test_a_parent_the_user_made_is_kept(tmp_path: Path, root: Path) -> None:
    root.parent.mkdir()
    with engine(tmp_path).workplace(Arch.native()):
        pass
    assert list(root.parent.iterdir()) == []


def test_a_parent_in_which_something_appeared_is_kept(tmp_path: Path, root: Path) -> None:
    with engine(tmp_path).workplace(Arch.native()):
        (root.parent / "mine").touch()
    assert [path.name for path in root.parent.iterdir()] == ["mine"]


def test_a_folder_with_files_is_refused_and_untouched(tmp_path: Path, root: Path) -> None:
    root.mkdir(parents=True)
    (root / "mine").write_text("mine")
    problem = refused(engine(tmp_path))
    assert problem.message == f"PRT_ROOT={root} is not empty, and the host engine builds there"
    assert problem.hint == "empty it, or set PRT_ROOT"
    assert (root / "mine").read_text() == "mine"


@pytest.mark.parametrize("what", ["file", "link"])
def test_what_is_no_folder_is_refused_and_untouched(tmp_path: Path, root: Path, what: str) -> None:
    root.parent.mkdir()
    if what == "file":
        root.write_text("mine")
    else:
        (tmp_path / "elsewhere").mkdir()
        root.symlink_to(tmp_path / "elsewhere")
    assert "is not a folder" in refused(engine(tmp_path)).message
    assert root.is_symlink() or root.read_text() == "mine"


def test_a_path_with_blanks_is_refused(tmp_path: Path, root: Path) -> None:
    problem = refused(HostEngine(PurePosixPath(root), tmp_path / "my builds", NO_NETWORK))
    assert "path with blanks" in problem.message
    assert problem.hint == "set ARTIFACT_DIR"
    assert not root.exists()


def test_a_foreign_architecture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError) as problem:
        engine(tmp_path).toolchain(FOREIGN, "3.13", compiles=False)
    assert problem.value.message == f"the host engine builds for {Arch.native().value} only, not for {FOREIGN.value}"
    assert problem.value.hint


def test_a_step_sees_no_variable_of_this_process(place: HostWorkplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOO", "bar")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    names = {line.partition("=")[0] for line in lines_of(place, "env")}
    assert not names & {"FOO", "PYTHONPATH", "https_proxy", "HTTPS_PROXY", "PIP_INDEX_URL", "SSL_CERT_FILE"}
    assert names >= {"PATH", "HOME", "OWN"}


def test_a_step_that_downloads_gets_the_network_and_nothing_else(
    place: HostWorkplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOO", "bar")
    lines = lines_of(place, "env", network=True)
    assert {"https_proxy=http://proxy", "PIP_INDEX_URL=https://index", f"PIP_CERT={tmp_path}/ca.pem"} <= {*lines}
    assert "FOO=bar" not in lines


def test_a_step_runs_in_the_work_folder_which_has_home_and_tmp(place: HostWorkplace) -> None:
    assert lines_of(place, "sh", "-c", f"pwd -P; echo {WORK}; ls") == [
        os.path.realpath(place.work), str(place.work), "home", "tmp",
    ]  # fmt: skip


def test_a_step_may_have_a_folder_of_its_own(place: HostWorkplace) -> None:
    lines: list[str] = []
    (place.work / "build").mkdir()
    place.run(Step("s", ("pwd",), cwd=f"{WORK}/build"), lines.append)
    assert lines == [str(place.work / "build")]


def test_files_of_a_step_can_be_read_by_all(place: HostWorkplace) -> None:
    before = os.umask(0o077)
    try:
        lines_of(place, "touch", "made")
    finally:
        os.umask(before)
    assert (place.work / "made").stat().st_mode & 0o777 == 0o644


def test_an_archive_of_prt_root_has_no_mark_of_the_build(place: HostWorkplace) -> None:
    lines_of(place, "touch", f"{place.prt_root}/own")
    lines_of(place, "tar", "--create", f"--file={WORK}/a.tar", f"--directory={place.prt_root}", ".")
    assert sorted(lines_of(place, "tar", "--list", f"--file={WORK}/a.tar")) == ["./", "./own"]


def test_a_failing_step_answers_its_exit_code(place: HostWorkplace) -> None:
    assert place.run(Step("s", ("sh", "-c", "exit 7")), print) == 7


def test_put_writes_bytes_and_copies_files(place: HostWorkplace, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"copied")
    place.put([Item("a/plain", b"x"), Item("a/program", b"#!", executable=True), Item("copy", tmp_path / "source")])
    assert (place.work / "a" / "plain").stat().st_mode & 0o777 == 0o644
    assert (place.work / "a" / "program").stat().st_mode & 0o777 == 0o755
    assert (place.work / "copy").read_bytes() == (tmp_path / "source").read_bytes() == b"copied"


def test_get_brings_a_result_out(place: HostWorkplace, tmp_path: Path) -> None:
    lines_of(place, "sh", "-c", "echo result > out.tgz")
    place.get("out.tgz", tmp_path / "out.tgz.part")
    assert (tmp_path / "out.tgz.part").read_text() == "result\n"
