"""The CVEs that a patch fixes, as far as it says so."""

from __future__ import annotations

import re

_CVE = re.compile(r"CVE-\d{4}-\d{4,7}", re.ASCII)
_FIRST_CHANGE = re.compile(rb"^(?:--- |diff |Index: )", re.MULTILINE)


def cves_fixed(patch: bytes, name: str = "") -> tuple[str, ...]:
    """The CVEs that a patch names in its file name, and before its first change."""
    head = _FIRST_CHANGE.split(patch, maxsplit=1)[0].decode(errors="replace")
    return tuple(dict.fromkeys(_CVE.findall(name) + _CVE.findall(head)))
