"""What every test of a session needs around it."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.sessions import opening
from tests.unit.factories import environ


@pytest.fixture
def signals_as_before() -> Iterator[None]:
    """A session catches SIGTERM; the SDK leaves a socket that could not connect to the garbage collector."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
    gc.collect()


def given(monkeypatch: pytest.MonkeyPatch, root: Path, **values: str) -> None:
    """Set the environment of the sessions, which work in a `checkout`."""
    monkeypatch.setattr(opening, "environment", lambda: environ(root, **values))
