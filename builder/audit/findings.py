"""What an audit finds in an artifact: each vulnerability once, without those that are patched or ignored."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from builder.audit.answers import Answer, Database, Match, cannot_be_asked
from builder.audit.inventory import Component, Inventory
from builder.audit.severity import Severity
from builder.inputs.audit_policy import Ignore


@dataclass(frozen=True)
class Finding:
    """A vulnerability in a component: its CVE if it has one, its other names, and the next version with a fix."""

    component: str
    version: str
    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: Severity
    fixed: str

    @property
    def names(self) -> frozenset[str]:
        """What it is called anywhere."""
        return frozenset((self.id, *self.aliases))


@dataclass(frozen=True)
class Unchecked:
    """A component that the database can't answer for, and why; or `advisories` on it that name no versions."""

    component: str
    version: str
    reason: str
    advisories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """What was found in one artifact, which `name` is the path of; the most severe first."""

    name: str
    components: int
    findings: tuple[Finding, ...]
    patched: tuple[Finding, ...]
    ignored: tuple[tuple[Finding, Ignore], ...]
    unchecked: tuple[Unchecked, ...]


def audit(
    inventories: Sequence[Inventory], database: Database, ignores: Iterable[Ignore], today: datetime.date
) -> tuple[Audit, ...]:
    """What the database knows of each artifact. An ignore whose day is over does not count."""
    every = dict.fromkeys(one for inventory in inventories for one in inventory.components)
    answers = database.answers([one for one in every if not cannot_be_asked(one)])
    valid = [one for one in ignores if one.until >= today]
    return tuple(_audit(inventory, answers, valid) for inventory in inventories)


def unused(ignores: Iterable[Ignore], audits: Iterable[Audit], today: datetime.date) -> list[str]:
    """What to say of ignores: those that have ended, and those that match nothing."""
    used = {ignore for one in audits for _, ignore in one.ignored}
    said = []
    for one in ignores:
        if one.until < today:
            said.append(f"{one.id} in {one.component} is no longer ignored: that ended with {one.until}")
        elif one not in used:
            said.append(f"{one.id} in {one.component} is ignored, but was not found")
    return said


def _audit(inventory: Inventory, answers: Mapping[Component, Answer], ignores: Sequence[Ignore]) -> Audit:
    findings, patched, ignored, unchecked = [], [], [], []
    for component in inventory.components:
        answer = answers.get(component, Answer(unchecked=cannot_be_asked(component)))
        if answer.unchecked or answer.unclear:
            reason = answer.unchecked or "advisories on it name no version that can be compared"
            unchecked.append(Unchecked(component.name, component.version, reason, answer.unclear))
        for finding in _findings(component, answer.matches):
            ignore = next((i for i in ignores if i.component == component.name and i.id in finding.names), None)
            if finding.names & component.patched:
                patched.append(finding)
            elif ignore:
                ignored.append((finding, ignore))
            else:
                findings.append(finding)
    findings.sort(key=lambda one: (-one.severity.rank, one.component, one.id))
    return Audit(
        inventory.name, len(inventory.components), tuple(findings), tuple(patched), tuple(ignored), tuple(unchecked)
    )


def _findings(component: Component, matches: Iterable[Match]) -> list[Finding]:
    """Each vulnerability once, whatever number of databases describes it."""
    groups: list[tuple[set[str], list[Match]]] = []
    for match in sorted(matches, key=lambda one: one.advisory.id):
        names, joined = {*match.advisory.names}, [match]
        for group in [group for group in groups if group[0] & names]:
            groups.remove(group)
            names |= group[0]
            joined = group[1] + joined
        groups.append((names, joined))
    return [_finding(component, names, joined) for names, joined in groups]


def _finding(component: Component, names: set[str], matches: Sequence[Match]) -> Finding:
    first, *others = sorted(names, key=lambda name: (not re.match(r"CVE-", name), name))
    return Finding(
        component=component.name,
        version=component.version,
        id=first,
        aliases=tuple(others),
        summary=matches[0].advisory.summary,
        severity=max((one.advisory.severity for one in matches), key=lambda one: one.rank),
        fixed=next((one.fixed for one in matches if one.fixed), ""),
    )
