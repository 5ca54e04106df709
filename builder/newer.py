"""What newer versions of the pinned sources Debian has packaged, for `nox -s pins` to tell. Decides nothing."""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterable

from builder.sources import Source, SourceShelf

# Debian's development suite: where a new upstream version appears first.
INDEX = "dists/sid/main/source/Sources.xz"

_POOL = re.compile(
    r"debian:pool/main/[^/]+/(?P<package>[^/]+)/[^/_]+_(?P<version>[^/_]+?)(?:\.orig\.tar\.\w+|_\w+\.deb)"
)


def newer(sources: Iterable[Source], shelf: SourceShelf) -> dict[Source, str]:
    """The newest version of each source that Debian knows to be newer than the pinned one.

    Only sources that have a place below a Debian mirror. Raises BuildError where no mirror has the index.
    """
    # Imported here: needed once, and it takes longer to import than the rest of us.
    from debian.deb822 import Sources
    from debian.debian_support import Version

    pinned = {source: found for source in sources for place in source.places if (found := _POOL.fullmatch(place))}
    packages = {found["package"] for found in pinned.values()}
    known: dict[str, list[Version]] = {package: [] for package in packages}
    for paragraph in lzma.decompress(shelf.glance(INDEX)).decode().split("\n\n"):
        # The index has tens of thousands of packages: only those asked for are worth reading whole.
        if paragraph.partition("\n")[0].removeprefix("Package: ") in packages:
            entry = Sources(paragraph)
            known[entry["Package"]].append(Version(_upstream(entry["Version"])))
    newest = {source: max(known[found["package"]], default=None) for source, found in pinned.items()}
    return {
        source: _plain(str(version))
        for source, version in newest.items()
        if version and version > Version(_upstream(pinned[source]["version"]))
    }


def _upstream(version: str) -> str:
    """A Debian version without epoch and Debian's own revision."""
    return version.rpartition(":")[2].rpartition("-")[0] or version


def _plain(version: str) -> str:
    """`1.3.2` of `1.3.dfsg+really1.3.2`: upstream's version without Debian's words on repacking."""
    return version.rpartition("+really")[2].partition("+dfsg")[0]
