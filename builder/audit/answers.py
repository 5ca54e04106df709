"""What a database says of components."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from builder.audit.advisory import Advisory
from builder.audit.inventory import Component
from builder.audit.matching import fixed_in, has_order
from builder.audit.packages import Package


@dataclass(frozen=True)
class Match:
    """An advisory that is about a component, and the next version with a fix, if it names one."""

    advisory: Advisory
    fixed: str


@dataclass(frozen=True)
class Answer:
    """The advisories that are about a component, or why the database can't say; `unclear` are those it can't judge."""

    matches: tuple[Match, ...] = ()
    unchecked: str = ""
    unclear: tuple[str, ...] = ()


class Database(Protocol):
    """Where advisories are looked up; `described` says in a few words which, and as of when."""

    described: str

    def answers(self, components: Iterable[Component]) -> Mapping[Component, Answer]:
        """The answer for components, none of which `cannot_be_asked`. UserError or BuildError if that fails."""


NO_PACKAGE = "OSV has no name for it"
NO_ADVISORY = "no advisory of the database names its repository"


def cannot_be_asked(component: Component) -> str:
    """Why no database can be asked for a component; empty if one can."""
    if not component.packages:
        return NO_PACKAGE
    if not component.version:
        return "its version is not known"
    if not any(has_order(package, component.version) for package in component.packages):
        return f"{component.version} can't be compared with the versions of {component.packages[0].ecosystem}"
    return ""


def match(advisory: Advisory, packages: Iterable[Package], version: str) -> Match:
    """An advisory that is about one of these packages, with the first fix that it names."""
    fixes = (fixed_in(advisory, package, version) for package in packages)
    return Match(advisory, next(filter(None, fixes), ""))
