"""A version is affected or not by the rules of OSV's schema, in the order of its ecosystem."""

from __future__ import annotations

import json
import re

import pytest

from builder.audit.advisory import Advisory, parse
from builder.audit.matching import affects, fixed_in, has_order
from builder.audit.packages import CRATES, GIT, PYPI, REPOSITORIES, Package, of_purl
from builder.audit.packages import of_repository as package_of
from builder.inputs import pins
from tests.support.checkout import ROOT
from tests.support.osv import Record, of_package, of_repository, record

TEA = Package(PYPI, "tea")


def advisory(*affected: Record) -> Advisory:
    return parse(json.dumps(record("CVE-2026-1", *affected)).encode())


@pytest.mark.parametrize(
    ("version", "affected"),
    [("1.0", False), ("1.1rc1", False), ("1.1", True), ("1.9.post1", True), ("1.10", False), ("1!1.1", False)],
)
def test_versions_of_pypi_are_in_its_order(version: str, affected: bool) -> None:
    found = advisory(of_package("Tea", {"introduced": "1.1"}, {"fixed": "1.10"}))
    assert affects(found, TEA, version) is affected


def test_several_ranges_count_in_whatever_order_they_are_written() -> None:
    found = advisory(
        of_package("tea", {"fixed": "3.2"}, {"introduced": "3"}, {"introduced": "0"}, {"last_affected": "1.2"})
    )
    assert [affects(found, TEA, one) for one in ("0.1", "1.2", "1.2.1", "3", "3.1", "3.2")] == [
        True, True, False, True, True, False,
    ]  # fmt: skip


def test_a_limit_is_an_upper_bound() -> None:
    found = advisory(of_package("tea", {"introduced": "0"}, {"limit": "2"}))
    assert [affects(found, TEA, one) for one in ("1.9", "2")] == [True, False]
    assert affects(advisory(of_package("tea", {"introduced": "0"}, {"limit": "*"})), TEA, "9") is True


def test_a_listed_version_is_affected_however_it_is_written() -> None:
    found = advisory(of_package("tea", versions=("1.0", "no version at all")))
    assert [affects(found, TEA, one) for one in ("1.0.0", "1.0.1")] == [True, False]


def test_another_package_is_not_affected() -> None:
    found = advisory(of_package("tea", {"introduced": "0"}), of_package("pot", {"introduced": "0"}, ecosystem="npm"))
    assert affects(found, Package(PYPI, "pot"), "1") is False


@pytest.mark.parametrize(
    ("version", "affected"), [("0.1.0-alpha.9", True), ("0.1.0-alpha.10", False), ("0.1.0", False), ("0.0.9", True)]
)
def test_versions_of_crates_are_in_the_order_of_semver(version: str, affected: bool) -> None:
    found = advisory(of_package("ring", {"introduced": "0"}, {"fixed": "0.1.0-alpha.10"}, ecosystem=CRATES))
    assert affects(found, Package(CRATES, "ring"), version) is affected


@pytest.mark.parametrize(
    ("name", "version", "affected", "other"),
    [
        ("sqlite", "3.50.1", "version-3.50.1", "version-3.5.0"),
        ("openssl", "3.5.0", "openssl-3.5.0", "openssl-3.5.0-alpha1"),
        ("expat", "2.6.4", "R_2_6_4", "R_2_6_41"),
        ("cpython", "3.15.0rc2", "v3.15.0rc2", "v3.15.0"),
        ("zlib", "1.3.2", "v1.3.2", "v1.3.2.1"),
        ("bzip2", "1.0.8", "bzip2-1.0.8", "bzip2-1.0.6"),
        ("tcl", "9.0.4", "core-9-0-4", "core-9-0-b4"),
        ("libx11", "1.8.12", "libX11-1.8.12", "libX11-1.8.1"),
        ("libuuid", "2.42.4", "v2.42.4", "v2.42-rc4"),
    ],
)
def test_a_release_is_found_by_its_tag(name: str, version: str, affected: str, other: str) -> None:
    (package, *_) = of_purl(f"pkg:generic/{name}@{version}")
    url = f"https://{package.name}.git"
    assert affects(advisory(of_repository(url, "v0.1", affected)), package, version) is True
    assert affects(advisory(of_repository(url, "v0.1", other)), package, version) is False


def test_what_names_commits_only_is_neither() -> None:
    sqlite = package_of("https://github.com/sqlite/sqlite")
    assert affects(advisory(of_repository("https://github.com/sqlite/sqlite")), sqlite, "3.50.1") is None
    assert affects(advisory(of_package("tea")), TEA, "1") is None
    assert affects(advisory(of_package("tea", {"introduced": "one"})), TEA, "1") is None


def test_the_next_version_with_a_fix_is_named() -> None:
    found = advisory(
        of_package("tea", {"introduced": "0"}, {"fixed": "1.9"}, {"introduced": "2"}, {"fixed": "2.10"}),
        of_package("tea", {"introduced": "2.1"}, {"fixed": "2.9"}),
    )
    assert [fixed_in(found, TEA, one) for one in ("1.0", "2.0", "2.9.1", "3")] == ["1.9", "2.9", "2.10", ""]


def test_a_fix_of_a_library_is_what_its_cve_says() -> None:
    package = Package(GIT, "github.com/sqlite/sqlite")
    found = advisory(of_repository("https://github.com/sqlite/sqlite", "version-3.50.1", fixed="3.50.2"))
    assert fixed_in(found, package, "3.50.1") == "3.50.2"
    assert fixed_in(found, package, "none that is known") == ""


@pytest.mark.parametrize(
    ("package", "version", "known"),
    [
        (TEA, "1.0+local", True),
        (TEA, "one", False),
        (TEA, "", False),
        (Package(CRATES, "ring"), "1.2.3", True),
        (Package(CRATES, "ring"), "a.b", False),
        (Package(GIT, "example.org/x"), "3.15.0rc2", True),
        (Package(GIT, "example.org/x"), "8ba599b2f6c9701b3dc653db895b0856a2210f76", False),
    ],
)
def test_a_version_is_one_of_its_ecosystem_or_not(package: Package, version: str, known: bool) -> None:
    assert has_order(package, version) is known


@pytest.mark.parametrize(
    ("purl", "names"),
    [
        ("pkg:pypi/Typing_Extensions@4", [Package(PYPI, "typing-extensions")]),
        ("pkg:cargo/ring@1", [Package(CRATES, "ring")]),
        ("pkg:generic/zlib@1?checksum=sha256:00", [Package(GIT, "github.com/madler/zlib")]),
        ("pkg:github/madler/zlib@v1", [Package(GIT, "github.com/madler/zlib")]),
        ("pkg:rpm/almalinux/zlib@1", []),
        ("pkg:deb/debian/zlib@1", []),
        ("no purl", []),
        ("", []),
    ],
)
def test_a_purl_says_what_osv_calls_it(purl: str, names: list[Package]) -> None:
    assert [*of_purl(purl)] == names


# What OSV has no repository of, and why.
NOT_KNOWN = {
    "libedit": "NetBSD's, whose repository has no tags of it",
    "libmpdec": "published as archives only",
    "macholib": "a few constants of it, for macOS",
    **dict.fromkeys(("xorgproto", "xtrans", "xcb-proto", "xcbgen"), "headers and what generates sources"),
}


def test_every_library_inside_has_a_repository_or_a_reason() -> None:
    pinned = pins.read(ROOT / "recipes" / "pins.toml").libraries
    inside = {"cpython", *(name.lower() for name in pinned), *vendored()}
    assert inside - REPOSITORIES.keys() == NOT_KNOWN.keys()


def vendored() -> set[str]:
    """The libraries that come inside CPython's source, as the manifest has them."""
    text = (ROOT / "builder" / "inside" / "write_manifest.py").read_text()
    (table,) = re.findall(r"^LICENSES = (\{.*\})$", text, re.MULTILINE)
    return {*json.loads(table)}
