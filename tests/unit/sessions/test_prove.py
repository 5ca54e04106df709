"""The sessions that prove and run packages: what they print, and how they fail."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from builder.engines import bubblewrap, choice, emulation
from builder.inputs import deb_recipe
from builder.inputs.pins import Source
from builder.sessions import every, opening, prove
from builder.sessions.opening import SessionFailed
from builder.sources.shelf import SourceShelf
from builder.targets import Arch, Format, Target, Variant
from tests.support.factories import checkout
from tests.support.recorder import Answer, Recorder
from tests.support.sessions import given

RUNTIME = Target(Variant.RUNTIME, Arch.AMD64)
ARCHIVE = "prt_v0_amd64.tgz"


pytestmark = pytest.mark.usefixtures("signals_as_before")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout the sessions work in, with a small recipes/deb."""
    monkeypatch.setattr(opening, "ROOT", checkout(tmp_path))
    (tmp_path / "recipes" / "deb").mkdir()
    for kind in deb_recipe.NEEDED:
        (tmp_path / "recipes" / "deb" / f"{kind}.j2").write_text(kind)
    given(monkeypatch, tmp_path)
    return tmp_path


@pytest.fixture
def engine(root: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """The engine every session gets; it can do everything for both architectures."""
    recorder = Recorder(name="docker")
    monkeypatch.setattr(choice, "choose", lambda *args: recorder)
    monkeypatch.setattr(choice, "why_not", lambda *args: None)
    return recorder


def last_table(text: str) -> list[list[str]]:
    """The cells of the last table, without its head."""
    return [line.split("  ") for line in text.rpartition("\n\n")[2].splitlines()[1:]]


def test_a_package_is_built_proved_and_its_checks_are_listed(
    engine: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    prove.test(RUNTIME, Format.TAR)
    shown = capsys.readouterr().out
    assert f"{ARCHIVE}: to be built" in shown
    assert [row[0] for row in last_table(shown)][:3] == ["manifest", "doctor", "ELF files"]
    assert len(engine.testbeds) == 1


def test_a_package_that_passed_is_not_built_again_but_proved_again(
    engine: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    prove.test(RUNTIME, Format.TAR)
    capsys.readouterr()
    prove.test(RUNTIME, Format.TAR)
    assert f"{ARCHIVE}: up to date" in capsys.readouterr().out
    assert len(engine.testbeds) == 2


def test_a_failed_check_fails_the_session_after_the_table(engine: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    engine.answers["TLS"] = Answer(1, ("expected: TLSv1.3", "seen: nothing"))
    with pytest.raises(SessionFailed) as failure:
        prove.test(RUNTIME, Format.TAR)
    assert ["TLS", "failed"] in [
        [cell.strip() for cell in row if cell.strip()] for row in last_table(capsys.readouterr().out)
    ]
    lines = str(failure.value).splitlines()
    assert lines[0].startswith(f"{ARCHIVE} on ")
    assert lines[0].endswith("check 'TLS' failed:")
    assert lines[1:3] == ["    expected: TLSv1.3", "    seen: nothing"]


def test_a_debian_package_on_the_host_is_refused_before_any_work(engine: Recorder) -> None:
    engine.isolated = False
    with pytest.raises(SessionFailed, match="proved in a container"):
        prove.test(RUNTIME, Format.DEB)
    assert engine.workplaces == []


def test_several_versions_are_proved_each_with_a_table_of_its_own(
    root: Path, engine: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, root, PYTHON_VERSION="3.13.5 3.13.5t")
    engine.answers["TLS"] = Answer(1, ("seen: nothing",))
    with pytest.raises(SessionFailed) as failure:
        prove.test(RUNTIME, Format.TAR)
    shown = capsys.readouterr().out
    for name in ("prt3.13_v0_amd64.tgz", "prt3.13t_v0_amd64.tgz"):
        assert f"\n{name}:\nCHECK" in shown
        assert f"{name} on " in str(failure.value)


def test_a_command_runs_in_one_version(root: Path, engine: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, root, PYTHON_VERSION="3.13.5 3.13.5t")
    with pytest.raises(SessionFailed, match="several versions"):
        prove.run(RUNTIME, ["true"])
    assert engine.testbeds == []


def test_run_answers_the_exit_code_and_leaves_standard_output_to_the_command(
    engine: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.answers["python"] = Answer(3)
    assert prove.run(RUNTIME, ["python", "-V"]) == 3
    assert prove.run(RUNTIME, []) == 0
    assert [place.attached for place in engine.testbeds] == [[["python", "-V"]], [("bash",)]]
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("engine")
def test_all_builds_every_package_and_lists_them(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    every.build_all()
    listed = [row[0] for row in last_table(capsys.readouterr().out)]
    expected = {f"{name}_{arch.value}" for arch in Arch for name in ("prt_v0", "prt-dev_v0", "prt_0", "prt-dev_0")}
    endings = (".tgz", ".manifest.json", ".cdx.json", ".deb.provenance.json", ".provenance.json", ".deb")
    stems = {name: next(name.removesuffix(one) for one in endings if name.endswith(one)) for name in listed}
    assert {*stems.values()} == expected
    assert {name for name in listed if (root / "out" / name).is_file()} == {*listed}


def test_test_all_names_the_version_of_what_failed(
    root: Path, engine: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, root, PYTHON_VERSION="3.13.5 3.13.5t")
    engine.answers["compile CPython 3.13.5t (PGO, LTO)"] = Answer(1)
    with pytest.raises(SessionFailed):
        every.test_all()
    rows = last_table(capsys.readouterr().out)
    assert len(rows) == 16
    assert {row[0] for row in rows if row[-1] != "passed"} == {
        f"{form} {variant} {arch}, Python 3.13.5t"
        for form in ("tar", "deb") for variant in ("runtime", "runtime-dev") for arch in ("amd64", "arm64")
    }  # fmt: skip


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_test_all_proves_every_package_and_ends_with_one_table(
    root: Path, engine: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], jobs: str
) -> None:
    given(monkeypatch, root, JOBS=jobs)
    every.test_all()
    shown = capsys.readouterr().out
    rows = last_table(shown)
    assert len(rows) == 8
    assert {row[-1] for row in rows} == {"passed"}
    assert {place.arch for place in engine.testbeds} == {*Arch}
    assert ("arm64: prt_v0_arm64.tgz: to be built" in shown) == (jobs == "2")


@pytest.mark.usefixtures("engine")
def test_side_by_side_nothing_is_downloaded_twice_at_a_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, root, JOBS="2", COMPILE="across")
    downloading, fetch, fetched = threading.Lock(), SourceShelf.fetch, []

    def alone(shelf: SourceShelf, source: Source) -> Path:
        assert downloading.acquire(blocking=False), "another thread downloads"
        time.sleep(0.02)
        fetched.append(source.file)
        downloading.release()
        return fetch(shelf, source)

    monkeypatch.setattr(SourceShelf, "fetch", alone)
    every.build_all()
    assert len(fetched) > len(set(fetched))


@pytest.mark.usefixtures("root")
def test_one_failure_among_all_leaves_the_others_their_rows(
    engine: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.answers["dpkg --remove"] = Answer(1, ("prerm failed",))
    with pytest.raises(SessionFailed) as failure:
        every.test_all()
    results = [row[-1] for row in last_table(capsys.readouterr().out)]
    assert results.count("passed") == 4
    assert len([one for one in results if one.endswith("checks failed: dpkg --remove")]) == 4
    assert str(failure.value).count("prerm failed") == 4


def test_what_this_machine_can_not_do_is_left_out_with_the_reason(
    root: Path, engine: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.isolated = False
    monkeypatch.setattr(choice, "why_not", lambda settings, arch: "no emulator" if arch is Arch.ARM64 else None)
    every.test_all()
    rows = {row[0]: row[-1].strip() for row in last_table(capsys.readouterr().out)}
    assert rows["every package for arm64"] == "left out: no emulator"
    assert rows["deb runtime amd64"].startswith("left out: a Debian package is proved in a container")
    assert rows[ARCHIVE] == "passed"


@pytest.mark.usefixtures("root")
def test_no_foreign_architecture_without_docker_or_an_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulation, "registered", lambda arch: Path("/nonexistent"))
    foreign = next(arch for arch in Arch if arch is not Arch.native())
    settings = opening.read_project().settings
    assert choice.why_not(settings, Arch.native()) is None
    monkeypatch.setattr(bubblewrap, "forbidden", lambda: "no sandbox here")
    monkeypatch.setattr(shutil, "which", lambda name: name)
    assert "no Docker daemon answers" in str(choice.why_not(settings, foreign))
    monkeypatch.setattr(bubblewrap, "forbidden", lambda: "")
    assert f"can't run {foreign.value}: no emulator" in str(choice.why_not(settings, foreign))
