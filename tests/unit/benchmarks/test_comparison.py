"""The comparison around the measuring: where it runs, what is compiled for it, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as arguments
from benchmarks import comparison
from benchmarks.others import OTHERS
from builder.console import Console
from builder.engines import choice
from builder.inputs.settings import Settings
from builder.pipeline import stores
from builder.pipeline.pipeline import Pipeline
from builder.sessions import opening
from builder.targets import Arch, Target, Variant
from tests.support.factories import checkout, project
from tests.support.recorder import Recorder
from tests.support.sessions import given

TARGET = Target(Variant.RUNTIME, Arch.AMD64)


@pytest.fixture
def root(signals_as_before: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that the session works in, with the files of a builder image."""
    monkeypatch.setattr(opening, "ROOT", checkout(tmp_path))
    given(monkeypatch, tmp_path)
    folder = tmp_path / "recipes" / "builder"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "builder.txt").write_text("build-essential\n")
    return tmp_path


def packages_for(*others: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The Debian packages in the image when these are compared with."""
    seen: list[tuple[Settings, Path]] = []
    monkeypatch.setattr(choice, "choose", lambda settings, network, roots, *_: seen.append((settings, roots.recipes)))
    scratch = root / "-".join(others)
    scratch.mkdir()
    comparison.engine_with([OTHERS[one] for one in others], "debian:x", project(root), scratch, Console())
    ((settings, folder),) = seen
    assert (settings.engine, settings.base_image) == ("docker", "debian:x")
    assert (folder / "builder" / "Dockerfile").read_text() == "FROM scratch\n"
    return (folder / "builder" / "builder.txt").read_text().split()


def test_the_image_has_a_compiler_only_where_something_is_compiled(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert packages_for("debian", root=root, monkeypatch=monkeypatch) == ["python3"]
    assert packages_for("debian", "stock", root=root, monkeypatch=monkeypatch) == ["python3", "build-essential"]


def test_the_rival_is_compiled_once_and_then_comes_from_the_cache(root: Path) -> None:
    engine = Recorder()
    for _ in range(2):
        ours = project(root)
        pipeline = Pipeline(ours, engine, Console(), stores.source_shelf(ours, print))
        (item,) = comparison.compiled([OTHERS["debian"], OTHERS["stock"]], pipeline, TARGET, root)
        assert isinstance(item.content, Path)
        assert (item.name, item.content.read_bytes()) == ("stock.tgz", b"canned stock.tgz")
    assert engine.step_names == ["compile stock CPython 3.13.5 (PGO, LTO)", "pack stock CPython"]


def test_without_a_docker_daemon_nothing_is_built_and_one_message_says_why(root: Path) -> None:
    with pytest.raises(SystemExit, match=r"error: .*[dD]ocker") as problem:
        arguments.main(["--against", "debian"])
    assert "\n  → " in str(problem.value)
    assert not list((root / "out").glob("*.*"))
    assert not list((root / "out" / "work").iterdir())


@pytest.mark.parametrize("args", [["--rounds", "0"], ["--only", "no-such"], ["--against", "nobody"]])
def test_impossible_arguments_are_refused(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments.main(args)
    assert "nox -s bench --: error: argument " + args[0] in capsys.readouterr().err
