"""The session that moves the pins to newer releases."""

from __future__ import annotations

import argparse
import datetime
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from packaging.version import Version

from builder.console import say
from builder.errors import UserError
from builder.files import write_whole
from builder.inputs import pins, pins_file
from builder.inputs.pins import CPYTHON, Source
from builder.inputs.project import Project
from builder.pipeline import stores
from builder.sessions.opening import read_project, reported
from builder.sources import releases
from builder.sources.bump import Bump, beginning, bumped
from builder.sources.fixes import PREFIX, fixes_of
from builder.sources.releases import Indexes, Release
from builder.sources.shelf import SourceShelf
from builder.sources.signer import endorsed
from builder.versions import minor


@reported
def renew(args: Sequence[str]) -> None:
    """Pin the newest release of each series of CPython, of python-build and of every library that can be had."""
    wanted = _arguments(args)
    project = read_project()
    sources = _wanted(project.pins, wanted.only)
    shelf = stores.source_shelf(project, say)
    today = datetime.datetime.now(datetime.UTC).date()
    indexes = Indexes(shelf)
    known = releases.newer(sources, indexes)
    if not known and sources == [beginning(wanted.only)]:
        raise UserError(
            f"--only {wanted.only}: Debian's development suite has no release of that series",
            f"python-build may know one: PYTHON_VERSION={wanted.only}; else pin it by hand",
        )
    bumps = [bumped(one, known[one], shelf, today, now=wanted.now) for one in sources if one in known]
    _report(bumps)
    moved = {one.old: one.new for one in bumps if one.new}
    stays = [one for one in _kept(project.pins, wanted.only) if one.name == CPYTHON or one not in moved]
    revised = releases.revised([*stays, *moved.values()], indexes)
    unsigned = (one for one in stays if not one.signed_by)
    signed = {one: new for one in unsigned if (new := endorsed(one, revised.get(one, []), shelf)).signed_by}
    for one in signed.values():
        say(f"{one.name} {one.version}: signed by {one.signed_by}")
    files = {**_pins(project, moved, signed), **_patches(project, revised, {*moved.values()}, shelf)}
    for path, content in files.items():
        done = "removed" if content is None else "written"
        if wanted.dry_run:
            done = f"not {done} (--dry-run)"
        elif content is None:
            path.unlink()
        else:
            write_whole(path, content)
        say(f"{path.relative_to(project.root)}: {done}")
    say("now build and prove" if files else "recipes: nothing to change")


def _pins(project: Project, moved: Mapping[Source, Source], signed: Mapping[Source, Source]) -> dict[Path, str]:
    """The pins as they are to be, if they change."""
    if not moved and not signed:
        return {}
    path = project.recipes_folder / "pins.toml"
    replaced = [*((old, new) for old, new in moved.items() if old.name != CPYTHON), *signed.items()]
    added = [new for old, new in moved.items() if old.name == CPYTHON]
    text = pins_file.rewritten(path.read_text(), replaced, added)
    pins.parse(text, path)  # what is written can be built from
    return {path: text}


def _patches(
    project: Project, revised: Mapping[Source, Sequence[Release]], new: Collection[Source], shelf: SourceShelf
) -> dict[Path, bytes | None]:
    """Debian's security fixes of these sources that the recipe lacks, and None for what is to be removed.

    Of a version that stays, a fix goes only where Debian's series was read, and has it no more.
    """
    files: dict[Path, bytes | None] = {}
    for found in (fixes_of(one, revisions, shelf) for one, revisions in revised.items()):
        name, cves = f"{found.source.name} {found.source.version}", [cve for fix in found.fixes for cve in fix.cves]
        if found.fixes:
            say(f"{name}: security patches of Debian {found.revision}: {', '.join(dict.fromkeys(cves))}")
        for line in found.passed:
            say(f"    not looked into Debian's {line}")
        is_cpython = found.source.name == CPYTHON
        below = ("cpython", found.source.version) if is_cpython else ("libraries", found.source.name)
        folder = project.recipes_folder.joinpath(*below)
        wanted = {folder / fix.name: fix.text for fix in found.fixes}
        there = {path: path.read_bytes() for path in folder.glob(f"{PREFIX}*.patch")}
        files |= dict.fromkeys(there.keys() - wanted.keys() if found.revision or found.source in new else ())
        files |= {path: text for path, text in wanted.items() if there.get(path) != text}
    return dict(sorted(files.items()))


def _wanted(pinned: pins.Pins, only: str) -> list[Source]:
    """What is looked at; UserError for an `only` that is neither a source nor a series of CPython."""
    sources = [one for one in _newest(pinned) if only in ("", *_names(one))]
    if not sources and re.fullmatch(r"3\.\d{1,3}", only, re.ASCII):
        sources = [beginning(only)]
    if not sources:
        raise UserError(f"--only {only}: recipes/pins.toml has no such source or series of CPython", "nox -s pins")
    return sources


def _kept(pinned: pins.Pins, only: str) -> list[Source]:
    """What is pinned of that, older releases of CPython included."""
    every = [*pinned.pythons.values(), pinned.python_build, *pinned.libraries.values()]
    return [one for one in every if only in ("", *_names(one))]


def _names(source: Source) -> tuple[str, ...]:
    """What `--only` calls a source: a library by its name, a release of CPython by its series and its version, too."""
    return (source.name, minor(source.version), source.version) if source.name == CPYTHON else (source.name,)


def _report(bumps: Iterable[Bump]) -> None:
    """Say of each source what becomes of it."""
    for one in bumps:
        name = f"{one.old.name} {one.old.version}"
        signed = f", signed by {one.new.signed_by}" if one.new and one.new.signed_by else ""
        say(f"{name} → {one.new.version}{signed}" if one.new else f"{name}: nothing newer can be had")
        for line in one.passed:
            say(f"    passed over {line}")


def _newest(pinned: pins.Pins) -> list[Source]:
    """The newest release of each series of CPython, python-build, and the libraries."""
    series: dict[str, Source] = {}
    for version in sorted(pinned.pythons, key=Version):
        series[minor(version)] = pinned.pythons[version]  # the last one counts
    return [*series.values(), pinned.python_build, *pinned.libraries.values()]


def _arguments(args: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s bump --", description=renew.__doc__)
    parser.add_argument("--only", default="", metavar="NAME", help="one source, or a series of CPython such as 3.14")
    parser.add_argument("--now", action="store_true", help="also take a release that is less than three days old")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    return parser.parse_args(args)
