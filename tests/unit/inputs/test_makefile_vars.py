"""What Makefile.vars takes, as make reads it, and what it refuses with the line."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.errors import UserError
from builder.inputs import makefile_vars

KNOWN = {
    "ENGINE": "ENGINE",
    "PRT_ENGINE": "ENGINE",
    "PACKAGE_DESC": "PACKAGE_DESC",
    "PACKAGE_PREFIX": "PACKAGE_PREFIX",
    "PRT_ROOT": "PRT_ROOT",
}
VALUES = {"ENGINE": "host", "PACKAGE_DESC": "ours", "PACKAGE_PREFIX": "acme", "PRT_ROOT": "/srv/acme"}


def values(text: str) -> dict[str, str]:
    found = makefile_vars.parse(text, "Makefile.vars", KNOWN)
    return {name: assignment.text for name, assignment in found.items()}


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0c", "\x0b", "\x1c", "\r"])
def test_only_a_line_feed_ends_a_comment(end: str) -> None:
    assert values(f"# see{end}ENGINE = host\nPRT_ROOT = /srv\n") == {"PRT_ROOT": "/srv"}
    with pytest.raises(UserError, match=rf"^Makefile.vars:2: has a character that can't be seen: U\+{ord(end):04X}"):
        values(f"\nPRT_ROOT = /srv{end}ENGINE = host\n")


def test_lines_may_end_as_on_windows() -> None:
    assert values("ENGINE = host\r\n# a comment\r\nPRT_ROOT = /srv\r\n") == {"ENGINE": "host", "PRT_ROOT": "/srv"}


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ENGIE=:?#$() \t\r\n\"'\\\u2028x!+"), max_size=60))
def test_any_text_is_taken_as_it_is_or_refused(text: str) -> None:
    with suppress(UserError):
        for name, assignment in makefile_vars.parse(text, "Makefile.vars", KNOWN).items():
            line = text.split("\n")[assignment.line - 1]
            assert not line.lstrip().startswith("#")
            assert name in line
            assert assignment.text in line
            assert assignment.text.replace("\t", " ").isprintable()
            expanded = expand(assignment.text)
            assert "$" in assignment.text or expanded == assignment.text


def expand(text: str) -> str:
    return makefile_vars.expand(text, "Makefile.vars:7", KNOWN, VALUES.__getitem__)


@pytest.mark.parametrize(
    "line",
    [
        "ENGINE=host",
        "ENGINE = host",
        "ENGINE := host",
        "ENGINE:=host",
        "ENGINE ::= host",
        "ENGINE ?= host",
        "export ENGINE = host",
        "export ENGINE=host",
        "  ENGINE = host  ",
        "ENGINE = host  # not docker",
        "ENGINE = host\t# not docker",
        'ENGINE = "host"',
        "ENGINE = 'host'",
        "ENGINE = 'host'  # not docker",
        "PRT_ENGINE = host",
    ],
)
def test_each_way_to_write_an_assignment_gives_the_same_value(line: str) -> None:
    assert values(line) == {"ENGINE": "host"}


@pytest.mark.parametrize("line", ["", "   ", "# ENGINE = host", "  # ENGINE = host", "export", "export ENGINE"])
def test_a_line_without_an_assignment_gives_nothing(line: str) -> None:
    assert values(line) == {}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a=b", "a=b"),
        ("https://host/?a:=b", "https://host/?a:=b"),
        ("https://host/#part", "https://host/#part"),
        ("two words", "two words"),
        ('"issue # 7"', "issue # 7"),
        ("'issue # 7'  # but not this", "issue # 7"),
        ('"it\'s"', "it's"),
        ("it's", "it's"),
        ('""', ""),
        ("", ""),
        ("# nothing but a comment", ""),
    ],
)
def test_a_value_ends_at_its_quote_or_at_a_comment(written: str, expected: str) -> None:
    assert values(f"PACKAGE_DESC = {written}") == {"PACKAGE_DESC": expected}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ENGINE = host\nENGINE = docker", "docker"),
        ("ENGINE ?= host\nENGINE = docker", "docker"),
        ("ENGINE = host\nENGINE ?= docker", "host"),
        ("ENGINE ?= host\nENGINE ?= docker", "host"),
        ("ENGINE = host\nexport ENGINE", "host"),
        ("ENGINE = host\nPRT_ENGINE = docker", "docker"),
        ("PRT_ENGINE = host\nENGINE = docker", "docker"),
        ("ENGINE = host\nPRT_ENGINE ?= docker", "host"),
        ("PRT_ENGINE = host\nENGINE ?= docker", "host"),
    ],
)
def test_the_last_assignment_counts_unless_it_yields(text: str, value: str) -> None:
    assert values(text) == {"ENGINE": value}


def test_each_assignment_knows_its_line() -> None:
    text = "# ours\n\nENGINE = host\r\nPACKAGE_DESC = ours\n"
    found = makefile_vars.parse(text, "Makefile.vars", KNOWN)
    assert {name: assignment.line for name, assignment in found.items()} == {"ENGINE": 3, "PACKAGE_DESC": 4}


@pytest.mark.parametrize(
    "line",
    [
        "ifeq ($(ENGINE),host)",
        "ifdef ENGINE",
        "else",
        "endif",
        "include other.vars",
        "-include other.vars",
        "define ENGINE",
        "override ENGINE = host",
        "unexport ENGINE",
        "ENGINE += host",
        "ENGINE+=host",
        "ENGINE != uname",
        "ENGINE != echo a=b",
        "ENGINE host",
        "all: ENGINE = host",
        "$(info hello)",
        "= host",
        "PACKAGE_DESC = $(shell uname)",
        "PACKAGE_DESC = on $(shell uname -m), ours",
        "PACKAGE_DESC = '$(shell uname)'",
        "PACKAGE_DESC = $(shell echo $(ENGINE))",
        "PACKAGE_DESC = ${wildcard *.txt}",
        "PACKAGE_DESC = one \\",
        "PACKAGE_DESC = 'one",
        'PACKAGE_DESC = "one',
        'PACKAGE_DESC = "',
        'PACKAGE_DESC = "one" two',
        "PACKAGE_DESC = 'one\"",
    ],
)
def test_what_is_no_plain_assignment_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(UserError, match=r"^Makefile\.vars:3: ") as refused:
        values(f"# ours\n\n{line}\n")
    assert refused.value.hint


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("PACKAGE_PREFX = acme", "did you mean PACKAGE_PREFIX?"),
        ("export ENGIN = host", "did you mean ENGINE?"),
        ("engine = host", "known names: ENGINE, PACKAGE_DESC, PACKAGE_PREFIX, PRT_ENGINE, PRT_ROOT"),
    ],
)
def test_an_unknown_name_is_refused_with_its_line_and_the_nearest_name(line: str, hint: str) -> None:
    with pytest.raises(UserError, match=r"^Makefile\.vars:2: \w+ is not a setting") as refused:
        values(f"ENGINE = host\n{line}")
    assert refused.value.hint == hint


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("nothing to do", "nothing to do"),
        ("$(PACKAGE_PREFIX)", "acme"),
        ("${PACKAGE_PREFIX}", "acme"),
        ("/opt/$(PACKAGE_PREFIX)-${ENGINE}/x", "/opt/acme-host/x"),
        ("5 $$", "5 $"),
        ("$$(ENGINE)", "$(ENGINE)"),
        ("$$$(ENGINE)", "$host"),
    ],
)
def test_references_and_doubled_dollars_are_replaced(written: str, expected: str) -> None:
    assert expand(written) == expected


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("$(shell uname -m)", "can't take $(…): not a setting"),
        ("${wildcard *.txt}", "can't take $(…): not a setting"),
        ("$(ENGIN)", "can't take $(ENGIN): not a setting"),
        ("$(ENGINE:h=g)", "can't take $(…): not a setting"),
        ("5 $", "a lone $ in the value"),
        ("$ 5", "a lone $ in the value"),
        ("$E", "a lone $ in the value"),
        ("$()", "a lone $ in the value"),
        ("$(ENGINE", "a lone $ in the value"),
        ("$$$", "a lone $ in the value"),
    ],
)
def test_a_reference_to_no_setting_is_refused_with_its_line(written: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        expand(written)
    assert refused.value.message == f"Makefile.vars:7: {message}"
    assert refused.value.hint


def test_a_misspelt_reference_names_the_nearest_setting() -> None:
    with pytest.raises(UserError) as refused:
        expand("$(PACKAGE_PREFX)")
    assert refused.value.hint == "did you mean PACKAGE_PREFIX?"


@pytest.mark.parametrize(
    "line",
    [
        "PACKAGE_DESC += s3cret",
        "PACKAGE_DESC != s3cret",
        "PACKAGE_DESC s3cret",
        "export PACKAGE_DESC: s3cret",
        "PACKAGE_DESC = $(shell s3cret)",
        "PACKAGE_DESC = 's3cret",
        "PACKAGE_DESC = 's3cret' more",
        "PACKAGE_DESC = $(s3cret)",
        "PACKAGE_DESC = ${s3cret}",
        "s3cret",
        "s3cret==",
        "s3cret s3cret=",
        "PACKAGE_DESCR = s3cret",
    ],
)
def test_no_message_shows_a_value_for_it_may_be_a_secret(line: str) -> None:
    def read() -> None:
        for assignment in makefile_vars.parse(f"\n{line}\n", "Makefile.vars", KNOWN).values():
            makefile_vars.expand(assignment.text, f"Makefile.vars:{assignment.line}", KNOWN, VALUES.__getitem__)

    with pytest.raises(UserError) as refused:
        read()
    assert str(refused.value).startswith("Makefile.vars:2: ")
    assert "s3cret" not in str(refused.value)
