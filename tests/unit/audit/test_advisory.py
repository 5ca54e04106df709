"""An advisory is read as OSV's schema has it, or refused with what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builder.audit.advisory import parse
from builder.audit.packages import GIT, PYPI, Package
from builder.audit.severity import Severity
from tests.support.osv import IN_JINJA, IN_SQLITE, Record, of_package, record

V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:H/UI:N/VC:L/VI:L/VA:N/SC:N/SI:N/SA:N"


def test_names_packages_and_severity_are_read() -> None:
    found = parse(json.dumps(IN_JINJA).encode())
    assert found.names == {"GHSA-cpwx-vrp4-4pq7", "CVE-2025-27516"}
    assert found.affected[0].packages == {Package(PYPI, "jinja2")}
    assert (found.severity, found.withdrawn) == (Severity(None, "medium"), False)


def test_a_repository_and_its_fix_are_read() -> None:
    found = parse(json.dumps(IN_SQLITE).encode())
    assert found.affected[0].packages == {Package(GIT, "github.com/sqlite/sqlite")}
    assert found.affected[0].fixed == ("3.50.2",)
    assert found.severity == Severity(9.8, "critical")


@pytest.mark.parametrize(
    ("scores", "word", "expected"),
    [
        ([("CVSS_V3", "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:N")], None, Severity(3.7, "low")),
        ([("CVSS_V2", "AV:L/AC:M/Au:N/C:N/I:P/A:C")], None, Severity(5.4, "medium")),
        ([("CVSS_V4", V4)], "x", Severity(5.1, "medium")),
        ([("CVSS_V3", "nonsense"), ("Ubuntu", "low")], "HIGH", Severity(None, "high")),
        ([], 3, Severity()),
    ],
)  # fmt: skip
def test_a_severity_is_computed(scores: list[tuple[str, str]], word: object, expected: Severity) -> None:
    severities = [{"type": kind, "score": score} for kind, score in scores]
    text = json.dumps(record("CVE-2026-1", severity=severities, database_specific={"severity": word}))
    assert parse(text.encode()).severity == expected


def without(name: str) -> Record:
    return {key: value for key, value in record("CVE-2026-1").items() if key != name}


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (without("id"), "id is missing"),
        (without("modified"), "modified is missing"),
        (record("CVE-2026-1", schema_version="2.0.0"), "version 2.0.0 of OSV's schema is not known"),
        (record("../../secret"), "'../../secret' names no advisory"),
        (record("CVE-2026-1", modified="yesterday"), "Invalid isoformat"),
        (record("CVE-2026-1", {"ranges": [{"type": "GIT", "events": []}]}), "repo is missing"),
        (record("CVE-2026-1", of_package("tea", {"began": "1"})), "'began' is no event of a range"),
        (record("CVE-2026-1", of_package("tea", {"introduced": 1})), "1 is not a text"),
        (record("CVE-2026-1", summary=["a"]), "is not a text"),
        (record("CVE-2026-1", severity=["high"]), "not as OSV's schema has it"),
        ([1], "not as OSV's schema has it"),
    ],
)
def test_what_is_no_advisory_is_refused(wrong: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse(json.dumps(wrong).encode())


@pytest.mark.parametrize("content", [b"", b"\xff", b'{"id": "CVE', b"[" * 100_000, b'{"id": ' + b"9" * 5000 + b"}"])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(content)
