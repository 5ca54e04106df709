"""The sessions: their names, what they print, and that every failure is one message."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.engines import choice
from builder.errors import BuildError, UserError
from builder.inputs.parsers import PRIVATE_KEY
from builder.inputs.settings import SETTINGS
from builder.sessions import build, opening, remove, show
from builder.sessions.opening import SessionFailed
from builder.targets import Arch, Target, Variant
from builder.work import work_folder
from tests.support.factories import SOURCE, checkout
from tests.support.recorder import Answer, Recorder
from tests.support.sessions import given

ROOT = Path(__file__).parents[3]
RUNTIME = Target(Variant.RUNTIME, Arch.native())

PROOFS = {"test", "test-dev", "test-deb", "test-deb-dev"}
EACH_ARCH = {"runtime", "runtime-dev", "deb", "deb-dev", "builder-image", "run", "run-dev"} | PROOFS
CACHE = {"upload-cache", "cache-check"}
CONTRIBUTORS = {"tests", "lint", "bench", "requirements"}
SINGLE = (
    {
        "train",
        "lock",
        "builder-lock",
        "all",
        "test-all",
        "clean",
        "clobber",
        "settings",
        "env",
        "pins",
        "bump",
        "audit",
        "diff",
        "verify",
        "help",
    }
    | CACHE
    | CONTRIBUTORS
)


pytestmark = pytest.mark.usefixtures("signals_as_before")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout the sessions work in."""
    monkeypatch.setattr(opening, "ROOT", checkout(tmp_path))
    given(monkeypatch, tmp_path)
    return tmp_path


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """The engine every session gets."""
    recorder = Recorder()
    monkeypatch.setattr(choice, "choose", lambda *args: recorder)
    return recorder


def test_the_noxfile_has_these_sessions_and_no_other() -> None:
    args = [sys.executable, "-m", "nox", "--script-mode=none", "--list"]
    listed = subprocess.run(args, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = dict(re.findall(r"^[-*] (\S+) .*-> (.+)$", listed, re.MULTILINE))
    assert found.keys() == SINGLE | {f"{name}{suffix}" for name in EACH_ARCH for suffix in ("", "-x86", "-arm")}


def test_a_key_that_is_none_is_refused_before_anything_is_built(
    root: Path, engine: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, root, SIGNING_KEY=f"{PRIVATE_KEY}\nhush\n")
    with pytest.raises(SessionFailed, match=r"^SIGNING_KEY is not a private key of OpenSSH\n  → make one: ssh-keygen"):
        build.tarball(RUNTIME)
    assert engine.workplaces == []


@pytest.mark.usefixtures("root")
def test_settings_are_shown_with_value_and_origin(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "Makefile.vars").write_text("# mine\nPACKAGE_PREFIX = own\n")
    given(monkeypatch, root, PRT_ROOT="/srv/py")
    show.settings()
    head, *rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert head == ["SETTING", "VALUE", "FROM"]
    assert [row[0] for row in rows] == [setting.name for setting in SETTINGS]
    assert ["PRT_ROOT", "/srv/py", "environment"] in rows
    assert ["PACKAGE_PREFIX", "own", "Makefile.vars:2"] in rows
    assert ["SYSROOT", "bullseye", "default"] in rows


def test_the_pins_are_shown_with_license_and_place(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pins = root / "recipes" / "pins.toml"
    before, name, rest = pins.read_text().partition('name = "zlib"')
    rest = rest.replace("/nowhere/python", "debian:pool/main/z/zlib/zlib_1.orig.tar.xz", 1)
    pins.write_text(f'{before}{name}\nsigned_by = "{"A" * 24}{"B" * 16}"{rest}')
    show.pins()
    note, _, head, *rows = [line.split() for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert note[:4] == ["note:", "newer", "versions", "are"]  # because there is no mirror here
    assert head[:7] == ["SOURCE", "VERSION", "NEWER", "LICENSE", "SHA256", "SIGNED", "BY"]
    assert [row[-2] for row in rows if row[0] == "zlib"] == ["B" * 16]
    assert ["CPython", "3.13.5", "PSF-2.0", SOURCE.sha256[:16], "/nowhere/python"] in rows
    assert {row[0] for row in rows} == {"CPython", "python-build", "zlib", "openssl", "libc6"}


def evaluated(text: str, name: str) -> str:
    """A variable, after a shell evaluated the text."""
    args = ["/bin/sh", "-euc", f'eval "$1"; printf %s "${name}"', "sh", text]
    return subprocess.run(args, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("value", ["my Python", "it's", 'say "hi"', "$HOME `id` \\ ; rm *", "a=b # no comment", "ünï"])
def test_any_value_survives_eval(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    given(monkeypatch, root, PACKAGE_DESC=value)
    show.environment()
    text = capsys.readouterr().out
    assert evaluated(text, "PACKAGE_DESC") == value
    assert evaluated(text, "PACKAGE_PREFIX") == "prt"


def test_a_url_with_a_password_is_left_out_of_the_environment(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, root, SOURCE_MIRROR="https://me:s3cret@mirror/x", DEBIAN_MIRROR="https://mirror/debian")
    show.environment()
    printed = capsys.readouterr()
    assert "s3cret" not in printed.out + printed.err
    assert evaluated(printed.out, "DEBIAN_MIRROR") == "https://mirror/debian"
    assert "SOURCE_MIRROR=" not in printed.out
    assert printed.err == "SOURCE_MIRROR is left out, because it holds a password\n"


def test_the_environment_names_every_setting_and_artifact(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show.environment()
    lines = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert {setting.name for setting in SETTINGS if not setting.secret} < lines.keys()
    assert lines["ARTIFACT_DIR"] == str(root / "out")
    assert lines["CA_BUNDLE"] == ""
    assert lines["TARBALL_RUNTIME_X86"] == "prt_v0_amd64.tgz"
    assert lines["MANIFEST_RUNTIME_DEV_ARM"] == "prt-dev_v0_arm64.manifest.json"
    assert lines["SBOM_RUNTIME_X86"] == "prt_v0_amd64.cdx.json"
    assert lines["PROVENANCE_RUNTIME_ARM"] == "prt_v0_arm64.provenance.json"
    assert lines["DEB_RUNTIME_DEV_ARM"] == "prt-dev_0_arm64.deb"


def test_a_version_that_no_debian_package_can_have_leaves_its_name_out(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, root, PACKAGE_VERSION="nightly")
    show.environment()
    text = capsys.readouterr().out
    assert "TARBALL_RUNTIME_X86=prt_nightly_amd64.tgz\n" in text
    assert "DEB_" not in text


@pytest.mark.usefixtures("root")
def test_build_prints_a_closing_table(root: Path, engine: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    build.tarball(RUNTIME)
    head, *rows = [line.split() for line in capsys.readouterr().out.partition("\n\n")[2].splitlines()]
    path = root / "out" / f"prt_v0_{Arch.native().value}.tgz"
    assert head == ["FILE", "SIZE", "SHA256", "TIME"]
    assert rows[0][:3] == [str(path), str(path.stat().st_size), hashlib.sha256(path.read_bytes()).hexdigest()]
    assert len(rows) == 4
    assert len(engine.workplaces) == 3


@pytest.mark.usefixtures("engine")
def test_several_versions_are_built_one_after_the_other_and_listed_in_one_table(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, root, PYTHON_VERSION="3.13.5 3.13.5t")
    build.tarball(RUNTIME)
    _, *rows = [line.split() for line in capsys.readouterr().out.rpartition("\n\n")[2].splitlines()]
    assert [Path(row[0]).name for row in rows] == [
        f"prt{branch}_v0_{Arch.native().value}.{ending}"
        for branch in ("3.13", "3.13t")
        for ending in ("tgz", "manifest.json", "cdx.json", "provenance.json")
    ]
    show.environment()
    text = capsys.readouterr().out
    assert evaluated(text, "TARBALL_RUNTIME_X86") == "prt3.13_v0_amd64.tgz prt3.13t_v0_amd64.tgz"
    assert evaluated(text, "DEB_RUNTIME_X86") == "prt3.13_0_amd64.deb prt3.13t_0_amd64.deb"


@pytest.mark.usefixtures("root")
def test_a_failed_step_fails_the_session_with_hint_and_log(engine: Recorder) -> None:
    engine.answers["pip check"] = Answer(1, ("conflict",))
    with pytest.raises(opening.SessionFailed) as failure:
        build.tarball(RUNTIME)
    assert "step 'pip check' failed with exit code 1" in str(failure.value)
    assert "→ two requirements exclude each other" in str(failure.value)


@pytest.mark.usefixtures("root")
def test_verbose_shows_what_steps_print(
    root: Path, engine: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.answers["pip check"] = Answer(lines=("No broken requirements found.",))
    given(monkeypatch, root, V="1")
    build.tarball(RUNTIME)
    assert "\nNo broken requirements found.\n" in capsys.readouterr().out


@pytest.mark.usefixtures("engine")
def test_github_actions_gets_groups(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, root, GITHUB_ACTIONS="true")
    build.tarball(RUNTIME)
    assert "::group::pip check\n" in capsys.readouterr().out


@pytest.mark.usefixtures("root", "engine")
def test_builder_image_opens_what_steps_run_in_and_says_what_is_ready(
    engine: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    build.builder_image(Arch.ARM64)
    assert [(place.arch, place.compiles) for place in engine.workplaces] == [(Arch.ARM64, True), (Arch.ARM64, False)]
    assert capsys.readouterr().out == "ready to build for arm64 (toolchain a toolchain)\n"


@pytest.mark.parametrize("session", [show.settings, show.environment, remove.clean])
def test_an_unknown_name_in_makefile_vars_fails_with_the_nearest_one(root: Path, session: Callable[[], None]) -> None:
    (root / "Makefile.vars").write_text("PYTHON_VERSON = 3.13\n")
    with pytest.raises(opening.SessionFailed) as failure:
        session()
    lines = str(failure.value).splitlines()
    assert lines == ["Makefile.vars:1: PYTHON_VERSON is not a setting", "  → did you mean PYTHON_VERSION?"]


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (UserError("it is wrong", "fix it"), "it is wrong\n  → fix it"),
        (BuildError("it failed"), "it failed"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied"),
        (OSError("something else"), "something else"),
        (BuildError("x @ https://me:topsecret@e.org/x: no"), "x @ https://****@e.org/x: no"),
    ],
)
def test_a_failure_is_one_message_without_a_cause(problem: Exception, message: str) -> None:
    def session() -> None:
        raise problem

    with pytest.raises(opening.SessionFailed) as failure:
        opening.reported(session)()
    assert str(failure.value) == message
    assert failure.value.__suppress_context__


def test_our_own_mistake_keeps_its_traceback() -> None:
    def session() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        opening.reported(session)()


def test_a_terminated_session_ends_as_an_interrupted_one() -> None:
    with pytest.raises(KeyboardInterrupt):
        opening.reported(signal.raise_signal)(signal.SIGTERM)


def files_of(root: Path) -> list[str]:
    """What is in ARTIFACT_DIR."""
    return sorted(path.name for path in (root / "out").iterdir())


@pytest.mark.usefixtures("engine")
def test_clean_removes_the_packages_and_nothing_else(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build.tarball(RUNTIME)
    (root / "out" / "notes.txt").touch()
    capsys.readouterr()
    remove.clean()
    assert files_of(root) == ["cache", "logs", "notes.txt", "work"]
    assert len(capsys.readouterr().out.splitlines()) == 5


@pytest.mark.usefixtures("engine")
@pytest.mark.filterwarnings("ignore:.*:ResourceWarning", "ignore:.*:pytest.PytestUnraisableExceptionWarning")
def test_clobber_removes_everything_we_made_and_twice_is_fine(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build.tarball(RUNTIME)
    (root / "out" / "notes.txt").touch()
    remove.clobber()
    assert files_of(root) == ["notes.txt"]
    capsys.readouterr()
    remove.clobber()
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("engine")
@pytest.mark.filterwarnings("ignore:.*:ResourceWarning", "ignore:.*:pytest.PytestUnraisableExceptionWarning")
def test_clobber_leaves_a_folder_of_the_users_and_says_so(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "out" / "logs").mkdir(parents=True)
    (root / "out" / "logs" / "app.log").write_text("mine")
    build.tarball(RUNTIME)
    capsys.readouterr()
    remove.clobber()
    assert files_of(root) == ["logs"]
    assert (root / "out" / "logs" / "app.log").read_text() == "mine"
    assert f"left {root}/out/logs: it has app.log, which is not ours" in capsys.readouterr().out


@pytest.mark.usefixtures("engine")
def test_clobber_is_refused_while_a_build_works(root: Path) -> None:
    build.tarball(RUNTIME)
    before = files_of(root)
    with (
        work_folder(root / "out" / "work", "parts"),
        pytest.raises(opening.SessionFailed, match="a build works in"),
    ):
        remove.clobber()
    assert files_of(root) == before


@pytest.mark.usefixtures("engine")
def test_whatever_the_umask_nobody_else_writes_what_a_session_makes(root: Path) -> None:
    before = os.umask(0)
    try:
        build.tarball(RUNTIME)
    finally:
        os.umask(before)
    made = [path for path in (root / "out").rglob("*") if not path.is_symlink()]
    assert len(made) > 10
    assert [path for path in (root / "out", *made) if path.stat().st_mode & 0o022] == []


@pytest.mark.needs("root")
@pytest.mark.parametrize("part", ["", "cache"])
def test_an_artifact_dir_of_another_user_is_refused_and_of_the_checkouts_owner_not(root: Path, part: str) -> None:
    (root / "out" / "cache").mkdir(parents=True)
    os.chown(root / "out" / part, 65534, 65534)
    with pytest.raises(opening.SessionFailed, match=r"belongs to nobody, who could alter what is built and run"):
        show.environment()
    os.chown(root, 65534, 65534)
    show.environment()


@pytest.mark.usefixtures("engine")
def test_clean_keeps_the_compiled_interpreter(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build.tarball(RUNTIME)
    remove.clean()
    build.tarball(RUNTIME)
    assert "from the cache" in capsys.readouterr().out
