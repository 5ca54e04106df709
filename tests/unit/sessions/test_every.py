"""Every package there can be: in what order, side by side, and the tables in the end."""

from __future__ import annotations

import pytest

from builder.errors import BuildError, UserError
from builder.proof.prover import Outcome
from builder.sessions import every, opening, tables
from builder.sessions.tables import Row
from builder.targets import Arch

GOOD = Outcome("TLS", "debian:13", 61)
BAD = Outcome("TLS", "debian:12", 2, "expected: a\nseen: b")
OUTCOMES = [Outcome("manifest", "debian:12", 1), BAD, Outcome("manifest", "debian:13", 1), GOOD]


def test_what_others_start_from_comes_first() -> None:
    order = [str(one) for one in every.packages(Arch.ARM64)]
    assert order == ["tar runtime arm64", "deb runtime arm64", "tar runtime-dev arm64", "deb runtime-dev arm64"]


def test_a_failure_is_a_row_and_the_others_go_on() -> None:
    def fails() -> list[Row]:
        raise UserError("no such image\nreally", "set TEST_IMAGE")

    (row,) = every.attempt("tar runtime amd64", fails)
    assert (row.what, row.result) == ("tar runtime amd64", "failed: no such image")
    assert "set TEST_IMAGE" in row.problem


def test_the_table_of_one_package_has_checks_down_and_images_across() -> None:
    assert tables.checks([*OUTCOMES, Outcome("pip", "debian:13", 5)]).split("\n")[1:] == [
        "CHECK     debian:12  debian:13",
        "manifest  0:01       0:01",
        "TLS       failed     1:01",
        "pip       -          0:05",
    ]


def test_a_failure_shows_package_image_check_and_what_it_said() -> None:
    assert tables.failures("prt.tgz", OUTCOMES).split("\n") == [
        "prt.tgz on debian:12: check 'TLS' failed:", "    expected: a", "    seen: b"
    ]  # fmt: skip


def test_the_closing_table_has_a_row_for_each_package_and_image() -> None:
    rows = [*tables.proved("prt.tgz", OUTCOMES), Row("every package for arm64", "", "left out: no emulator", 0)]
    assert tables.packages(rows).split("\n")[1:] == [
        "PACKAGE                  IMAGE      TIME  RESULT",
        "prt.tgz                  debian:12  0:03  1 of 2 checks failed: TLS",
        "prt.tgz                  debian:13  1:02  passed",
        "every package for arm64                   left out: no emulator",
    ]


def test_problems_fail_and_none_do_not() -> None:
    opening.fail_for(["", ""], "hint")
    with pytest.raises(BuildError, match=r"(?s)^one\ntwo.*hint"):
        opening.fail_for(["one", "", "two"], "hint")
