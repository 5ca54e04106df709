"""What an artifact holds is read from an archive, a Debian package or a folder, and compared with another's."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.artifacts import contents, report
from builder.artifacts.contents import Contents
from builder.artifacts.difference import Change, Growth, compare
from builder.errors import UserError
from builder.sessions import compare as session
from builder.sessions.opening import SessionFailed
from tests.support.artifacts import as_archive, as_archive_with_a_folder, as_folder, as_package, patched

pytestmark = pytest.mark.usefixtures("signals_as_before")

SITE = "lib/python3.14/site-packages"


def component(ref: str, name: str, version: str, **more: object) -> dict[str, object]:
    return {"bom-ref": ref, "name": name, "version": version, **more}


def runtime(tea: str = "1.0", *cves: str, **manifest: object) -> dict[str, bytes]:
    """The files of a small runtime."""
    inside = component("venv:ansible:jinja2", "jinja2", "3.1")
    components = [
        component("source:openssl", "openssl", "3.5.7", pedigree=patched(*cves)),
        component("runtime:tea", "tea", tea),
        component("venv:ansible", "ansible", "", components=[inside]),
    ]
    facts = {"arch": "amd64", "python_version": "3.14.7", "optimization": {"pgo": True}, "stage_keys": {"runtime": tea}}
    files = {
        "bin/python3": b"python",
        f"{SITE}/tea.py": tea.encode() * 10,
        f"{SITE}/__pycache__/tea.cpython-314.pyc": b"bytecode",
        f"{SITE}/tea-{tea}.dist-info/RECORD": f"tea.py,,\n../../../bin/tea,,\ntea-{tea}.dist-info/RECORD,,\n".encode(),
        "bin/tea": b"#!/bin/sh\n",
        "venv/ansible/bin/python": b"link",
        "manifest.json": json.dumps({**facts, "sources": [], **manifest}).encode(),
        "sbom.cdx.json": json.dumps({"components": components}).encode(),
    }
    digests = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    return {**files, "sha256sums": "".join(digests).encode()}


@pytest.mark.parametrize("made", [as_archive, as_archive_with_a_folder, as_package, as_folder])
def test_each_kind_of_artifact_says_the_same(tmp_path: Path, made: Callable[[Path, dict[str, bytes]], Path]) -> None:
    found = contents.read(made(tmp_path / "prt", runtime("1.0", "CVE-2026-1")))
    assert found.components == {"openssl": "3.5.7", "tea": "1.0", "ansible: jinja2": "3.1"}
    assert found.facts == {"arch": "amd64", "python_version": "3.14.7", "optimization pgo": "true"}
    assert found.patched == {"openssl CVE-2026-1"}
    assert found.files["bin/python3"] == hashlib.sha256(b"python").hexdigest()
    assert found.sizes["tea"] == 30 + 8 + len(runtime()["bin/tea"]) + len(runtime()[f"{SITE}/tea-1.0.dist-info/RECORD"])
    assert found.sizes["venv ansible"] == 4


def of(tmp_path: Path, name: str, files: dict[str, bytes]) -> Contents:
    return contents.read(as_archive(tmp_path / name, files))


def test_what_differs_is_named(tmp_path: Path) -> None:
    old = of(tmp_path, "old.tgz", runtime("1.0", "CVE-2026-1", "CVE-2026-2"))
    found = compare(
        old, of(tmp_path, "new.tgz", {**runtime("1.10", "CVE-2026-2", "CVE-2026-3", jit=True), "more": b"1"})
    )
    assert found.components == (Change("tea", "1.0", "1.10"),)
    assert found.facts == (Change("jit", None, "true"),)
    assert (found.fixed, found.unpatched) == (("openssl CVE-2026-3",), ("openssl CVE-2026-1",))
    assert Growth("interpreter", old.sizes["interpreter"], old.sizes["interpreter"]) not in found.sizes
    assert found.removed == (f"{SITE}/tea-1.0.dist-info/RECORD",)
    assert found.added == (f"{SITE}/tea-1.10.dist-info/RECORD",)
    assert f"{SITE}/tea.py" in found.changed
    assert "bin/python3" not in found.changed


def test_equal_artifacts_do_not_differ(tmp_path: Path) -> None:
    found = compare(of(tmp_path, "old.tgz", runtime()), of(tmp_path, "new.tgz", runtime()))
    assert report.text(found) == "old.tgz → new.tgz\n\nno difference"
    assert report.markdown(found) == "## old.tgz → new.tgz\n\nNo difference."


def test_a_long_list_says_how_many_more_there_are(tmp_path: Path) -> None:
    files = runtime()
    files["sha256sums"] += b"".join(b"%064d  many/%d\n" % (number, number) for number in range(1000))
    found = compare(of(tmp_path, "old.tgz", runtime()), of(tmp_path, "new.tgz", files))
    assert len(found.added) == 1000
    assert "and 980 more" in report.text(found)


def shown(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    session.differ(args)
    return capsys.readouterr().out


def test_the_session_shows_it_in_three_forms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = str(as_archive(tmp_path / "old.tgz", runtime("1.0")))
    new = str(as_archive(tmp_path / "new.tgz", runtime("1.1|x")))
    assert "\ntea        1.0     1.1|x\n" in shown(capsys, old, new)
    assert "\n| tea | 1.0 | 1.1\\|x |\n" in shown(capsys, old, new, "--markdown")
    parsed: dict[str, Any] = json.loads(shown(capsys, old, new, "--json"))
    assert parsed["components"] == [{"name": "tea", "old": "1.0", "new": "1.1|x"}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("not-there.tgz", None),
        ("text.tgz", b"no archive"),
        ("cut.tgz", gzip.compress(b"x" * 2000, mtime=0)[:-9]),
        ("text.deb", b"no package"),
        ("empty.tgz", b""),
    ],
)
def test_what_is_no_artifact_is_named_with_what_to_do(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{name}.*\n  → name a"):
        contents.read(path)


BROKEN = [None, b"", b"[1]", b"{", b"\xff", b"[" * 100_000]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("manifest.json", content) for content in BROKEN),
        *(("sbom.cdx.json", content) for content in (*BROKEN, b'{"components": [1]}')),
        ("sha256sums", None),
        ("sha256sums", b"\xff"),
    ],
)
def test_a_damaged_account_is_no_traceback(tmp_path: Path, name: str, content: bytes | None) -> None:
    files = {**runtime(), name: content}
    given = {name: content for name, content in files.items() if content is not None}
    with pytest.raises(UserError, match="is not an artifact of a build, or is damaged"):
        contents.read(as_archive(tmp_path / "prt.tgz", given))


@pytest.mark.parametrize("place", [0.5, 0.9])
def test_a_package_that_was_altered_is_no_traceback(tmp_path: Path, place: float) -> None:
    files = runtime()
    files["sha256sums"] += os.urandom(500_000).hex().encode()  # it is damaged there, while it is read
    path = as_package(tmp_path / "prt", files)
    content = bytearray(path.read_bytes())
    middle = int(len(content) * place)
    content[middle : middle + 64] = b"x" * 64
    path.write_bytes(content)
    with pytest.raises(UserError, match="is not an artifact of a build, or is damaged"):
        contents.read(path)


def test_an_account_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_LARGEST", 100)
    with pytest.raises(UserError, match="is larger than is read"):
        contents.read(as_archive(tmp_path / "prt.tgz", runtime()))


def test_a_failure_of_the_session_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(SessionFailed, match=r"nothing\.tgz: No such file or directory"):
        session.differ([str(tmp_path / "nothing.tgz"), str(tmp_path / "nothing.tgz")])
