"""The releases of the pinned sources that Debian has packaged, and where their files are. Decides nothing."""

from __future__ import annotations

import io
import lzma
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from builder.errors import BuildError
from builder.files import unpacked
from builder.inputs.pins import Source
from builder.sources import signature
from builder.sources.shelf import Missing, SourceShelf

# Debian's development suite: where a new upstream version appears first. What is pinned is a tarball or a package; that
# of python-build is one for all architectures, which each architecture's index has.
INDEX = "dists/sid/main/source/Sources.xz"
# Where a pinned version may get another revision, with security fixes; not every mirror has these.
_MORE_INDEXES = ("dists/stable/main/source/Sources.xz", "dists/stable-security/main/source/Sources.xz")
PACKAGES_INDEX = "dists/sid/main/binary-amd64/Packages.xz"

# Bytes: more than an index of that suite has, which had 12 MB in 2026, and 70 MB unpacked.
_LARGEST, _LARGEST_UNPACKED = 64 << 20, 256 << 20
_LARGEST_SIGNED = 4 << 20  # the list of a suite's files has a few hundred kilobytes
_MOST_RELEASES = 100  # of one package: there are a few

_POOL = re.compile(
    r"debian:pool/main/[^/]+/[^/]+/(?P<package>[^/_]+)_(?P<version>[^/_]+?)(?:\.orig\.tar\.\w+|-[^/_-]+_all(?P<deb>\.deb))"
)
# https://www.debian.org/doc/debian-policy/ch-controlfields.html#version, and short enough to be one.
_VERSION = re.compile(r"(\d{1,9}:)?\d[A-Za-z0-9.+~-]{0,200}", re.ASCII)
_FILE = re.compile(
    r" ([0-9a-f]{64}) \d+ ([a-z0-9][a-z0-9.+-]*_[A-Za-z0-9.+~-]+\.(orig|debian)\.tar\.(?:gz|xz|bz2)(\.asc)?)", re.ASCII
)
_SHA256 = re.compile("[0-9a-f]{64}")
_DIRECTORY = re.compile(r"pool/main/[a-z0-9]+/[a-z0-9][a-z0-9.+-]*", re.ASCII)
_PACKAGE = re.compile(rf"{_DIRECTORY.pattern}/[a-z0-9][a-z0-9.+-]*_[A-Za-z0-9.+~-]+_all\.deb", re.ASCII)


@dataclass(frozen=True)
class PoolFile:
    """Where a mirror has a file, and its sha256; both are empty where the index names none."""

    path: str = ""
    sha256: str = ""

    @property
    def name(self) -> str:
        """Its file name."""
        return self.path.rpartition("/")[2]

    def source(self, name: str, version: str) -> Source:
        """The file as what can be downloaded."""
        return Source(name, version, self.name, self.sha256, (f"debian:{self.path}",))


@dataclass(frozen=True)
class Release:
    """An upstream version, as Debian names it: `1.3.dfsg+really1.3.2`, and its file.

    `revision` is Debian's whole version, `changes` what it adds to upstream's file, and `signature` upstream's of it.
    """

    version: str
    file: PoolFile = PoolFile()
    revision: str = ""
    changes: PoolFile = PoolFile()
    signature: PoolFile = PoolFile()

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


@dataclass(frozen=True)
class Indexes:
    """A Debian mirror's indexes, each read once."""

    shelf: SourceShelf
    _read: dict[str, bytes] = field(default_factory=dict, repr=False)

    def read(self, path: str) -> bytes:
        """An index, unpacked, under Debian's signature where this machine can check it; Missing if no mirror has it."""
        if path not in self._read:
            self._read[path] = self._unpacked(path)
        return self._read[path]

    def _unpacked(self, path: str) -> bytes:
        packed = self.shelf.glance(path, _LARGEST)
        if signature.can_check():
            _, suite, name = path.split("/", 2)
            signature.check(self.shelf.glance(f"dists/{suite}/InRelease", _LARGEST_SIGNED), name, packed)
        else:
            note = f"note: {path}: Debian's signature is not checked; apt-get install gpgv debian-archive-keyring"
            self.shelf.say(note)
        try:
            return unpacked(packed, _LARGEST_UNPACKED)
        except lzma.LZMAError as problem:
            raise BuildError(f"the Debian mirror's {path} is not an index: {problem}", "set DEBIAN_MIRROR") from None


def packaged(source: Source) -> re.Match[str] | None:
    """Debian's package and version of a source, where one of its places is in Debian's pool."""
    return next(filter(None, map(_POOL.fullmatch, source.places)), None)


def newer(sources: Iterable[Source], indexes: Indexes) -> dict[Source, list[Release]]:
    """The releases that are newer than each source, the newest first; sources without any are left out.

    Only sources that have a place below a Debian mirror. Raises BuildError where no mirror has an index.
    """
    # Imported here: needed once, and it takes longer to import than the rest of us.
    from debian.debian_support import Version

    pinned = {source: match for source in sources if (match := packaged(source))}
    known: dict[str, list[Release]] = {}
    for index, is_package in ((INDEX, False), (PACKAGES_INDEX, True)):
        names = {match["package"] for match in pinned.values() if bool(match["deb"]) is is_package}
        known |= _releases(indexes.read(index), names) if names else {}
    later: dict[Source, list[Release]] = {}
    for source, match in pinned.items():
        found = {
            one.version: one for one in known[match["package"]] if Version(one.version) > Version(match["version"])
        }
        later[source] = [found[version] for version in sorted(found, key=Version, reverse=True)]
    return {source: releases for source, releases in later.items() if releases}


def revised(sources: Iterable[Source], indexes: Indexes) -> dict[Source, list[Release]]:
    """Debian's revisions of the very version of each source that add something to it, the newest first."""
    from debian.debian_support import Version

    pinned = {source: match for source in sources if (match := packaged(source)) and not match["deb"]}
    names = {match["package"] for match in pinned.values()}
    known: list[tuple[str, Release]] = []
    for index in (INDEX, *_MORE_INDEXES) if names else ():
        with suppress(*(() if index == INDEX else (Missing,))):
            for package, releases in _releases(indexes.read(index), names).items():
                known += [(package, release) for release in releases]
    found: dict[Source, list[Release]] = {}
    for source, match in pinned.items():
        pair = match.group("package", "version")
        same = {one for package, one in known if one.changes.path and (package, one.version) == pair}
        found[source] = sorted(same, key=lambda one: Version(one.revision), reverse=True)
    return found


def _releases(index: bytes, packages: Iterable[str]) -> dict[str, list[Release]]:
    """The releases of some packages in an index; what is not a version is skipped."""
    known: dict[str, list[Release]] = {package: [] for package in packages}
    for fields in _paragraphs(index, known.keys()):
        releases, version = known[fields["Package"]], fields.get("Version", "")
        if len(releases) < _MOST_RELEASES and _VERSION.fullmatch(version):
            file, changes, signature = (_file(fields, kind) for kind in ("orig", "debian", "orig.asc"))
            releases.append(Release(upstream(version), file, version, changes, signature))
    return known


def _paragraphs(index: bytes, packages: Collection[str]) -> Iterator[dict[str, str]]:
    """The fields of each paragraph about one of some packages; a source's files are in it by their kind."""
    fields: dict[str, str] = {}  # of the paragraph, if it is of one of the packages
    for line in io.BytesIO(index + b"\n\n"):
        if line.startswith(b"Package: "):
            fields = {"Package": line[9:].strip().decode(errors="replace")}
            fields = fields if fields["Package"] in packages else {}
        elif not fields:
            continue
        elif line == b"\n":
            yield fields
            fields = {}
        elif line.startswith(b" "):
            file = _FILE.fullmatch(line.decode(errors="replace").rstrip("\n"))
            if file:
                kind = file[3] + (file[4] or "")
                fields[f"{kind} sha256"], fields[kind] = file[1], file[2]
        elif line.startswith((b"Version: ", b"Directory: ", b"Filename: ", b"SHA256: ")):
            name, _, value = line.decode(errors="replace").partition(": ")
            fields[name] = value.strip()


def _file(fields: Mapping[str, str], kind: str) -> PoolFile:
    """A source's file of a kind; of a package the package is it."""
    if kind in fields and _DIRECTORY.fullmatch(fields.get("Directory", "")):
        return PoolFile(f"{fields['Directory']}/{fields[kind]}", fields[f"{kind} sha256"])
    path, sha256 = fields.get("Filename", ""), fields.get("SHA256", "")
    if kind == "orig" and _PACKAGE.fullmatch(path) and _SHA256.fullmatch(sha256):
        return PoolFile(path, sha256)
    return PoolFile()


def upstream(version: str) -> str:
    """A Debian version without epoch and Debian's own revision."""
    return version.rpartition(":")[2].rpartition("-")[0] or version
