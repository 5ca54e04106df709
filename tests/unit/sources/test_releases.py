"""What newer versions are known: compared as Debian compares them, named as upstream names them."""

from __future__ import annotations

import lzma
import re
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from builder.errors import BuildError
from builder.inputs.pins import Source
from builder.sources.releases import INDEX, PACKAGES_INDEX, Indexes, newer
from builder.sources.shelf import SourceShelf
from tests.support.factories import NO_NETWORK

ZLIB = "debian:pool/main/z/zlib/zlib_1.3.dfsg+really1.3.1.orig.tar.gz"


def shelf(folder: Path, **versions: list[str]) -> SourceShelf:
    """Sources from a mirror whose index has these packages."""
    entries = (f"Package: {name}\nVersion: {one}\n" for name, several in versions.items() for one in several)
    return mirror(folder, lzma.compress("\n".join(entries).encode()))


def mirror(folder: Path, index: bytes) -> SourceShelf:
    """Sources from a mirror with this file as both its indexes."""
    for name in (INDEX, PACKAGES_INDEX):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(index)
    return SourceShelf(folder / "sources", NO_NETWORK, "", str(folder), print)


def source(*places: str) -> Source:
    """A source that is found there."""
    return Source("a library", "?", "a file", "0" * 64, places)


@pytest.mark.parametrize(
    ("place", "known", "expected"),
    [
        (ZLIB, ["1:1.3.dfsg+really1.3.1-1", "1:1.3.dfsg+really1.3.2-4"], "1.3.2"),
        (ZLIB, ["1:1.3.dfsg+really1.3.1-9"], None),
        (ZLIB, ["1:1.2.13.dfsg-1"], None),
        (ZLIB, [], None),
        ("debian:pool/main/z/zlib/zlib_1.9.orig.tar.xz", ["1.10-1", "1.9-3"], "1.10"),
        ("debian:pool/main/z/zlib/zlib_1.9+dfsg.orig.tar.xz", ["1.10+dfsg-1"], "1.10"),
        ("debian:pool/main/z/source/zlib_1.9-4_all.deb", ["1.9-5"], None),
        ("debian:pool/main/z/source/zlib_1.9-4_all.deb", ["2-1"], "2"),
        ("debian:pool/main/z/zlib/zlib_3.1-20250104.orig.tar.gz", ["3.1-20250104-2"], None),
        ("debian:pool/main/z/zlib/zlib_3.1-20250104.orig.tar.gz", ["3.1-20260512-1"], "3.1-20260512"),
        ("https://example.org/zlib_1.0.orig.tar.gz", ["2-1"], None),
    ],
)
def test_only_a_newer_upstream_version_is_reported(
    tmp_path: Path, place: str, known: list[str], expected: str | None
) -> None:
    given = source("https://example.org/somewhere", place)
    found = newer([given], Indexes(shelf(tmp_path, zlib=known, other=["99-1"])))
    assert [one.plain for one in found.get(given, [])][:1] == ([expected] if expected else [])


def test_without_a_mirror_it_says_which_was_asked(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=INDEX) as failed:
        newer([source(ZLIB)], Indexes(SourceShelf(tmp_path / "sources", NO_NETWORK, "", str(tmp_path), print)))
    assert "DEBIAN_MIRROR" in failed.value.hint
    assert [*(tmp_path / "sources").iterdir()] == []


@pytest.mark.parametrize("index", [b"", b"<html>", lzma.compress(b"Package: zlib\n" * 99)[:-9]])
def test_what_is_no_index_is_said(tmp_path: Path, index: bytes) -> None:
    with pytest.raises(BuildError, match=f"the Debian mirror's {INDEX} is not an index"):
        newer([source(ZLIB)], Indexes(mirror(tmp_path, index)))


def test_an_index_that_unpacks_to_more_than_any_has_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.sources.releases._LARGEST_UNPACKED", 1 << 20)
    packer = lzma.LZMACompressor(preset=0)
    bomb = b"".join((*(packer.compress(bytes(1 << 20)) for _ in range(100)), packer.flush()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BuildError, match="more than 1,048,576 bytes come out"):
        newer([source(ZLIB)], Indexes(mirror(tmp_path, bomb)))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 << 10  # KiB


def test_an_index_that_is_larger_than_any_is_not_downloaded(tmp_path: Path) -> None:
    ours = mirror(tmp_path, b"")
    with (tmp_path / INDEX).open("wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(BuildError, match="more than 64 MiB, given up"):
        newer([source(ZLIB)], Indexes(ours))
    assert [*(tmp_path / "sources").iterdir()] == []


LINES = st.sampled_from([b"Package: zlib", b"Package: other", b"Version: 2-1", b"Version: ", b"Version:1", b"", b": "])


@settings(deadline=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES | st.binary(max_size=30) | st.binary(max_size=30).map(lambda rest: b"Version: " + rest)))
@example([b"Package: zlib", b"Version: " + b"9" * 5000])
@example([b"Package: zlib", *(b"Version: %d" % number for number in range(100_000))])
@example([b"Package: zlib"] * 100_000)
@example([b"x" * 5_000_000])
@example([b"Package: zlib", b"Version: \xd9\xa3-1"])
@example([b"Package: zlib", b"Version: 1:"])
def test_any_index_is_read_in_bounded_time_and_names_versions_only(tmp_path: Path, lines: list[bytes]) -> None:
    index = lzma.compress(b"\n".join(lines), preset=0)
    for release in newer([source(ZLIB)], Indexes(mirror(tmp_path, index))).get(source(ZLIB), []):
        assert re.fullmatch(r"[A-Za-z0-9.+~:-]+", release.version)
