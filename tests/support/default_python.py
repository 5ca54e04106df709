"""The CPython that is built where no test asks for another: a bump of the pins moves the tests with it."""

from __future__ import annotations

from pathlib import Path

from builder.inputs import pins, reading
from builder.versions import minor, resolve_python
from tests.support.recipes import SHIPPED

_PINNED = pins.read(SHIPPED / "pins.toml").pythons
VERSION, _ = resolve_python(reading.load(Path(), {}, {}).python_version, _PINNED)
SHA256 = _PINNED[VERSION].sha256
SERIES = minor(VERSION)
BINARY = f"python{SERIES}"
LIB = f"lib/{BINARY}"
TAG = f"cpython-{SERIES.replace('.', '')}"
