"""An entry: the small file, named by a key, that says which bytes answer it. The same locally and on a server.

`v1/ac/<kind>/<k[:2]>/<key>.json` is an entry, `v1/cas/sha256/<d[:2]>/<digest>` is content. An entry's bytes are
canonical: what they say has one signature, which is next to it on a server (`signatures`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from builder.stages.stage import Json, key_of

SCHEMA = 1
LARGEST_ENTRY = 64 * 1024  # bytes
LARGEST_CONTENT = 4 * 1024**3  # bytes

_LONGEST_INTEGER = 18  # digits
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Unusable(Exception):
    """Bytes that are not an entry, or not the expected one; its text says what is wrong."""


@dataclass(frozen=True)
class Entry:
    """Which bytes answer a key: their sha256 and size, all inputs of the key, and a record of how they were made."""

    kind: str
    key: str
    inputs: Mapping[str, Json]
    digest: str
    size: int
    built: Mapping[str, Json]

    def encode(self) -> bytes:
        """The one way to write it down."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, sort_keys=True, indent=1, allow_nan=False).encode()


def entry_name(kind: str, key: str) -> str:
    """Where the entry of a key is, below the cache's base."""
    return f"v1/ac/{kind}/{key[:2]}/{key}.json"


def content_name(sha256: str) -> str:
    """Where content is, below the cache's base."""
    return f"v1/cas/sha256/{sha256[:2]}/{sha256}"


def parse(data: bytes, kind: str, key: str) -> Entry:
    """Read the entry of a key; raises Unusable unless it is canonical and every field is what it must be."""
    if len(data) > LARGEST_ENTRY:
        raise Unusable(f"more than {LARGEST_ENTRY} bytes")
    try:
        fields = json.loads(data, parse_int=_integer, parse_float=_no_number, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Unusable("no JSON") from None
    entry = _entry(fields)
    try:
        canonical, theirs = entry.encode() == data, key_of(entry.inputs)
    except (ValueError, RecursionError):
        canonical = False
    if not canonical:
        raise Unusable("not written as we write entries")
    if (entry.kind, entry.key) != (kind, key) or theirs != key:
        raise Unusable("not what this key should find")
    return entry


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise ValueError("an integer too long for anything that is counted here")
    return int(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not an integer")


def _entry(fields: Any) -> Entry:
    try:
        schema, entry = fields.pop("schema"), Entry(**fields)
    except (AttributeError, KeyError, TypeError):
        raise Unusable("its fields are not those of an entry") from None
    if type(schema) is not int or schema != SCHEMA:
        raise Unusable(f"of schema {str(schema)[:20]}, not {SCHEMA}")
    if not isinstance(entry.digest, str) or not _DIGEST.fullmatch(entry.digest):
        raise Unusable("its digest is not a sha256")
    if type(entry.size) is not int or not 0 < entry.size <= LARGEST_CONTENT:
        raise Unusable(f"it promises an impossible size: {str(entry.size)[:20]}")
    if not isinstance(entry.inputs, dict) or not isinstance(entry.built, dict) or "compiled" not in entry.built:
        raise Unusable("its inputs or its record are missing")
    if not all(
        type(value) is int or (isinstance(value, str) and value.isprintable()) for value in entry.built.values()
    ):
        raise Unusable("its record is not one we write")
    return entry
