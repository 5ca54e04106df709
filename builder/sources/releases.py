"""The releases of the pinned sources that Debian has packaged, and where their files are. Decides nothing."""

from __future__ import annotations

import io
import lzma
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from builder.errors import BuildError
from builder.files import unpacked
from builder.inputs.pins import Source
from builder.sources.shelf import SourceShelf

# Debian's development suite: where a new upstream version appears first. What is pinned is a tarball or a package; that
# of python-build is one for all architectures, which each architecture's index has.
INDEX = "dists/sid/main/source/Sources.xz"
PACKAGES_INDEX = "dists/sid/main/binary-amd64/Packages.xz"

# Bytes: more than an index of that suite has, which had 12 MB in 2026, and 70 MB unpacked.
_LARGEST, _LARGEST_UNPACKED = 64 << 20, 256 << 20
_MOST_RELEASES = 100  # of one package: there are a few

_POOL = re.compile(
    r"debian:pool/main/[^/]+/(?P<package>[^/]+)/[^/_]+_(?P<version>[^/_]+?)(?:\.orig\.tar\.\w+|-[^/_-]+_all(?P<deb>\.deb))"
)
# https://www.debian.org/doc/debian-policy/ch-controlfields.html#version, and short enough to be one.
_VERSION = re.compile(r"(\d{1,9}:)?\d[A-Za-z0-9.+~-]{0,200}", re.ASCII)
_TARBALL = re.compile(
    r" ([0-9a-f]{64}) \d+ ([a-z0-9][a-z0-9.+-]*_[A-Za-z0-9.+~-]+\.orig\.tar\.(?:gz|xz|bz2))", re.ASCII
)
_SHA256 = re.compile("[0-9a-f]{64}")
_DIRECTORY = re.compile(r"pool/main/[a-z0-9]+/[a-z0-9][a-z0-9.+-]*", re.ASCII)
_PACKAGE = re.compile(rf"{_DIRECTORY.pattern}/[a-z0-9][a-z0-9.+-]*_[A-Za-z0-9.+~-]+_all\.deb", re.ASCII)


@dataclass(frozen=True)
class Release:
    """An upstream version, as Debian names it: `1.3.dfsg+really1.3.2`. `path` is where a mirror has its file."""

    version: str
    path: str = ""
    sha256: str = ""

    @property
    def plain(self) -> str:
        """Upstream's version, without what Debian says of repacking: `1.3.2`; `3.15.0rc2` of `3.15.0~rc2`."""
        return self._upstream.replace("~", "")

    @property
    def final(self) -> str:
        """The version that a pre-release leads to, such as `3.15.0`; of another release its own."""
        return self._upstream.partition("~")[0]

    @property
    def _upstream(self) -> str:
        return self.version.rpartition("+really")[2].partition("+dfsg")[0]


def packaged(source: Source) -> re.Match[str] | None:
    """Debian's package and version of a source, where one of its places is in Debian's pool."""
    return next(filter(None, map(_POOL.fullmatch, source.places)), None)


def newer(sources: Iterable[Source], shelf: SourceShelf) -> dict[Source, list[Release]]:
    """The releases that are newer than each source, the newest first; sources without any are left out.

    Only sources that have a place below a Debian mirror. Raises BuildError where no mirror has an index.
    """
    # Imported here: needed once, and it takes longer to import than the rest of us.
    from debian.debian_support import Version

    pinned = {source: match for source in sources if (match := packaged(source))}
    known: dict[str, dict[str, Release]] = {}
    for index, is_package in ((INDEX, False), (PACKAGES_INDEX, True)):
        names = {match["package"] for match in pinned.values() if bool(match["deb"]) is is_package}
        known |= _releases(_index(shelf, index), names) if names else {}
    later: dict[Source, list[Release]] = {}
    for source, match in pinned.items():
        old = Version(match["version"])
        found = [one for one in known[match["package"]].values() if Version(one.version) > old]
        later[source] = sorted(found, key=lambda one: Version(one.version), reverse=True)
    return {source: releases for source, releases in later.items() if releases}


def _index(shelf: SourceShelf, path: str) -> bytes:
    try:
        return unpacked(shelf.glance(path, _LARGEST), _LARGEST_UNPACKED)
    except lzma.LZMAError as problem:
        raise BuildError(f"the Debian mirror's {path} is not an index: {problem}", "set DEBIAN_MIRROR") from None


def _releases(index: bytes, packages: Iterable[str]) -> Mapping[str, dict[str, Release]]:
    """The releases of some packages in an index, by version; what is not a version is skipped."""
    known: dict[str, dict[str, Release]] = {package: {} for package in packages}
    fields: dict[str, str] = {}  # of the paragraph, if it is of one of the packages
    for line in io.BytesIO(index + b"\n\n"):
        if line.startswith(b"Package: "):
            fields = {"Package": line[9:].strip().decode(errors="replace")}
            fields = fields if fields["Package"] in known else {}
        elif not fields:
            continue
        elif line == b"\n":
            _take(fields, known[fields["Package"]])
            fields = {}
        elif line.startswith(b" "):
            tarball = _TARBALL.fullmatch(line.decode(errors="replace").rstrip("\n"))
            if tarball:
                fields["SHA256"], fields["tarball"] = tarball.groups()
        elif line.startswith((b"Version: ", b"Directory: ", b"Filename: ", b"SHA256: ")):
            name, _, value = line.decode(errors="replace").partition(": ")
            fields[name] = value.strip()
    return known


def _take(fields: Mapping[str, str], releases: dict[str, Release]) -> None:
    """Add the release of a paragraph, if it is one."""
    version = fields.get("Version", "")
    if len(releases) >= _MOST_RELEASES or not _VERSION.fullmatch(version):
        return
    path, sha256 = fields.get("Filename", ""), fields.get("SHA256", "")
    if "tarball" in fields and _DIRECTORY.fullmatch(fields.get("Directory", "")):
        path = f"{fields['Directory']}/{fields['tarball']}"
    elif not (_PACKAGE.fullmatch(path) and _SHA256.fullmatch(sha256)):
        path, sha256 = "", ""
    name = upstream(version)
    releases.setdefault(name, Release(name, path, sha256))


def upstream(version: str) -> str:
    """A Debian version without epoch and Debian's own revision."""
    return version.rpartition(":")[2].rpartition("-")[0] or version
