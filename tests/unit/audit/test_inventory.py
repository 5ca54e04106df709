"""What is inside is read from an artifact's SBOM, or from an SBOM that was kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builder.audit import inventory
from builder.audit.inventory import Component
from builder.audit.packages import GIT, PYPI, Package
from builder.errors import UserError
from tests.support.artifacts import as_archive, as_archive_with_a_folder, as_folder, as_package, patched
from tests.support.osv import component, sbom

INSIDE = sbom(
    component("sqlite", "3.50.4", "generic", pedigree=patched("CVE-2026-1")),
    component("pip", "26.1", components=[component("urllib3", "1.26.20")]),
    {"bom-ref": "venv:ansible", "name": "ansible", "components": [component("jinja2", "3.1.6")]},
    component("jinja2", "3.1.5"),
)
FILES = {"manifest.json": b"{}", "sbom.cdx.json": INSIDE, "lib/a-1.dist-info/sboms/sbom.cdx.json": b"another's"}


def as_sbom(path: Path, files: dict[str, bytes]) -> Path:
    path = path.with_suffix(".cdx.json")
    path.write_bytes(files["sbom.cdx.json"])
    return path


KINDS = [as_archive, as_archive_with_a_folder, as_package, as_folder, as_sbom]


@pytest.mark.parametrize("made", KINDS)
def test_each_kind_has_the_same_components(tmp_path: Path, made: Callable[[Path, dict[str, bytes]], Path]) -> None:
    path = made(tmp_path / "prt", FILES)
    found = inventory.read(path)
    assert found.name == str(path)
    assert found.components == (
        Component("sqlite", "3.50.4", (Package(GIT, "github.com/sqlite/sqlite"),), frozenset({"CVE-2026-1"})),
        Component("pip", "26.1", (Package(PYPI, "pip"),)),
        Component("pip/urllib3", "1.26.20", (Package(PYPI, "urllib3"),)),
        Component("ansible/jinja2", "3.1.6", (Package(PYPI, "jinja2"),)),
        Component("jinja2", "3.1.5", (Package(PYPI, "jinja2"),)),
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is not an artifact"),
        (INSIDE[:-9], "is not an artifact"),
        (b"[" * 100_000, "is not an artifact"),
        (b"[1]", "is not an artifact"),
        (b'{"bomFormat": "SPDX"}', "no SBOM in CycloneDX's format"),
        (b'{"bomFormat": "CycloneDX", "components": [1]}', "is not an artifact"),
        (b'{"bomFormat": "CycloneDX", "components": []}', "its SBOM names nothing"),
    ],
)
@pytest.mark.parametrize("made", KINDS)
def test_a_damaged_sbom_is_one_message(
    tmp_path: Path, made: Callable[[Path, dict[str, bytes]], Path], content: bytes, problem: str
) -> None:
    with pytest.raises(UserError, match=f"{problem}.*\n  → name a"):
        inventory.read(made(tmp_path / "prt", {**FILES, "sbom.cdx.json": content}))


@pytest.mark.parametrize("made", KINDS)
def test_an_sbom_that_is_too_large_is_not_read(
    tmp_path: Path, made: Callable[[Path, dict[str, bytes]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "_LARGEST", 100)
    with pytest.raises(UserError, match=r"larger than is read|more than 100 bytes"):
        inventory.read(made(tmp_path / "prt", FILES))


def test_an_artifact_without_an_sbom_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"prt\.tgz is not an artifact .*it has no sbom\.cdx\.json"):
        inventory.read(as_archive(tmp_path / "prt.tgz", {"manifest.json": b"{}"}))


def test_a_path_that_leads_to_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"old\.json: No such file"):
        inventory.read(tmp_path / "old.json")
