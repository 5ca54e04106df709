"""What an audit found as SARIF 2.1.0, which GitHub's code scanning shows.

https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from builder.audit.findings import Audit, Finding

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"low": "note", "medium": "warning", "high": "error", "critical": "error"}
_ADVISORIES = "https://osv.dev/vulnerability"


def document(audits: Sequence[Audit]) -> dict[str, Any]:
    """The document: a rule for each vulnerability, a result for each place it is in."""
    rules = {one.id: _rule(one) for audit in audits for one in audit.findings}
    driver = {"name": "python-runtime-builder audit", "rules": [*rules.values()]}
    results = [_result(audit.name, one, [*rules]) for audit in audits for one in audit.findings]
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _rule(one: Finding) -> dict[str, Any]:
    properties: dict[str, Any] = {"tags": ["security", "vulnerability", *one.aliases]}
    if one.severity.score is not None:
        properties["security-severity"] = str(one.severity.score)
    return {
        "id": one.id,
        "shortDescription": {"text": f"{one.id}: {one.summary}"},
        "helpUri": f"{_ADVISORIES}/{one.id}",
        "properties": properties,
    }


def _result(artifact: str, one: Finding, rules: Sequence[str]) -> dict[str, Any]:
    fixed = f"fixed in {one.fixed}" if one.fixed else "no version with a fix is known"
    return {
        "ruleId": one.id,
        "ruleIndex": rules.index(one.id),
        "level": _LEVELS.get(one.severity.rating, "warning"),
        "message": {"text": f"{one.component} {one.version} in {artifact} has {one.id} ({fixed}): {one.summary}"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": quote(artifact)}, "region": {"startLine": 1}}}],
        "partialFingerprints": {"vulnerability/v1": _fingerprint((artifact, one.component, one.id))},
    }


def _fingerprint(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
