"""Fail if a component has a license that the recipe does not want. Arguments: the SBOM, the policy in JSON."""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from license_expression import ExpressionError, LicenseExpression, get_spdx_licensing

_SPDX = get_spdx_licensing()


def components(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What was compiled and what was installed, in virtual environments as well; not what these bring along."""
    for one in document["components"]:
        yield from one["components"] if str(one["bom-ref"]).startswith("venv:") else [one]


def license_of(component: dict[str, Any], named: dict[str, str]) -> str:
    """Its license, as an expression or as its metadata has it; empty if there is none."""
    if component["name"] in named:
        return named[component["name"]]
    texts = []
    for one in component.get("licenses", ()):
        license_ = one.get("license", {})
        texts.append(one.get("expression") or license_.get("id") or license_.get("name", ""))
    return texts[0] if len(texts) == 1 else " AND ".join(f"({text})" for text in texts)


def holds(text: str, wanted: Callable[[str], bool]) -> bool:
    """Whether an expression can be satisfied by licenses that are wanted; what is no expression is one license."""
    try:
        return _holds(_SPDX.parse(text), wanted)
    except ExpressionError:
        return wanted(text)


def _holds(expression: LicenseExpression, wanted: Callable[[str], bool]) -> bool:
    if isinstance(expression, _SPDX.AND):
        return all(_holds(one, wanted) for one in expression.args)
    if isinstance(expression, _SPDX.OR):
        return any(_holds(one, wanted) for one in expression.args)
    return wanted(expression.render())


def problems(document: dict[str, Any], policy: dict[str, Any]) -> Iterator[str]:
    """What is not as the recipe wants it, in words that name each component."""
    allowed, denied = {*policy["allowed"]}, {*policy["denied"]}
    for one in components(document):
        text, name = license_of(one, policy["named"]), f"{one['name']} {one.get('version', '')}".strip()
        if not text:
            if allowed:
                yield f"{name} has no license that its metadata names"
        elif not holds(text, lambda license_: license_ not in denied):
            yield f"{name} is under {text}, which is denied"
        elif allowed and not holds(text, lambda license_: license_ in allowed):
            yield f"{name} is under {text}, which is not allowed"


sbom, policy_file = map(pathlib.Path, sys.argv[1:])
wrong = [*problems(json.loads(sbom.read_bytes()), json.loads(policy_file.read_bytes()))]
if wrong:
    sys.exit("licenses that the recipe does not want:\n  " + "\n  ".join(wrong))
