"""The licenses that a recipe wants in its runtime: `licenses.toml`."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from builder.errors import UserError
from builder.inputs import toml

FILE = "licenses.toml"
_SHAPE = 'it has lists `allowed` and `denied` of SPDX identifiers, and a table [named] such as luhn = "MIT"'
_OWN = re.compile(r"LicenseRef-[\w.-]+", re.ASCII)


@dataclass(frozen=True)
class LicensePolicy:
    """SPDX identifiers. If some are `allowed`, nothing else is, and nothing without a license; `denied` are refused.

    `named` are the expressions of components, by name, whose own metadata says nothing or something that is no
    identifier.
    """

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()

    @property
    def as_json(self) -> bytes:
        """For the program that checks a tree."""
        return json.dumps({**asdict(self), "named": dict(self.named)}, sort_keys=True).encode()


def policy(path: Path, content: bytes | None) -> LicensePolicy | None:
    """The policy in a file; None without one, UserError for what is none, and for what SPDX does not know."""
    if content is None:
        return None
    try:
        table = toml.parsed(content)
        named = table.pop("named", {})
        lists = {name: tuple(map(_text, table.pop(name, ()))) for name in ("allowed", "denied")}
        found = LicensePolicy(**lists, named=tuple(sorted((name, _text(one)) for name, one in named.items())))
    except (ValueError, TypeError, AttributeError) as problem:
        raise UserError(f"{path}: {problem}", _SHAPE) from None
    if table:
        raise UserError(f"{path}: {', '.join(table)} is not part of it", _SHAPE)
    unknown = _unknown([*found.allowed, *found.denied, *(text for _, text in found.named)])
    if unknown:
        raise UserError(f"{path}: {', '.join(unknown)} is not known to SPDX", "https://spdx.org/licenses/ has them all")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    return value


def _unknown(expressions: list[str]) -> list[str]:
    """Those that are no expressions of SPDX's identifiers, or of the user's own, which begin with LicenseRef-."""
    # Imported here: it takes longer to import than the rest of us, and few recipes have a policy.
    from license_expression import ExpressionError, get_spdx_licensing

    spdx, unknown = get_spdx_licensing(), []
    for text in expressions:
        try:
            names = spdx.unknown_license_keys(text)
        except ExpressionError:
            names = [text]
        unknown += [name for name in names if not _OWN.fullmatch(name)]
    return unknown
