"""Lists of files with their sha256, as `sha256sum` writes them and `sha256sum --check` reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping

SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"  # in ARTIFACT_DIR
TREE_SUMS = "sha256sums"  # at the root of a runtime: inside/write_doctor.py
NAMESPACE = "sums@python-runtime-builder"  # what a signature of SHA256SUMS is for: one of anything else is none

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)", re.DOTALL)


def listed(digests: Mapping[str, str]) -> bytes:
    """The list of digests by name, in the order of names."""
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(digests.items())).encode()


def parsed(content: bytes) -> dict[str, str]:
    """Digests by name; ValueError for what is no such list, or has two digests for a name."""
    *lines, rest = content.decode(errors="surrogateescape").split("\n")
    if rest:
        raise ValueError("it is cut off")
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if not match:
            raise ValueError(f"line {number} is none of sha256sum's")
        if match[2] in found:
            raise ValueError(f"line {number} names a file for the second time")
        found[match[2]] = match[1]
    return found
