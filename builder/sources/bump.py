"""A pinned source in a newer release: found, downloaded, looked into, and described as `recipes/pins.toml` has it."""

from __future__ import annotations

import datetime
import re
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from builder.errors import BuildError
from builder.inputs.pins import CPYTHON, PSF, SNAPSHOT, Source
from builder.inputs.tarball import Tarball, Unreadable, within_bounds
from builder.sources.releases import Release, packaged, upstream
from builder.sources.shelf import SourceShelf
from builder.sources.signer import Unsigned, signing_key
from builder.versions import minor

_PRE_RELEASE = re.compile(r"~|\d(a|b|rc|alpha|beta|pre)\.?\d*", re.IGNORECASE)
_YOUNGEST = 3  # days that a release must be old: one that was tampered with is mostly found out in that time


class Unfit(BuildError):
    """Why a release is not taken."""


@dataclass(frozen=True)
class Bump:
    """A source and the newest release of it that can be had; `passed` says why newer ones are not taken."""

    old: Source
    new: Source | None
    passed: tuple[str, ...]


def bumped(
    source: Source, releases: Iterable[Release], shelf: SourceShelf, today: datetime.date, now: bool = False
) -> Bump:
    """The newest fit release of a source. `releases` come newest first; `now` takes one of today as well."""
    passed: list[str] = []
    for release in releases:
        try:
            return Bump(source, _taken(source, release, shelf, today, now), tuple(passed))
        except BuildError as problem:
            passed.append(f"{release.plain}: {problem.summary}")
    return Bump(source, None, tuple(passed))


def beginning(series: str) -> Source:
    """What comes before every release of a series of CPython, such as `3.15`: its first pin is a bump of this."""
    places = (
        f"https://www.python.org/ftp/python/{series}.0/Python-{series}.0a0.tar.xz",
        f"debian:pool/main/p/python{series}/python{series}_{series}.0~a0.orig.tar.xz",
    )
    return Source(CPYTHON, f"{series}.0a0", f"Python-{series}.0a0.tar.xz", "", places, datetime.date.min, PSF)


def _taken(source: Source, release: Release, shelf: SourceShelf, today: datetime.date, now: bool) -> Source:
    if _PRE_RELEASE.search(release.version) and not _PRE_RELEASE.search(source.version):
        raise Unfit("a pre-release")
    if source.line and not f"{release.plain}.".startswith(f"{source.line}."):
        raise Unfit(f"not of the line {source.line}")
    if not release.file.path:
        raise Unfit("the index does not say where its file is")
    new = _renamed(source, release)
    newest = _look(shelf.fetch(new), new)
    differing = shelf.differing(new)
    if differing:
        raise Unfit(f"{differing[0]} has other bytes than Debian")
    if not now and (today - newest).days < _YOUNGEST:
        raise Unfit(f"its newest file is of {newest}, less than {_YOUNGEST} days ago")
    new = replace(new, signed_by=_signer(source, new, release, shelf))
    return replace(new, released=newest) if source.released else new


def _signer(source: Source, new: Source, release: Release, shelf: SourceShelf) -> str:
    """The key that signed a release; Unfit if it is not the one that the pinned release is signed with."""
    try:
        found = signing_key(new, release, shelf)
    except Unsigned as problem:
        if source.signed_by:
            raise Unfit(f"{problem.message}, and {source.version} is signed by {source.signed_by}") from None
        return ""
    if source.signed_by not in ("", found):
        raise Unfit(f"it is signed by {found}, and {source.version} by {source.signed_by}")
    return found


def _renamed(source: Source, release: Release) -> Source:
    """The source of another release: every part of the old version in its texts gives way to the new one's.

    A folder may bear the series only (`v2.41/util-linux-2.41.5`), or the final version (`3.15.0/Python-3.15.0rc2`).
    """
    found = packaged(source)
    assert found, "a source with releases has a place in Debian's pool"
    old, new = (re.split(r"[+-]", version) for version in (found["version"], release.version))
    if len(old) != len(new):
        raise Unfit(f"its version has other parts than {found['version']}")
    before = Release(found["version"])
    parts = {
        minor(before.final): minor(release.final),
        before.final: release.final,
        **dict(zip(old, new, strict=True)),
        before.plain: release.plain,
    }
    pattern = re.compile(
        "|".join(rf"(?<![\d.]){re.escape(part)}(?![\d]|\.\d)" for part in sorted(parts, key=len, reverse=True))
    )

    def moved(text: str) -> str:
        return pattern.sub(lambda match: parts[match[0]], text)

    def place(old_place: str) -> str:
        if old_place.startswith("debian:"):
            return f"debian:{release.file.path}"
        if old_place.startswith(f"{SNAPSHOT}/"):
            return f"{SNAPSHOT}/{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}/{release.file.path}"
        return moved(old_place)

    is_debians = source.file == found.string.rpartition("/")[2]
    file = release.file.name if is_debians else moved(source.file)
    version = release.plain if source.version == before.plain else moved(source.version)
    return replace(
        source, version=version, file=file, sha256=release.file.sha256, places=tuple(map(place, source.places))
    )


@contextmanager
def _members(path: Path, source: Source) -> Iterator[Iterable[tarfile.TarInfo]]:
    """What is in a source's archive, or its Debian package; Unfit if that is of another version."""
    if path.suffix != ".deb":
        with Tarball(path) as archive:
            yield archive
        return
    # Imported here: needed once, and it takes longer to import than the rest of us.
    from debian.debfile import DebFile

    with ExitStack() as stack:
        try:
            deb = stack.enter_context(DebFile(str(path)))
            found, data = deb.debcontrol()["Version"], deb.data.tgz()
        except Exception as problem:  # what is none makes it raise whatever it likes
            raise Unfit(f"{source.file} can't be read: {type(problem).__name__}") from None
        if upstream(found) != source.version:
            raise Unfit(f"{source.file} says that it is {found}")
        yield within_bounds(data)


def _look(path: Path, source: Source) -> datetime.date:
    """The date of an archive's newest file; Unfit if it is neither one folder that bears the version nor a package."""
    newest, tops = 0, set()
    try:
        with _members(path, source) as members:
            for member in members:
                tops.add(member.name.removeprefix("./").partition("/")[0])
                newest = max(newest, int(member.mtime))
        date = datetime.datetime.fromtimestamp(newest, datetime.UTC).date()
    except Unreadable as problem:
        raise Unfit(f"{source.file} can't be read: {problem}") from None
    except (ValueError, OverflowError):
        raise Unfit(f"{source.file} has a file of no date there is") from None
    if path.suffix == ".deb":
        return date
    top, *more = sorted(tops - {"", "."}) or [""]
    if more or not top:
        raise Unfit(f"{source.file} has not one folder at its top: {', '.join((top, *more)[:3])}")
    numbers = {*re.findall(r"\d+", top)}
    if numbers and not numbers.issuperset(re.findall(r"\d+", source.version)):
        raise Unfit(f"{source.file} has {top} at its top, which is not {source.version}")
    return date
