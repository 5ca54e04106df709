"""What every test of a session needs around it."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.sources import signature


@pytest.fixture(autouse=True)
def no_keys_of_debian(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What tests make up has no signature of Debian, whether or not this machine could check one."""
    monkeypatch.setattr(signature, "KEYRING", tmp_path / "no-keyring.gpg")


@pytest.fixture
def signals_as_before() -> Iterator[None]:
    """A session catches SIGTERM; the SDK leaves a socket that could not connect to the garbage collector."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
    gc.collect()
