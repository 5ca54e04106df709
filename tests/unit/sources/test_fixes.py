"""Debian's security patches for the pinned version of a library: which are taken, and what is said of the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from builder.errors import BuildError
from builder.inputs.pins import Source
from builder.sources.fixes import Fixes, fixes_of
from builder.sources.releases import Indexes, revised
from builder.sources.shelf import SourceShelf
from tests.support.debian_mirror import DebianMirror, packaging, tarball
from tests.support.factories import NO_NETWORK

XZ = Source(
    "xz", "5.8.1", "xz-5.8.1.tar.xz", "0" * 64, ("debian:pool/main/x/xz-utils/xz-utils_5.8.1.orig.tar.xz",),
    license="0BSD",
)  # fmt: skip
CHANGE = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b CVE-2026-99999\n"
PATCHES = {
    "build.patch": CHANGE,
    "fix-overflow.patch": f"Subject: an overflow\n\nFixes: CVE-2026-34743\n{CHANGE}",
    "its-second-half.diff": f"Subject: and the rest\n{CHANGE}",
    "CVE-2026-1234.patch": CHANGE,
    "manual.patch": CHANGE,
}


@pytest.fixture
def mirror(tmp_path: Path) -> DebianMirror:
    """One that has nothing yet."""
    return DebianMirror(tmp_path)


def found(mirror: DebianMirror, source: Source = XZ) -> Fixes:
    """What is offered for a source."""
    mirror.publish()
    shelf = SourceShelf(mirror.root / "sources", NO_NETWORK, "", str(mirror.root), print)
    return fixes_of(source, revised([source], Indexes(shelf)).get(source, []), shelf)


def test_patches_from_the_first_to_the_last_that_names_a_cve_are_taken_in_debians_order(mirror: DebianMirror) -> None:
    mirror.add("5.8.1", tarball("xz-5.8.1"), patches=PATCHES)
    fixes = found(mirror).fixes
    assert [fix.name for fix in fixes] == [
        "debian-01-fix-overflow.patch", "debian-02-its-second-half.patch", "debian-03-CVE-2026-1234.patch",
    ]  # fmt: skip
    assert [fix.cves for fix in fixes] == [("CVE-2026-34743",), (), ("CVE-2026-1234",)]
    assert fixes[0].text.decode() == (
        "Origin: Debian 5.8.1-1, debian/patches/fix-overflow.patch\nFixes: CVE-2026-34743\n\n"
        + PATCHES["fix-overflow.patch"]
    )


def test_of_cpython_only_patches_that_name_a_cve_are_taken(mirror: DebianMirror) -> None:
    place = "debian:pool/main/p/xz-utils/xz-utils_5.8.1.orig.tar.xz"
    mirror.add("5.8.1", tarball("Python-5.8.1"), patches=PATCHES)
    fixes = found(mirror, replace(XZ, name="CPython", places=(place,))).fixes
    assert [fix.name for fix in fixes] == ["debian-01-fix-overflow.patch", "debian-02-CVE-2026-1234.patch"]


def test_the_newest_revision_of_the_very_version_counts(mirror: DebianMirror) -> None:
    mirror.add("5.8.1", tarball("xz-5.8.1"), revision="1+deb13u2", patches={"CVE-2026-2.patch": CHANGE, **PATCHES})
    mirror.add("5.8.1", tarball("xz-5.8.1"), revision="1", patches={})
    mirror.add("5.8.2", tarball("xz-5.8.2"), revision="9", patches=PATCHES)
    assert found(mirror).revision == "5.8.1-1+deb13u2"


def test_a_revision_that_no_place_has_is_passed_over_and_said(mirror: DebianMirror) -> None:
    mirror.add("5.8.1", tarball("xz-5.8.1"), revision="2")
    mirror.add("5.8.1", tarball("xz-5.8.1"), revision="1", patches=PATCHES)
    fixes = found(mirror)
    assert fixes.revision == "5.8.1-1"
    assert fixes.passed[0].startswith("5.8.1-2: no place has xz-utils_5.8.1-2.debian.tar.xz")


def test_without_a_patch_that_names_a_cve_there_is_none(mirror: DebianMirror) -> None:
    mirror.add("5.8.1", tarball("xz-5.8.1"), patches={"build.patch": CHANGE})
    assert found(mirror).fixes == ()


def test_a_version_that_debian_does_not_have_gets_none(mirror: DebianMirror) -> None:
    mirror.add("5.8.2", tarball("xz-5.8.2"), patches=PATCHES)
    assert found(mirror) == Fixes(XZ, "", (), ())


@pytest.mark.parametrize(
    "name", ["../CVE-2026-1.patch", "/CVE-2026-1.patch", ".CVE-2026-1.patch", "CVE-2026-1/x.patch", "CVE-2026-1\tx"]
)
def test_a_name_that_leads_elsewhere_is_not_taken(mirror: DebianMirror, name: str) -> None:
    mirror.add("5.8.1", tarball("xz-5.8.1"), patches={name: CHANGE})
    assert found(mirror).fixes == ()


def test_a_patch_that_is_larger_than_any_is_not_read(mirror: DebianMirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.sources.packaging._LARGEST", 10)
    mirror.add("5.8.1", tarball("xz-5.8.1"), patches=PATCHES)
    with pytest.raises(BuildError, match="more patches, or larger ones, than any"):
        found(mirror)


def test_what_is_no_archive_is_said(mirror: DebianMirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.debian_mirror.packaging", lambda patches, key: b"<html>")
    mirror.add("5.8.1", tarball("xz-5.8.1"), patches=PATCHES)
    with pytest.raises(BuildError, match=r"debian\.tar\.xz can't be read: ReadError"):
        found(mirror)
    assert packaging({})
