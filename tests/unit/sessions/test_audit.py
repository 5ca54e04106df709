"""The session: what it looks at, where it looks it up, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builder.sessions import audit, opening
from builder.sessions.opening import SessionFailed
from tests.support.artifacts import as_archive
from tests.support.factories import checkout
from tests.support.osv import (
    IN_JINJA,
    IN_NOTHING,
    IN_SQLITE,
    SQLITE,
    Record,
    component,
    folder,
    osv_server,
    record,
    sbom,
)
from tests.support.sessions import given

pytestmark = pytest.mark.usefixtures("signals_as_before")

TODAY = "2999-01-01T00:00:00Z"  # new, whenever this runs
OLD = sbom(component("sqlite", "3.50.1", "generic"), component("Jinja2", "3.1.5"))
NEW = sbom(component("sqlite", "3.50.2", "generic"), component("Jinja2", "3.1.6"))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose ARTIFACT_DIR has the SBOM of a build, and a folder with OSV's data."""
    root = checkout(tmp_path / "project")
    monkeypatch.setattr(opening, "ROOT", root)
    monkeypatch.chdir(root)
    (root / "out").mkdir()
    data = folder(tmp_path / "osv", *({**one, "modified": TODAY} for one in (IN_JINJA, IN_SQLITE, IN_NOTHING)))
    given(monkeypatch, root, OSV_DATABASE=str(data))
    return root


def built(root: Path, content: bytes, name: str = "prt_v0_amd64.cdx.json") -> Path:
    path = root / "out" / name
    path.write_bytes(content)
    return path


def test_what_was_built_is_looked_at_and_what_is_found_is_a_failure(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built(root, OLD)
    built(root, NEW, "prt_v0_arm64.cdx.json")
    with pytest.raises(SessionFailed) as failed:
        audit.look([])
    assert str(failed.value).splitlines()[0] == ("out/prt_v0_amd64.cdx.json: 2 known vulnerabilities in 2 components")
    shown = capsys.readouterr().out
    assert "sqlite     3.50.1   CVE-2025-6965   critical 9.8  3.50.2" in shown
    assert "Jinja2     3.1.5    CVE-2025-27516  medium        3.1.6     GHSA-cpwx-vrp4-4pq7" in shown
    assert "out/prt_v0_arm64.cdx.json: no known vulnerabilities in 2 components" in shown


def test_nothing_found_is_a_success(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built(root, NEW)
    audit.look([])
    assert "no known vulnerabilities in 2 components" in capsys.readouterr().out


def test_paths_name_what_is_looked_at_in_place_of_the_builds(root: Path, tmp_path: Path) -> None:
    built(root, NEW)
    path = as_archive(tmp_path / "old.tgz", {"sbom.cdx.json": OLD})
    with pytest.raises(SessionFailed, match=r"old\.tgz: 2 known vulnerabilities"):
        audit.look([str(path)])


def test_without_a_build_it_says_what_to_do(root: Path) -> None:
    with pytest.raises(SessionFailed, match=r"out has no SBOM\n  → build first"):
        audit.look([])


def test_a_recipe_ignores_for_a_time(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = '[[ignore]]\nid = "{}"\ncomponent = "{}"\nreason = "we wait"\nuntil = {}\n'
    rows = [("CVE-2025-6965", "sqlite", "2999-01-01"), ("CVE-2025-27516", "Jinja2", "2020-01-01")]
    (root / "recipes" / "audit.toml").write_text("".join(row.format(*one) for one in rows))
    built(root, OLD)
    with pytest.raises(SessionFailed, match="1 known vulnerability in 2 components"):
        audit.look([])
    shown = capsys.readouterr().out
    assert "ignored until 2999-01-01: CVE-2025-6965 in sqlite 3.50.1: we wait" in shown
    assert "note: CVE-2025-27516 in Jinja2 is no longer ignored: that ended with 2020-01-01" in shown


def test_the_output_for_programs_is_nothing_else(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built(root, OLD)
    for form, names in (("--json", {"artifacts", "database", "notes"}), ("--sarif", {"$schema", "runs", "version"})):
        with pytest.raises(SessionFailed):
            audit.look([form])
        assert json.loads(capsys.readouterr().out).keys() == names


def test_an_api_is_asked(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    built(root, OLD)
    affected = {
        ("PyPI", "jinja2", "3.1.5"): (str(IN_JINJA["id"]),),
        ("GIT", SQLITE, "3.50.1"): (str(IN_SQLITE["id"]),),
    }
    with osv_server([IN_JINJA, IN_SQLITE], affected) as running:
        given(monkeypatch, root, OSV_DATABASE=running.url)
        with pytest.raises(SessionFailed, match="2 known vulnerabilities"):
            audit.look([])
    assert f"asked: {running.url}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ([{**IN_JINJA, "modified": "2020-01-01T00:00:00Z"}], "the newest advisory of PyPI is of 2020-01-01"),
        ([record("CVE-2026-1", schema_version="2.0.0")], "version 2.0.0 of OSV's schema is not known"),
    ],
)
def test_data_that_would_mislead_is_a_failure(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: list[Record], problem: str
) -> None:
    built(root, NEW)
    given(monkeypatch, root, OSV_DATABASE=str(folder(tmp_path / "bad", *data)))
    with pytest.raises(SessionFailed, match=problem):
        audit.look([])
