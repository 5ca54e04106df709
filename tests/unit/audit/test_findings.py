"""A vulnerability is found once, unless a patch fixes it or the recipe ignores it, and shown in three forms."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from builder.audit import report, sarif
from builder.audit.advisory import parse
from builder.audit.answers import Answer, Match
from builder.audit.findings import Audit, Finding, audit, unused
from builder.audit.inventory import Component, Inventory
from builder.audit.severity import Severity
from builder.inputs.audit_policy import Ignore
from tests.support.osv import IN_JINJA, IN_SQLITE, OLD_JINJA, OLD_SQLITE, Record, of, record

TODAY = datetime.date(2026, 11, 29)
PYSEC = record("PYSEC-2025-9", aliases=["GHSA-cpwx-vrp4-4pq7"], summary="the same", modified="2026-01-01T00:00:00Z")


class Fixed:
    """A database with fixed answers."""

    described = "fixed"

    def __init__(self, known: Mapping[Component, Answer]) -> None:
        self.known, self.asked = known, list[Component]()

    def answers(self, components: Iterable[Component]) -> Mapping[Component, Answer]:
        """What is known, and else nothing."""
        self.asked = [*components]
        return {one: self.known.get(one, Answer()) for one in self.asked}


def said(*records: Record, fixed: str = "9") -> Answer:
    return Answer(tuple(Match(parse(json.dumps(one).encode()), fixed) for one in records))


def audited(known: Mapping[Component, Answer], *ignores: Ignore, more: Iterable[Component] = ()) -> Audit:
    (found,) = audit([Inventory("out/prt.cdx.json", (*known, *more))], Fixed(known), ignores, TODAY)
    return found


def ignore(name: str = "CVE-2025-27516", component: str = "jinja2", until: str = "2026-11-29") -> Ignore:
    return Ignore(name, component, "only our own templates", datetime.date.fromisoformat(until))


JINJA = Finding(
    "jinja2", "3.1.5", "CVE-2025-27516", ("GHSA-cpwx-vrp4-4pq7", "PYSEC-2025-9"), "a way out of the sandbox",
    Severity(None, "medium"), "9",
)  # fmt: skip


@pytest.mark.parametrize("records", [(IN_JINJA, PYSEC), (PYSEC, IN_JINJA)])
def test_a_vulnerability_that_two_databases_have_is_one(records: tuple[Record, ...]) -> None:
    assert audited({OLD_JINJA: said(*records)}).findings == (JINJA,)


def test_a_name_that_two_others_share_makes_all_three_one() -> None:
    rows = [record("A-1"), record("C-1"), record("D-1", aliases=["A-1", "C-1"]), record("E-1")]
    found = audited({OLD_JINJA: said(*rows)}).findings
    assert [(one.id, one.aliases) for one in found] == [("A-1", ("C-1", "D-1")), ("E-1", ())]


def test_the_most_severe_come_first() -> None:
    unrated = of("agate", "1")
    found = audited({unrated: said(record("CVE-2026-8")), OLD_JINJA: said(IN_JINJA), OLD_SQLITE: said(IN_SQLITE)})
    assert [one.component for one in found.findings] == ["sqlite", "jinja2", "agate"]


@pytest.mark.parametrize("name", ["CVE-2025-27516", "GHSA-cpwx-vrp4-4pq7"])
def test_what_a_patch_fixes_is_no_finding(name: str) -> None:
    patched = replace(OLD_JINJA, patched=frozenset({name}))
    found = audited({patched: said(IN_JINJA), OLD_JINJA: said(IN_JINJA)})
    assert (len(found.findings), [one.id for one in found.patched]) == (1, ["CVE-2025-27516"])
    other = replace(OLD_JINJA, patched=frozenset({"CVE-2025-2751"}))
    assert len(audited({other: said(IN_JINJA)}).findings) == 1


@pytest.mark.parametrize("name", ["CVE-2025-27516", "GHSA-cpwx-vrp4-4pq7"])
def test_what_the_recipe_ignores_is_no_finding_up_to_its_last_day(name: str) -> None:
    found = audited({OLD_JINJA: said(IN_JINJA)}, ignore(name))
    assert (found.findings, len(found.ignored)) == ((), 1)
    assert unused([ignore(name)], [found], TODAY) == []


@pytest.mark.parametrize(
    ("given", "note"),
    [
        (ignore(until="2026-11-28"), "CVE-2025-27516 in jinja2 is no longer ignored: that ended with 2026-11-28"),
        (ignore("CVE-2025-1"), "CVE-2025-1 in jinja2 is ignored, but was not found"),
        (ignore(component="ansible/jinja2"), "CVE-2025-27516 in ansible/jinja2 is ignored, but was not found"),
    ],
)
def test_an_ignore_that_has_ended_or_matches_nothing_is_said(given: Ignore, note: str) -> None:
    found = audited({OLD_JINJA: said(IN_JINJA)}, given)
    assert (len(found.findings), found.ignored) == (1, ())
    assert unused([given], [found], TODAY) == [note]


def test_what_can_not_be_asked_is_named_and_not_asked() -> None:
    more = (Component("libmpdec", "4.0.1"), of("tea", ""), of("pot", "one"))
    database = Fixed({OLD_JINJA: Answer(unchecked="why not")})
    (found,) = audit([Inventory("a", (OLD_JINJA, *more))], database, [], TODAY)
    assert database.asked == [OLD_JINJA]
    assert [(one.component, one.reason) for one in found.unchecked] == [
        ("jinja2", "why not"),
        ("libmpdec", "OSV has no name for it"),
        ("tea", "its version is not known"),
        ("pot", "one can't be compared with the versions of PyPI"),
    ]


def test_a_component_that_advisories_do_not_judge_is_named_with_them() -> None:
    unclear = Answer(said(IN_SQLITE).matches, unclear=tuple(f"OSV-2026-{number}" for number in range(7)))
    found = audited({OLD_SQLITE: unclear})
    assert len(found.findings) == 1
    line = "sqlite 3.50.1 (OSV-2026-0, OSV-2026-1, OSV-2026-2, OSV-2026-3, OSV-2026-4 and 2 more)"
    assert line in report.text([found], "fixed", [])


EVERYTHING = audited(
    {
        OLD_JINJA: said(IN_JINJA),
        OLD_SQLITE: said(IN_SQLITE, fixed=""),
        replace(of("tea", "1"), patched=frozenset({"CVE-2026-7"})): said(record("CVE-2026-7")),
        of("pot", "1"): said(record("CVE-2026-8")),
    },
    ignore("CVE-2026-8", "pot"),
    more=[Component("libmpdec", "4.0.1"), Component("libedit", "3.1")],
)


def test_the_text_names_everything() -> None:
    assert report.text([EVERYTHING], "https://api.osv.dev", ["one ended"]).splitlines() == [
        "asked: https://api.osv.dev",
        "",
        "out/prt.cdx.json: 2 known vulnerabilities in 6 components, 2 not checked",
        "COMPONENT  VERSION  VULNERABILITY   SEVERITY      FIXED IN  ALSO CALLED",
        "sqlite     3.50.1   CVE-2025-6965   critical 9.8  -",
        "jinja2     3.1.5    CVE-2025-27516  medium        9         GHSA-cpwx-vrp4-4pq7",
        "fixed by a patch: CVE-2026-7 in tea 1",
        "ignored until 2026-11-29: CVE-2026-8 in pot 1: only our own templates",
        "not checked, because OSV has no name for it: libmpdec 4.0.1, libedit 3.1",
        "",
        "note: one ended",
    ]


def test_nothing_found_says_so() -> None:
    assert report.summary(audited({OLD_JINJA: Answer()})) == "no known vulnerabilities in 1 components"


def test_the_json_has_everything() -> None:
    found = json.loads(json.dumps(report.as_json([EVERYTHING], "x", ["one ended"])))
    (one,) = found["artifacts"]
    assert (found["database"], found["notes"]) == ("x", ["one ended"])
    assert [row["id"] for row in one["findings"]] == ["CVE-2025-6965", "CVE-2025-27516"]
    assert one["findings"][0]["severity"] == {"score": 9.8, "rating": "critical"}
    assert [(row["id"], row["until"]) for row in one["ignored"]] == [("CVE-2026-8", "2026-11-29")]
    assert [row["id"] for row in one["patched"]] == ["CVE-2026-7"]
    assert [row["component"] for row in one["unchecked"]] == ["libmpdec", "libedit"]


def test_sarif_has_a_rule_for_each_vulnerability_and_a_result_for_each_place() -> None:
    other = replace(EVERYTHING, name="out/a b.json")
    found = sarif.document([EVERYTHING, other])
    (run,) = found["runs"]
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert (found["version"], [one["id"] for one in rules]) == ("2.1.0", ["CVE-2025-6965", "CVE-2025-27516"])
    assert rules[0]["properties"]["security-severity"] == "9.8"
    assert "security-severity" not in rules[1]["properties"]
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in results]
    assert places == ["out/prt.cdx.json"] * 2 + ["out/a%20b.json"] * 2
    assert [(one["ruleId"], one["ruleIndex"], one["level"]) for one in results[:2]] == [
        ("CVE-2025-6965", 0, "error"),
        ("CVE-2025-27516", 1, "warning"),
    ]
    assert results[1]["message"]["text"] == (
        "jinja2 3.1.5 in out/prt.cdx.json has CVE-2025-27516 (fixed in 9): a way out of the sandbox"
    )
    assert len({one["partialFingerprints"]["vulnerability/v1"] for one in results}) == 4
