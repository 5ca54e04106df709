"""Keeps the local cache within a size: what was used least recently goes first, an entry before its content."""

from __future__ import annotations

import time
from pathlib import Path

from builder.cache.store import Store

FRESH = 6 * 3600  # seconds in which another build may still need what it found or made


def trim_store(store: Store, most: int, now: float | None = None) -> int:
    """Remove the least recently used content until at most so many bytes are left; returns the bytes removed.

    What is fresh stays in any case; what was left half-written goes once it is no longer fresh.
    """
    old = (now or time.time()) - FRESH
    removed = 0
    for part in (path for path in store.folder.glob("v1/**/*.part") if path.stat().st_mtime < old):
        part.unlink(missing_ok=True)
    contents = [(path.stat().st_mtime, path.stat().st_size, path) for path in _contents(store)]
    excess = sum(size for _, size, _ in contents) - most
    if excess <= 0:
        return 0
    named: dict[str, list[Path]] = {}
    for path, entry in store.entries():
        named.setdefault(entry.digest, []).append(path)
    for used, size, path in sorted(contents):
        if removed >= excess or used >= old:
            break
        for entry_path in named.get(path.name, []):
            entry_path.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        removed += size
    return removed


def _contents(store: Store) -> list[Path]:
    return [path for path in store.folder.glob("v1/cas/sha256/*/*") if path.is_file() and path.suffix != ".part"]
