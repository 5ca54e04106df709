"""TOML that others wrote, read with one kind of failure, and in a time that its size bounds."""

from __future__ import annotations

import re
import tomllib
from typing import Any

# A dotted key costs the square of its parts: one of 60,000, which are 120 kB, keeps tomllib busy for minutes.
_MOST_PARTS = 20
_LONG_KEY = re.compile(
    rf"(?<![\w.-])(?:(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')[ \t]*\.[ \t]*){{{_MOST_PARTS}}}", re.ASCII
)  # fmt: skip


def parsed(text: str | bytes) -> dict[str, Any]:
    """The table of a text; ValueError for anything that is none."""
    text = text if isinstance(text, str) else text.decode()
    if _LONG_KEY.search(text):
        raise ValueError(f"a key of more than {_MOST_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:  # it calls itself for each level
        raise ValueError("nested too deep") from None
