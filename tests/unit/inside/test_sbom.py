"""The SBOM of a tree: valid, the same twice, and complete: also what packages say of their own insides."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from builder.audit import inventory
from tests.support.checkout import ROOT

DIGEST, OTHER = "a" * 64, "b" * 64
MANIFEST = {
    "arch": "amd64", "variant": "runtime", "runtime_version": "v1", "stage_keys": {"runtime": "c" * 64},
    "vendored": [{"name": "expat", "version": "2.8.2", "license": "MIT"}],
}  # fmt: skip
SOURCE = {
    "name": "openssl", "version": "3.5.7", "license": "Apache-2.0", "cpe": "openssl:openssl", "sha256": DIGEST,
    "file": "openssl-3.5.7.tar.gz",
    "patches": [{"name": "one.patch", "cves": ["CVE-2026-1", "CVE-2026-2"]}, {"name": "own.patch", "cves": []}],
}  # fmt: skip
INSIDE = {"bomFormat": "CycloneDX", "components": [
    {"name": "ring", "version": "1.0", "purl": "pkg:cargo/ring@1.0", "components": [{"name": "deep"}]},
    {"name": "ring", "version": "1.0", "purl": "pkg:cargo/ring@1.0"},
    {"name": "odd", "version": "2", "purl": "no purl"},
]}  # fmt: skip


def install(packages: Path, name: str, version: str, metadata: str = "", **files: str) -> None:
    """A distribution as pip leaves it; `files` are below its dist-info."""
    folder = packages / f"{name}-{version}.dist-info"
    (folder / "sboms").mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{metadata}")
    for path, text in files.items():
        (folder / "sboms" / f"{path}.json").write_text(text)
    (folder / "RECORD").write_text("".join(f"{folder.name}/sboms/{path}.json,,\n" for path in files))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work folder with a tree in it: two distributions, and a virtual environment with one."""
    venv = tmp_path / "tree" / "venv" / "tool"
    install(venv / "lib" / "python3.14" / "site-packages", "tea", "2.0", "License: MIT\n")
    (venv / "pyvenv.cfg").touch()
    packages = tmp_path / "packages"
    install(packages, "Some_Thing", "1.0", "License-Expression: MIT OR Apache-2.0\n", inside=json.dumps(INSIDE))
    install(packages, "plain", "1.0", "Classifier: License :: OSI Approved :: BSD License\n", broken="{", odd="[1]")
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    (tmp_path / "planned.json").write_text(json.dumps({"package": "prt", "sources": [SOURCE]}))
    (tmp_path / "packages.lock").write_text(f"some-thing==1.0 --hash=sha256:{DIGEST}  # some_thing.whl\n")
    (tmp_path / "venvs").mkdir()
    (tmp_path / "venvs" / "tool.lock").write_text(f"tea==2.0 --hash=sha256:{OTHER}  # tea.whl\n")
    return tmp_path


def written(work: Path) -> tuple[dict[str, Any], str]:
    """The document, and what was said."""
    # The distributions of the tree are those of this folder: the interpreter is another one.
    program = f"import sysconfig, runpy; sysconfig.get_path = lambda name: {str(work / 'packages')!r}; "
    program += "runpy.run_module('builder.inside.sbom', run_name='__main__', alter_sys=True)"
    arguments = [work / "tree", work / "manifest.json", work / "planned.json", work / "result.json"]
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, *map(str, arguments)], cwd=work, text=True, check=True,
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT), "SOURCE_DATE_EPOCH": "1000000000"},
    )  # fmt: skip
    text = (work / "result.json").read_text()
    assert (work / "tree" / "sbom.cdx.json").read_text() == text
    return json.loads(text), done.stdout


def part(document: dict[str, Any], ref: str) -> dict[str, Any]:
    """A component, however deep."""
    found = [one for one in every(document) if one["bom-ref"] == ref]
    assert len(found) == 1, ref
    return found[0]


def every(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every component of a document."""
    return [inner for one in document.get("components", []) for inner in (one, *every(one))]


def test_it_is_valid_and_says_nothing_of_the_day_or_the_folder(work: Path) -> None:
    document, _ = written(work)
    text = (work / "result.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    (work / "tree" / "sbom.cdx.json").unlink()
    written(work)
    assert (work / "result.json").read_text() == text
    assert document["metadata"]["timestamp"] == "2001-09-09T01:46:40+00:00"
    assert document["metadata"]["component"]["purl"] == "pkg:generic/prt@v1?arch=amd64&variant=runtime"
    assert str(work) not in text


def test_the_validation_finds_what_is_wrong(work: Path) -> None:
    text, _ = json.dumps({**written(work)[0], "specVersion": "1.6", "components": [{"name": "no type"}]}), None
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is not None


def test_a_source_has_the_names_that_scanners_look_for_and_what_its_patches_fix(work: Path) -> None:
    openssl = part(written(work)[0], "source:openssl")
    assert openssl["cpe"] == "cpe:2.3:a:openssl:openssl:3.5.7:*:*:*:*:*:*:*"
    assert openssl["purl"] == f"pkg:generic/openssl@3.5.7?checksum=sha256:{DIGEST}"
    fixed = {issue["id"] for patch in openssl["pedigree"]["patches"] for issue in patch["resolves"]}
    assert fixed == {"CVE-2026-1", "CVE-2026-2", "own.patch"}
    assert part(written(work)[0], "vendored:expat")["cpe"].startswith("cpe:2.3:a:libexpat_project:libexpat:2.8.2:")


@pytest.mark.parametrize(
    ("ref", "purl", "digest", "license_"),
    [
        ("runtime:some-thing", "pkg:pypi/some-thing@1.0", DIGEST, {"expression": "MIT OR Apache-2.0"}),
        ("runtime:plain", "pkg:pypi/plain@1.0", None, {"license": {"name": "BSD License"}}),
        ("venv:tool:tea", "pkg:pypi/tea@2.0", OTHER, {"license": {"id": "MIT"}}),
    ],
)
def test_a_distribution_has_its_purl_its_license_and_the_digest_of_its_file(
    work: Path, ref: str, purl: str, digest: str | None, license_: dict[str, Any]
) -> None:
    found = part(written(work)[0], ref)
    assert found["purl"] == purl
    assert found["licenses"] == [license_]
    assert [one["content"] for one in found.get("hashes", [])] == ([digest] if digest else [])


def test_what_a_distribution_says_of_its_insides_is_there_once(work: Path) -> None:
    document, said = written(work)
    inside = part(document, "runtime:some-thing")["components"]
    assert [(one["name"], one.get("version"), one.get("purl")) for one in inside] == [
        ("deep", None, None), ("odd", "2", None), ("ring", "1.0", "pkg:cargo/ring@1.0"),
    ]  # fmt: skip
    assert "components" not in part(document, "runtime:plain")
    assert len(re.findall(r"^note: .*(?:broken|odd)\.json is not read: ", said, re.MULTILINE)) == 2


def test_a_digest_of_the_tree_below_is_kept(work: Path) -> None:
    written(work)
    (work / "packages.lock").write_text("")
    assert part(written(work)[0], "runtime:some-thing")["hashes"][0]["content"] == DIGEST


def test_a_list_of_copies_in_another_encoding_is_read_as_far_as_it_goes(work: Path) -> None:
    copies = work / "packages" / "copying" / "_vendor" / "vendor.txt"
    install(work / "packages", "copying", "1.0")
    copies.parent.mkdir(parents=True)
    copies.write_bytes(b"# for the caf\xe9\nsix==1.17\n")
    (work / "packages" / "copying-1.0.dist-info" / "RECORD").write_text("copying/_vendor/vendor.txt,,\n")
    inside = part(written(work)[0], "runtime:copying")["components"]
    assert [(one["name"], one["version"]) for one in inside] == [("six", "1.17")]


def test_the_audit_finds_each_component_in_it_and_what_is_patched(work: Path) -> None:
    written(work)
    found = {one.name: one for one in inventory.read(work / "tree").components}
    names = {
        "openssl",
        "expat",
        "some-thing",
        "some-thing/ring",
        "some-thing/deep",
        "some-thing/odd",
        "plain",
        "tool/tea",
    }
    assert found.keys() == names
    assert found["openssl"].patched == {"CVE-2026-1", "CVE-2026-2"}
    assert {name for name, one in found.items() if not one.packages} == {"some-thing/deep", "some-thing/odd"}
