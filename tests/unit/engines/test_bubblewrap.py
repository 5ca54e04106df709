"""Bubblewrap: what is said where namespaces are forbidden, and what a step's command line is."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from builder.engines import bubblewrap
from builder.engines.bubblewrap import Bubblewrap
from builder.errors import UserError

SAID = "bwrap: Creating new namespace failed: Operation not permitted"


def refused(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    off: str = "",
    restricted: Path = Path("/nonexistent"),
    program: str | None = "bwrap",
) -> UserError:
    """The error where every way to start it fails."""
    monkeypatch.setattr(bubblewrap, "_off", lambda: off)
    monkeypatch.setattr(bubblewrap, "_RESTRICTED", restricted)
    monkeypatch.setattr(bubblewrap, "_tried", lambda _: SAID)
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda _: program)  # type: ignore[attr-defined]
    monkeypatch.setattr(bubblewrap, "_by_its_own_loader", lambda _: ("loader", "bwrap"))
    with pytest.raises(UserError) as problem:
        bubblewrap.find(lambda: Path("/a/root"), folder)
    return problem.value


@pytest.mark.parametrize(
    ("setting", "value"), [("user.max_user_namespaces", 10000), ("kernel.unprivileged_userns_clone", 1)]
)
def test_a_switch_that_is_off_is_named_with_the_command_that_switches_it_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, value: int
) -> None:
    problem = refused(monkeypatch, tmp_path, off=setting)
    assert problem.message == f"no sandbox here: user namespaces are switched off ({setting}=0)"
    assert problem.hint == f"sudo sysctl {setting}={value}, or ENGINE=docker"


def test_where_apparmor_allows_installed_programs_only_the_package_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "restricted").write_text("1\n")
    problem = refused(monkeypatch, tmp_path, restricted=tmp_path / "restricted", program=None)
    assert (problem.message.startswith("no sandbox here: AppArmor"), problem.hint) == (
        True,
        "apt-get install bubblewrap",
    )


def test_anything_else_is_said_as_bubblewrap_says_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    problem = refused(monkeypatch, tmp_path)
    assert problem.message == f"no sandbox here, because namespaces are forbidden: {SAID}"
    assert "--privileged" in problem.hint


def test_a_network_is_there_only_where_a_step_asks_for_it() -> None:
    one = Bubblewrap(("bwrap",))
    assert "--unshare-net" in one.command((), ["true"], "/", network=False)
    assert "--unshare-net" not in one.command((), ["true"], "/", network=True)


def test_a_root_file_system_is_bound_read_only_with_room_for_prt_root(tmp_path: Path) -> None:
    (tmp_path / "usr" / "bin").mkdir(parents=True)
    (tmp_path / "srv").mkdir()
    (tmp_path / "bin").symlink_to("usr/bin")
    mounts = bubblewrap.read_only(tmp_path, PurePosixPath("/usr/local/prt"))
    assert mounts[:8] == (
        "--symlink", "usr/bin", "/bin", "--dir", "/srv", "--ro-bind", str(tmp_path / "usr"), "/usr",
    )  # fmt: skip
    assert mounts[8:10] == ("--tmpfs", "/usr/local")
    assert "/usr/local" not in bubblewrap.read_only(tmp_path, PurePosixPath("/prt"))
