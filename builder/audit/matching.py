"""Whether an advisory is about a version, as https://ossf.github.io/osv-schema/#evaluation has it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from packaging.version import Version
from semver import Version as SemVer

from builder.audit.advisory import Advisory, Affected, Event
from builder.audit.packages import CRATES, GIT, PYPI, Package

# How an ecosystem orders its versions: keys that can be compared, or ValueError.
_ORDERS: dict[str, Callable[[str], Any]] = {
    PYPI: Version,
    CRATES: lambda text: SemVer.parse(text, optional_minor_and_patch=True),
}
_RELEASE = re.compile(r"\d+\.\d.*", re.ASCII)  # of what has tags: a commit is none
_TURN = ("introduced", "last_affected", "fixed")  # of events at the same version
_BEFORE_ALL = "0"


def has_order(package: Package, version: str) -> bool:
    """Whether a version is one of its ecosystem, and so can be looked up."""
    if package.ecosystem == GIT:
        return bool(_RELEASE.fullmatch(version))
    try:
        _ORDERS[package.ecosystem](version)
    except ValueError:
        return False
    return True


def affects(advisory: Advisory, package: Package, version: str) -> bool | None:
    """Whether a version that `has_order` is affected; None if the advisory does not say it in versions."""
    answers = [_affects(one, package, version) for one in advisory.affected if package in one.packages]
    return True if True in answers else None if None in answers else False


def fixed_in(advisory: Advisory, package: Package, version: str) -> str:
    """The next version with a fix, as far as the advisory names one; else empty."""
    order = _ORDERS.get(package.ecosystem, Version)
    found = {}
    for one in advisory.affected:
        events = (text for events in one.ranges for kind, text in events if kind == "fixed")
        for text in (*events, *one.fixed) if package in one.packages else ():
            try:
                if order(text) > order(version):
                    found[text] = order(text)
            except ValueError:
                continue
    return min(found, key=lambda text: found[text], default="")


def _affects(one: Affected, package: Package, version: str) -> bool | None:
    if package.ecosystem == GIT:
        return _release(version, package) in {_release(tag, package) for tag in one.versions} if one.versions else None
    order = _ORDERS[package.ecosystem]
    if version in one.versions or order(version) in _keys(one.versions, order):
        return True
    answers = [_within(events, version, order) for events in one.ranges]
    if True in answers:
        return True
    return None if None in answers or not (one.versions or one.ranges) else False


def _release(tag: str, package: Package) -> str:
    """The version that a tag names: `openssl-3.5.7`, `R_2_6_4`, `v3.15.0rc2`, `core-9-0-4`."""
    name = package.name.rpartition("/")[2].lower()  # which may have digits: libX11-1.8.12
    return re.sub("[_-]", ".", re.sub("^[^0-9]+", "", tag.lower().removeprefix(name)))


def _keys(versions: Iterable[str], order: Callable[[str], Any]) -> list[Any]:
    found = []
    for version in versions:
        try:
            found.append(order(version))
        except ValueError:
            continue
    return found


def _within(events: tuple[Event, ...], version: str, order: Callable[[str], Any]) -> bool | None:
    """Whether a version is in a range; None if one that bounds it is no version."""
    at = order(version)
    inside = ("introduced", _BEFORE_ALL) in events
    try:
        limits = [text == "*" or at < order(text) for kind, text in events if kind == "limit"]
        bounds = [(order(text), _TURN.index(kind)) for kind, text in events if kind in _TURN and text != _BEFORE_ALL]
    except ValueError:
        return None
    for bound, turn in sorted(bounds):
        if at > bound or (at == bound and _TURN[turn] != "last_affected"):
            inside = _TURN[turn] == "introduced"
    return inside and (not limits or any(limits))
