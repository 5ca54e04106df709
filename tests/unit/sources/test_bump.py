"""A newer release of a source: taken from a mirror that has it, and left where anything about it is not right."""

from __future__ import annotations

import datetime
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.version import Version

from builder.inputs import pins, pins_file
from builder.inputs.pins import Source
from builder.sources.bump import Bump, beginning, bumped
from builder.sources.releases import Indexes, newer
from builder.sources.shelf import SourceShelf
from tests.support import made_debs
from tests.support.debian_mirror import LONG_AGO, DebianMirror, tarball
from tests.support.factories import NO_NETWORK
from tests.support.recipes import SHIPPED

TODAY = datetime.date(2026, 11, 28)
XZ = Source(
    "xz", "5.8.1", "xz-5.8.1.tar.xz", "0" * 64,
    ("/nowhere/releases/v5.8.1/xz-5.8.1.tar.xz", "debian:pool/main/x/xz-utils/xz-utils_5.8.1.orig.tar.xz"),
    license="0BSD",
)  # fmt: skip


def bump(mirror: DebianMirror, source: Source = XZ, *, now: bool = False) -> Bump:
    """What becomes of a source."""
    mirror.publish()
    shelf = SourceShelf(mirror.root / "sources", NO_NETWORK, "", str(mirror.root), print)
    return bumped(source, newer([source], Indexes(shelf)).get(source, []), shelf, TODAY, now)


@pytest.fixture
def mirror(tmp_path: Path) -> DebianMirror:
    """One that has nothing yet."""
    return DebianMirror(tmp_path)


def test_the_newest_release_is_described_as_the_pinned_one_is(mirror: DebianMirror) -> None:
    content = tarball("xz-5.8.10")
    mirror.add("5.8.9", tarball("xz-5.8.9"))
    mirror.add("5.8.10", content)
    assert bump(mirror) == Bump(
        XZ,
        replace(
            XZ, version="5.8.10", file="xz-5.8.10.tar.xz", sha256=hashlib.sha256(content).hexdigest(),
            places=("/nowhere/releases/v5.8.10/xz-5.8.10.tar.xz",
                    "debian:pool/main/x/xz-utils/xz-utils_5.8.10.orig.tar.xz"),
        ),
        (),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pinned", "debian", "release", "version", "file"),
    [
        ("20250104-3.1", "3.1-20250104", "3.1-20260512", "20260512-3.1", "x-20260512-3.1.tar.gz"),
        ("6.5", "6.5+20250216", "6.6+20260608", "6.6", "x-6.6.tar.gz"),
        ("1.3.1", "1.3.dfsg+really1.3.1", "1.3.dfsg+really1.3.2", "1.3.2", "x-1.3.2.tar.gz"),
        ("1.5.7", "1.5.7+dfsg", "1.5.8+dfsg", "1.5.8", "x-1.5.8.tar.gz"),
    ],
)
def test_versions_that_debian_writes_in_another_way_are_written_as_before(
    mirror: DebianMirror, pinned: str, debian: str, release: str, version: str, file: str
) -> None:
    place = f"debian:pool/main/x/xz-utils/xz-utils_{debian}.orig.tar.xz"
    given = replace(XZ, version=pinned, file=f"x-{pinned}.tar.gz", places=(place,))
    mirror.add(release, tarball(f"x-{version}"))
    found = bump(mirror, given).new
    assert found
    assert (found.version, found.file) == (version, file)


def test_what_the_pool_does_not_have_is_passed_over_for_what_it_has(mirror: DebianMirror) -> None:
    mirror.add("5.8.4", tarball("xz-5.8.4"), there=False)
    mirror.add("5.8.3", tarball("xz-5.8.3"))
    found = bump(mirror)
    assert found.new
    assert found.new.version == "5.8.3"
    assert re.fullmatch(r"5\.8\.4: no place has xz-5\.8\.4\.tar\.xz with sha256 [0-9a-f]{64}", found.passed[0])


BAD = {
    "a pre-release": ("5.9.0~rc1", tarball("xz-5.9.0rc1"), "a pre-release"),
    "a lie about the version": ("5.9.0", tarball("xz-5.8.3"), "has xz-5.8.3 at its top, which is not 5.9.0"),
    "two folders": ("5.9.0", tarball("xz-5.9.0", "more"), "has not one folder at its top"),
    "no tarball": ("5.9.0", b"<html>", "xz-5.9.0.tar.xz can't be read: ReadError"),
    "of yesterday": ("5.9.0", tarball("xz-5.9.0", date=datetime.date(2026, 11, 27)), "less than 3 days ago"),
    "another kind of version": ("5.9.0+git1", tarball("xz-5.9.0"), "its version has other parts than 5.8.1"),
}


@pytest.mark.parametrize(("version", "content", "reason"), BAD.values(), ids=BAD)
def test_a_release_about_which_something_is_wrong_is_not_taken(
    mirror: DebianMirror, version: str, content: bytes, reason: str
) -> None:
    mirror.add(version, content)
    found = bump(mirror)
    assert found.new is None
    assert reason in found.passed[0]


def test_a_tarball_that_unpacks_without_end_is_not_read_to_its_end(
    mirror: DebianMirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.inputs.tarball.MOST_MEMBERS", 2)
    mirror.add("5.8.3", tarball("xz-5.8.3", "b", "c", "d"))
    assert bump(mirror).passed == ("5.8.3: xz-5.8.3.tar.xz can't be read: it has more members than are read",)


def test_a_release_of_today_is_taken_if_that_is_wanted(mirror: DebianMirror) -> None:
    mirror.add("5.8.3", tarball("xz-5.8.3", date=TODAY))
    assert bump(mirror).new is None
    assert bump(mirror, now=True).new


def test_an_older_release_is_none(mirror: DebianMirror) -> None:
    mirror.add("5.8.0", tarball("xz-5.8.0"))
    mirror.add("5.8.1", tarball("xz-5.8.1"))
    assert bump(mirror) == Bump(XZ, None, ())


def test_a_line_is_kept(mirror: DebianMirror) -> None:
    mirror.add("5.9.0", tarball("xz-5.9.0"))
    mirror.add("5.8.3", tarball("xz-5.8.3"))
    found = bump(mirror, replace(XZ, line="5.8"))
    assert found.new
    assert found.new.version == "5.8.3"
    assert found.passed == ("5.9.0: not of the line 5.8",)


def test_two_places_with_different_bytes_are_refused(mirror: DebianMirror, tmp_path: Path) -> None:
    mirror.add("5.8.3", tarball("xz-5.8.3"))
    (tmp_path / "upstream").mkdir()
    (tmp_path / "upstream" / "xz-5.8.3.tar.xz").write_bytes(b"other bytes")
    found = bump(mirror, replace(XZ, places=(f"{tmp_path}/upstream/xz-5.8.1.tar.xz", *XZ.places[1:])))
    assert found.new is None
    assert found.passed == (f"5.8.3: {tmp_path}/upstream/xz-5.8.3.tar.xz has other bytes than Debian",)


def test_a_release_of_cpython_has_the_date_of_its_newest_file(mirror: DebianMirror) -> None:
    place = "debian:pool/main/x/python3.14/python3.14_3.14.7.orig.tar.xz"
    given = Source("CPython", "3.14.7", "Python-3.14.7.tar.xz", "0" * 64, (place,), datetime.date(2026, 8, 5))
    mirror.add("3.14.9", tarball("Python-3.14.9"), package="python3.14")
    found = bump(mirror, given).new
    assert found
    assert (found.version, found.file, found.released) == ("3.14.9", "Python-3.14.9.tar.xz", LONG_AGO)


PYENV = Source(
    "python-build", "2.5.4", "pyenv_2.5.4-1_all.deb", "0" * 64, ("debian:pool/main/p/pyenv/pyenv_2.5.4-1_all.deb",),
    license="MIT",
)  # fmt: skip


def pyenv(says: str) -> bytes:
    """A package that says of itself which version it is."""
    script, content = made_debs.file("usr/share/pyenv/plugins/python-build/bin/python-build", b"#!/bin/sh\n")
    return made_debs.deb([(script, content)], control=f"Package: pyenv\nVersion: {says}\n")


def test_what_is_pinned_as_a_package_is_taken_from_the_packages(mirror: DebianMirror) -> None:
    mirror.add("2.8.0", b"its source", package="pyenv")
    mirror.add_package("2.7.1-2", pyenv("2.7.1-2"))
    found = bump(mirror, PYENV).new
    assert found
    assert (found.version, found.file) == ("2.7.1", "pyenv_2.7.1-2_all.deb")
    assert found.places == ("debian:pool/main/p/pyenv/pyenv_2.7.1-2_all.deb",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (pyenv("2.5.4-1"), "2.7.1: pyenv_2.7.1-2_all.deb says that it is 2.5.4-1"),
        (b"<html>", "2.7.1: pyenv_2.7.1-2_all.deb can't be read: ArError"),
    ],
)
def test_a_package_that_is_not_what_the_index_says_is_not_taken(
    mirror: DebianMirror, content: bytes, reason: str
) -> None:
    mirror.add_package("2.7.1-2", content)
    assert bump(mirror, PYENV).passed == (reason,)


def test_a_series_without_a_pin_is_begun(mirror: DebianMirror) -> None:
    content = tarball("Python-3.15.2")
    mirror.add("3.15.2", content, package="python3.15")
    found = bump(mirror, beginning("3.15")).new
    assert found
    assert (found.version, found.file, found.released) == ("3.15.2", "Python-3.15.2.tar.xz", LONG_AGO)
    assert found.places[0] == "https://www.python.org/ftp/python/3.15.2/Python-3.15.2.tar.xz"


def test_of_a_pre_release_the_next_one_and_the_final_one_are_newer(mirror: DebianMirror) -> None:
    place = "https://www.python.org/ftp/python/3.15.0/Python-3.15.0rc1.tar.xz"
    given = replace(
        beginning("3.15"), version="3.15.0rc1", file="Python-3.15.0rc1.tar.xz",
        places=(place, "debian:pool/main/x/python3.15/python3.15_3.15.0~rc1.orig.tar.xz"),
    )  # fmt: skip
    mirror.add("3.15.0~rc2", tarball("Python-3.15.0rc2"), package="python3.15")
    candidate = bump(mirror, given).new
    assert candidate
    assert candidate.version == "3.15.0rc2"
    assert candidate.places[0] == "https://www.python.org/ftp/python/3.15.0/Python-3.15.0rc2.tar.xz"
    mirror.add("3.15.0", tarball("Python-3.15.0"), package="python3.15")
    final = bump(mirror, candidate).new
    assert final
    assert (final.version, final.file) == ("3.15.0", "Python-3.15.0.tar.xz")


def test_a_folder_that_bears_the_series_moves_with_it(mirror: DebianMirror) -> None:
    given = replace(XZ, places=("/nowhere/v5.8/xz-5.8.1.tar.xz", XZ.places[1]))
    mirror.add("5.9.0", tarball("xz-5.9.0"))
    found = bump(mirror, given).new
    assert found
    assert found.places[0] == "/nowhere/v5.9/xz-5.9.0.tar.xz"


def test_a_key_is_written_below_the_digest_and_moves_with_the_release(tmp_path: Path) -> None:
    text = (SHIPPED / "pins.toml").read_text()
    # The last release of CPython, behind which a comment on something else follows.
    old = replace([*pins.parse(text, tmp_path).pythons.values()][-1], signed_by="")
    text = re.sub(rf'(sha256 = "{old.sha256}"\n)signed_by = .*\n', r"\1", text)
    signed = replace(old, signed_by="A" * 40)
    changed = pins_file.rewritten(text, [(old, signed)], [])
    line = f'sha256 = "{old.sha256}"\n'
    assert changed == text.replace(line, f'{line}signed_by = "{"A" * 40}"\n')
    moved = replace(signed, version="3.13.99", sha256="2" * 64, signed_by="B" * 40)
    again = pins_file.rewritten(changed, [(signed, moved)], [])
    assert [*pins.parse(again, tmp_path).pythons.values()][-1] == moved
    added = pins_file.rewritten(changed, [], [moved])
    assert pins.parse(added, tmp_path).pythons == {**pins.parse(changed, tmp_path).pythons, "3.13.99": moved}


def test_the_file_keeps_its_comments_and_everything_that_is_not_bumped(tmp_path: Path) -> None:
    text = (SHIPPED / "pins.toml").read_text()
    before = pins.parse(text, tmp_path)
    old, python = before.libraries["xz"], before.pythons["3.14.7"]
    new = replace(old, version="5.8.3", file="xz-5.8.3.tar.xz", sha256="1" * 64)
    newer_python = replace(python, version="3.14.9", file="Python-3.14.9.tar.xz", sha256="2" * 64)
    changed = pins_file.rewritten(text, [(old, new)], [newer_python])
    after = pins.parse(changed, tmp_path)
    assert after.libraries == {**before.libraries, "xz": new}
    assert after.pythons == {**before.pythons, "3.14.9": newer_python}
    versions = [*after.pythons]
    assert versions == sorted(versions, key=Version, reverse=True), "newest first"
    assert pins_file.rewritten(text, [(before.python_build, replace(before.python_build, version="9"))], []).count(
        'version = "9"\n'
    )
    assert after.sysroots == before.sysroots
    assert [line for line in text.splitlines() if "#" in line and line not in changed] == []
    # Twice the same: nothing is left to change.
    assert pins_file.rewritten(changed, [], []) == changed
