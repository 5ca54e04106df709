"""in-toto Statements of SLSA's provenance: the files it is about, by their sha256, and what is said of them.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md, https://slsa.dev/spec/v1.0/provenance
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

ENDING = "provenance.json"
_TYPE = "https://in-toto.io/Statement/v1"
_PROVENANCE = "https://slsa.dev/provenance/v1"


def encoded(subjects: Mapping[str, str], predicate: Mapping[str, Any]) -> bytes:
    """A statement of files, whose digests are given by name. The same words are the same bytes."""
    statement = {
        "_type": _TYPE,
        "subject": [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in sorted(subjects.items())],
        "predicateType": _PROVENANCE,
        "predicate": predicate,
    }
    return json.dumps(statement, indent=2).encode() + b"\n"


def subjects(content: bytes) -> dict[str, str]:
    """The digests that a statement has, by name; ValueError for what is none, or has two digests for a name."""
    try:
        statement = json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    match statement:
        case {"_type": kind, "predicateType": about, "subject": [*each]} if (kind, about) == (_TYPE, _PROVENANCE):
            pass
        case _:
            raise ValueError("it is no in-toto statement of SLSA's provenance, version 1")
    found: dict[str, str] = {}
    for one in each:
        match one:
            case {"name": str(name), "digest": {"sha256": str(sha256)}} if name not in found:
                found[name] = sha256
            case _:
                raise ValueError("it names a file twice, or without a sha256")
    return found
