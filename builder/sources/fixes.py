"""Security fixes that Debian has for the very version of what is pinned: patches, with their origin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from builder.inputs.cves import cves_fixed
from builder.inputs.pins import CPYTHON, Source
from builder.sources import packaging
from builder.sources.packaging import PATCHES
from builder.sources.releases import Release
from builder.sources.shelf import Missing, SourceShelf

PREFIX = "debian-"  # of the file names: what a later bump may take away again


@dataclass(frozen=True)
class Fix:
    """A patch for `recipes/libraries` or `recipes/cpython`: its file name, what it begins with, the CVEs it names."""

    name: str
    text: bytes
    cves: tuple[str, ...]


@dataclass(frozen=True)
class Fixes:
    """The security fixes of one of Debian's revisions; `passed` says why newer ones are not looked into."""

    source: Source
    revision: str
    fixes: tuple[Fix, ...]
    passed: tuple[str, ...]


def fixes_of(source: Source, revisions: Iterable[Release], shelf: SourceShelf) -> Fixes:
    """The fixes of the newest of Debian's revisions that can be had. `revisions` come newest first.

    Raises BuildError for a file that has the right digest, and is none of Debian's.
    """
    passed: list[str] = []
    for release in revisions:
        try:
            return Fixes(source, release.revision, tuple(_fixes(source, release, shelf)), tuple(passed))
        except Missing as problem:
            passed.append(f"{release.revision}: {problem.summary}")
    return Fixes(source, "", (), tuple(passed))


def _fixes(source: Source, release: Release, shelf: SourceShelf) -> Iterator[Fix]:
    """The security fixes of Debian's series, in its order."""
    patches = packaging.read(shelf, release.changes.source(source.name, release.revision))
    for number, name in enumerate(_chosen(source, _series(patches), patches), 1):
        text = patches[PATCHES + name]
        cves = cves_fixed(text, name)
        stem = re.sub(r"\.(patch|diff)$", "", name)
        fixed = f"Fixes: {', '.join(cves)}\n" if cves else ""
        head = f"Origin: Debian {release.revision}, {PATCHES}{name}\n{fixed}\n"
        yield Fix(f"{PREFIX}{number:02}-{stem}.patch", head.encode() + text, cves)


def _chosen(source: Source, series: list[str], patches: Mapping[str, bytes]) -> list[str]:
    """From the first patch that names a CVE to the last: a fix in several patches names it in one.

    Of CPython only those that name one. Debian calls each of its security patches after the CVE, and what stands
    between them is no part of it: other backports, and what fits CPython to Debian.
    """
    named = [place for place, name in enumerate(series) if cves_fixed(patches[PATCHES + name], name)]
    if source.name == CPYTHON:
        return [series[place] for place in named]
    return series[named[0] : named[-1] + 1] if named else []


def _series(patches: Mapping[str, bytes]) -> list[str]:
    """The names in Debian's series, of the patches that are there."""
    lines = patches.get(f"{PATCHES}series", b"").decode(errors="replace").splitlines()
    names = [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
    return [name for name in names if PATCHES + name in patches]
