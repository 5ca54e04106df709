"""What a recipe ignores is read, or refused with what is wrong."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.inputs.audit_policy import Ignore, read

ROW = '[[ignore]]\nid = "CVE-2026-1"\ncomponent = "pip/urllib3"\nreason = "pip asks one index"\nuntil = 2027-01-31\n'


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "audit.toml"
    path.write_text(text)
    return path


def test_each_ignore_has_a_reason_and_a_last_day(tmp_path: Path) -> None:
    expected = Ignore("CVE-2026-1", "pip/urllib3", "pip asks one index", datetime.date(2027, 1, 31))
    assert read(written(tmp_path, ROW)) == (expected,)


def test_without_a_file_nothing_is_ignored(tmp_path: Path) -> None:
    assert read(tmp_path / "audit.toml") == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        *((ROW.replace(line, ""), "an .*ignore.* has") for line in ROW.splitlines()[1:]),
        (ROW + "owner = 'me'\n", r"an \[\[ignore\]\] has id, component, reason, until, owner"),
        (ROW.replace("2027-01-31", '"2027-01-31"'), "until is no day"),
        (ROW.replace("2027-01-31", "2027-01-31T00:00:00Z"), "until is no day"),
        (ROW.replace("pip asks one index", " "), "reason is no text"),
        (ROW.replace('"CVE-2026-1"', "1"), "id is no text: 1"),
        ("ignored = []", "ignored is not part of it"),
        ("ignore = [1]", r"audit\.toml: "),
        ("ignore = 1", r"audit\.toml: "),
        ("[[[", r"audit\.toml: "),
        ("#" * 2_000_000, "more than 1,048,576 bytes"),
    ],
)
def test_what_is_no_such_list_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UserError, match=rf"{problem}.*\n  → each \[\[ignore\]\] has id, component, reason, and until"):
        read(written(tmp_path, text))
