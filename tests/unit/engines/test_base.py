"""What every engine does in the same way: placeholders and the environment of a step."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.engines.base import Engine, Item, fill, put_files, step_environment, take_file
from builder.errors import BuildError
from builder.inputs.network import Network
from builder.stages.stage import JOBS, WORK, Step
from tests.support.recorder import Recorder

WORK_FOLDER = PurePosixPath("/some/work")
NETWORK = Network(Path("/etc/ca.pem"), {"https_proxy": "http://proxy:3128"}, {"PIP_INDEX_URL": "https://index"})


def environment(network: Network | None = None, ca_bundle: str | None = None, **env: str) -> dict[str, str]:
    """The environment of a step below /prt."""
    return step_environment(env, PurePosixPath("/prt"), WORK_FOLDER, network, ca_bundle)


def test_the_recorder_is_an_engine() -> None:
    engine: Engine = Recorder()
    assert engine.name == "host"


def test_placeholders_are_filled_in_arguments_and_variables() -> None:
    step = Step("s", ("make", f"-C{WORK}/a:{WORK}/b"), {"MAKE_OPTS": f"-j{JOBS}", "OUT": WORK})
    args = ["make", "-C/some/work/a:/some/work/b"]
    assert fill(step, WORK_FOLDER, 8) == (args, {"MAKE_OPTS": "-j8", "OUT": "/some/work"}, "/some/work")


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="{}"))))
def test_arguments_without_placeholders_stay_as_they_are(args: list[str]) -> None:
    assert fill(Step("s", tuple(args)), WORK_FOLDER, 8) == (args, {}, "/some/work")


def test_the_runtime_comes_first_on_the_path() -> None:
    assert environment()["PATH"].split(":")[0] == "/prt/bin"


def test_a_step_speaks_one_language_in_one_time_zone() -> None:
    env = environment()
    assert (env["LANG"], env["LC_ALL"], env["TZ"]) == ("C.UTF-8", "C.UTF-8", "UTC")


def test_home_and_temporary_files_are_in_the_work_folder() -> None:
    env = environment()
    assert (env["HOME"], env["TMPDIR"]) == ("/some/work/home", "/some/work/tmp")


def test_a_step_gets_its_own_variables() -> None:
    assert environment(PRT_VARIANT="runtime", TZ="CET").items() >= {"PRT_VARIANT": "runtime", "TZ": "CET"}.items()


def test_without_a_network_there_is_no_trace_of_it() -> None:
    assert set(environment()) == {"PATH", "HOME", "XDG_CONFIG_DIRS", "TMPDIR", "LANG", "LC_ALL", "TZ"}


def test_with_a_network_there_are_proxies_pip_settings_and_the_bundle_where_the_step_runs() -> None:
    env = environment(NETWORK, "/some/work/ca.pem")
    assert env["HTTPS_PROXY"] == env["https_proxy"] == "http://proxy:3128"
    assert env["PIP_INDEX_URL"] == "https://index"
    assert env["SSL_CERT_FILE"] == env["PIP_CERT"] == "/some/work/ca.pem"


def test_a_step_has_the_last_word_over_the_network() -> None:
    assert environment(NETWORK, None, PIP_INDEX_URL="https://mine")["PIP_INDEX_URL"] == "https://mine"


def test_the_folder_of_a_step_may_be_below_the_work_folder() -> None:
    assert fill(Step("s", (), cwd="{work}/build/zlib"), WORK_FOLDER, 8)[2] == "/some/work/build/zlib"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work folder in which a step has run, next to a file of the user's."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("secret")
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def test_what_is_put_where_a_step_left_a_link_leads_nowhere_else(work: Path) -> None:
    (work / "file").symlink_to(work.parent / "precious" / "file")
    put_files(work, [Item("file", b"ours")])
    assert (work / "file").read_text() == "ours"
    (work / "folder").symlink_to(work.parent / "precious")
    with pytest.raises(BuildError, match="folder became a link"):
        put_files(work, [Item("folder/file", b"ours")])
    assert (work.parent / "precious" / "file").read_text() == "secret"


def test_a_result_is_a_file_and_no_link_to_one_of_the_users(work: Path) -> None:
    (work / "link").symlink_to(work.parent / "precious" / "file")
    (work / "folder").symlink_to(work.parent / "precious")
    os.mkfifo(work / "pipe")
    for name in ("link", "folder/file", "folder", "pipe", "nothing"):
        with pytest.raises(BuildError):
            take_file(work, name, work.parent / "taken")
        assert not os.path.lexists(work.parent / "taken")
    (work / "made").write_text("result")
    take_file(work, "made", work.parent / "taken")
    assert (work.parent / "taken").read_text() == "result"
