"""Settings read: from the environment, else Makefile.vars, else a fallback, else the default."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.errors import UserError
from builder.files import read
from builder.inputs import makefile_vars
from builder.inputs.parsers import one_line
from builder.inputs.settings import BY_NAME, PREFIX, SETTINGS, Setting, Settings, Value

FILE = "Makefile.vars"
_LARGEST_FILE = 1_000_000  # bytes
_MOST_SHOWN = 100  # characters of a value that is refused


def load(root: Path, environ: Mapping[str, str], fallbacks: Mapping[str, Value]) -> Settings:
    """Settings from the environment, else Makefile.vars in `root`, else `fallbacks`, else the table's defaults.

    A relative ARTIFACT_DIR counts from `root`. Raises UserError for an unknown name or an impossible value.
    """
    file = root / FILE
    try:
        text = read(file, _LARGEST_FILE).decode("utf-8-sig") if file.exists() else ""
    except OSError as problem:
        raise UserError(f"{FILE}: {problem.strerror}", "it holds settings, a line each") from None
    except UnicodeDecodeError as problem:
        raise UserError(f"{FILE} is not UTF-8: {problem}", "save it as UTF-8") from None
    names = {spelling: setting.name for spelling, setting in BY_NAME.items()}
    assignments = makefile_vars.parse(text, FILE, names)
    given = _given(environ)
    resolving: list[str] = []

    @functools.cache
    def value_of(name: str) -> Value:
        setting = BY_NAME[name]
        if setting.name in given:
            return given[setting.name]
        assignment = assignments.get(setting.name)
        if assignment is None or not assignment.text:
            return fallbacks.get(setting.name, Value(setting.default, "default"))
        where = f"{FILE}:{assignment.line}"
        if setting.name in resolving:
            raise UserError(f"{where}: {setting.name} refers to itself", "write its value out")
        resolving.append(setting.name)
        expanded = makefile_vars.expand(assignment.text, where, BY_NAME.keys(), lambda other: value_of(other).text)
        resolving.remove(setting.name)
        return Value(expanded, where)

    values = {setting.name: value_of(setting.name) for setting in SETTINGS}
    parsed: dict[str, Any] = {setting.field: _parsed(setting, values[setting.name]) for setting in SETTINGS}
    parsed["artifact_dir"] = root / str(parsed["artifact_dir"])
    return Settings(**parsed, values=values)


def _given(environ: Mapping[str, str]) -> dict[str, Value]:
    """The settings the environment gives; the spelling with the prefix wins, an empty value gives nothing."""
    given: dict[str, Value] = {}
    plain = {setting.name for setting in SETTINGS}
    for name, text in sorted(environ.items(), key=lambda item: item[0] not in plain):
        setting = BY_NAME.get(name)
        if setting is None and name.startswith(PREFIX):
            hint = f"unset it, or {makefile_vars.nearest(name, BY_NAME.keys())}"
            raise UserError(f"environment: {name} is not a setting", hint)
        if setting and text:
            given[setting.name] = Value(text, "environment")
    return given


def _parsed(setting: Setting, value: Value) -> object:
    try:
        return setting.parse(value.text if setting.lines else one_line(value.text))
    except ValueError as problem:
        # Where the text is wrong, so may be the place where its password ends.
        shown = repr(re.sub(r"://.*@", "://****@", value.text, flags=re.DOTALL))
        text = "****" if setting.secret else shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"
        raise UserError(f"{setting.name}={text} ({value.origin}): {problem}") from None
