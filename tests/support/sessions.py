"""What every test of a session needs around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.sessions import opening
from tests.support.factories import environ


def given(monkeypatch: pytest.MonkeyPatch, root: Path, **values: str) -> None:
    """Set the environment of the sessions, which work in a `checkout`."""
    monkeypatch.setattr(opening, "whole_environment", lambda: environ(root, **values))
