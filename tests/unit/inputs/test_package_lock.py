"""A recipe's pylock.toml: read only if `nox -s lock` made it, and what it was made for."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.inputs.package_lock import parse, text_of
from tests.support.factories import pylock

RESOLVED = f"# made by a resolver\n{pylock('six', 'a' * 64)}"
PATH = Path("recipes/runtime/pylock.toml")


def test_a_lock_says_what_it_was_made_for_and_keeps_the_resolvers_words() -> None:
    text = text_of(RESOLVED, ["six>=1", 'a ; python_version < "3.15"'])
    assert text.startswith(RESOLVED)
    lock = parse(PATH, text.encode())
    assert lock.made_for == {"six>=1", 'a ; python_version < "3.15"'}
    assert [one.name for one in lock.content.packages] == ["six"]


def test_it_names_the_files_for_every_platform() -> None:
    assert [*parse(PATH, text_of(RESOLVED, []).encode()).digests] == ["a" * 64]
    other = RESOLVED.replace("a" * 64, "../" * 3)
    assert [*parse(PATH, text_of(other, []).encode()).digests] == [], "it becomes part of a path"


def test_a_lock_of_nothing_can_be_read() -> None:
    assert (
        parse(PATH, text_of('lock-version = "1.0"\ncreated-by = "uv"\npackages = []\n', []).encode()).made_for == set()
    )


WRONG = {
    "no TOML": b"[[[",
    "not UTF-8": b"\xff",
    "no lock": b"a = 1\n",
    "a lock of somebody else": RESOLVED.encode(),
    "lines that are none": f"{RESOLVED}[tool.python-runtime-builder]\nmade-for = 1\n".encode(),
    "a table that is none": f"{RESOLVED}[tool]\npython-runtime-builder = 1\n".encode(),
    "deeper than can be read": b"a = " + b"[" * 100_000,
    "a number of thousands of digits": b"a = " + b"9" * 5000,
    "tools that are none": f"tool = 1\n{RESOLVED}".encode(),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_nox_did_not_lock_is_named_with_its_file(what: str) -> None:
    with pytest.raises(UserError, match=r"pylock\.toml") as raised:
        parse(PATH, WRONG[what])
    assert "nox -s lock" in raised.value.hint


def test_a_login_in_a_lock_is_refused_and_not_shown() -> None:
    """It would be in every manifest, in logs, and in the command line of git."""
    text = text_of(RESOLVED.replace("https://", "https://me:topsecret@"), [])
    with pytest.raises(UserError, match=r"pylock\.toml has a login") as refused:
        parse(PATH, text.encode())
    assert "topsecret" not in str(refused.value)


def test_the_text_is_toml_whatever_was_asked() -> None:
    asked = ['x ; extra == "a\\b"', "ü", "[", "'"]
    assert tomllib.loads(text_of(RESOLVED, asked))["tool"]["python-runtime-builder"]["made-for"] == asked
