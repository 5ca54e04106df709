"""What newer versions are known: compared as Debian compares them, named as upstream names them."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from builder.errors import BuildError
from builder.newer import INDEX, newer
from builder.sources import Source, SourceShelf
from tests.unit.factories import NO_NETWORK

ZLIB = "debian:pool/main/z/zlib/zlib_1.3.dfsg+really1.3.1.orig.tar.gz"


def shelf(folder: Path, **versions: list[str]) -> SourceShelf:
    """Sources from a mirror whose index has these packages."""
    index = folder / INDEX
    index.parent.mkdir(parents=True)
    entries = (f"Package: {name}\nVersion: {one}\n" for name, several in versions.items() for one in several)
    index.write_bytes(lzma.compress("\n".join(entries).encode()))
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
        ("debian:pool/main/z/zlib/zlib1g_1.9-4_all.deb", ["1.9-5"], None),
        ("debian:pool/main/z/zlib/zlib1g_1.9-4_all.deb", ["2-1"], "2"),
        ("https://example.org/zlib_1.0.orig.tar.gz", ["2-1"], None),
    ],
)
def test_only_a_newer_upstream_version_is_told(
    tmp_path: Path, place: str, known: list[str], expected: str | None
) -> None:
    given = source("https://example.org/somewhere", place)
    assert newer([given], shelf(tmp_path, zlib=known, other=["99-1"])).get(given) == expected


def test_without_a_mirror_it_says_which_was_asked(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=INDEX) as failed:
        newer([source(ZLIB)], SourceShelf(tmp_path / "sources", NO_NETWORK, "", str(tmp_path), print))
    assert "DEBIAN_MIRROR" in failed.value.hint
    assert [*(tmp_path / "sources").iterdir()] == []
