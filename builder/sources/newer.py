"""What newer versions of the pinned sources Debian has packaged, for `nox -s pins` to show. Decides nothing."""

from __future__ import annotations

import io
import lzma
import re
from collections.abc import Iterable

from builder.errors import BuildError
from builder.files import unpacked
from builder.inputs.pins import Source
from builder.sources.shelf import SourceShelf

# Debian's development suite: where a new upstream version appears first.
INDEX = "dists/sid/main/source/Sources.xz"

# Bytes: more than an index of that suite has, which had 12 MB in 2026, and 70 MB unpacked.
_LARGEST, _LARGEST_UNPACKED = 64 << 20, 256 << 20
_MOST_VERSIONS = 100  # of one package: there are a few

_POOL = re.compile(
    r"debian:pool/main/[^/]+/(?P<package>[^/]+)/[^/_]+_(?P<version>[^/_]+?)(?:\.orig\.tar\.\w+|_\w+\.deb)"
)

# https://www.debian.org/doc/debian-policy/ch-controlfields.html#version, and short enough to be one.
_VERSION = re.compile(r"(\d{1,9}:)?\d[A-Za-z0-9.+~-]{0,200}", re.ASCII)


def newer(sources: Iterable[Source], shelf: SourceShelf) -> dict[Source, str]:
    """The newest version of each source that Debian knows to be newer than the pinned one.

    Only sources that have a place below a Debian mirror. Raises BuildError where no mirror has an index.
    """
    # Imported here: needed once, and it takes longer to import than the rest of us.
    from debian.debian_support import Version

    pinned = {source: found for source in sources for place in source.places if (found := _POOL.fullmatch(place))}
    try:
        index = unpacked(shelf.glance(INDEX, _LARGEST), _LARGEST_UNPACKED)
    except lzma.LZMAError as problem:
        raise BuildError(f"the Debian mirror's {INDEX} is not an index: {problem}", "set DEBIAN_MIRROR") from None
    known = _versions(index, {found["package"] for found in pinned.values()})
    newest = {source: max(map(Version, known[found["package"]]), default=None) for source, found in pinned.items()}
    return {
        source: _plain(str(version))
        for source, version in newest.items()
        if version and version > Version(_upstream(pinned[source]["version"]))
    }


def _versions(index: bytes, packages: Iterable[str]) -> dict[str, set[str]]:
    """The upstream versions of some packages in an index; what is not a version is skipped."""
    known: dict[str, set[str]] = {package: set() for package in packages}
    package = ""
    for line in io.BytesIO(index):
        name, _, value = line.partition(b": ")
        text = value.strip().decode(errors="replace")
        if name == b"Package":
            package = text
        elif (
            name == b"Version"
            and package in known
            and len(known[package]) < _MOST_VERSIONS
            and _VERSION.fullmatch(text)
        ):
            known[package].add(_upstream(text))
    return known


def _upstream(version: str) -> str:
    """A Debian version without epoch and Debian's own revision."""
    return version.rpartition(":")[2].rpartition("-")[0] or version


def _plain(version: str) -> str:
    """`1.3.2` of `1.3.dfsg+really1.3.2`: upstream's version without Debian's words on repacking."""
    return version.rpartition("+really")[2].partition("+dfsg")[0]
