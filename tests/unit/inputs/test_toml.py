"""TOML of others: a table, or one kind of failure, soon."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from builder.inputs import toml

WRONG = {
    "no TOML": b"[[[",
    "not UTF-8": b"\xff",
    "deeper than can be read": b"a = " + b"[" * 100_000,
    "a number of thousands of digits": b"a = " + b"9" * 5000,
    "a key of thousands of parts": b"a" + b".a" * 60_000 + b" = 1",
    "the same in quotes": b'"a"' + b" . 'a'" * 60_000 + b" = 1",
    "the same of a table": b"[a" + b".a" * 60_000 + b"]",
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_none_fails_in_one_way_and_soon(what: str) -> None:
    started = time.monotonic()
    with pytest.raises(ValueError):  # noqa: PT011  # whose text is the library's
        toml.parsed(WRONG[what])
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("text", ["a" * 500_000, '"' * 500_000, '"."' * 100_000, "a " * 200_000, "a." * 19 + "a = 1"])
def test_looking_for_long_keys_takes_no_longer_than_reading(text: str) -> None:
    started = time.monotonic()
    with suppress(ValueError):
        toml.parsed(text)
    assert time.monotonic() - started < 5


def test_a_table_is_read_as_it_is_written() -> None:
    text = '[tool.a.b."c.d"]\nversion = "1.2.3"\nurl = "https://a.b.c.example.org/x-1.2.3.tar.gz"\n'
    assert toml.parsed(text) == toml.parsed(text.encode())
    assert toml.parsed(text)["tool"]["a"]["b"]["c.d"]["version"] == "1.2.3"
