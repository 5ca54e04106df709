"""Publishing what the local cache has: every object, content before the entries that name it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.cache.entry import Entry, content_name, entry_name
from builder.cache.patience import Trouble
from builder.cache.remote import Remote
from builder.cache.store import Store

FAILED = "failed"


@dataclass(frozen=True)
class Upload:
    """What became of one object: `new`, `present`, `replaced` or `failed`; why, if it failed.

    `kept` is an entry that somebody has signed, and that only one with a key may replace.
    """

    name: str
    size: int
    outcome: str
    problem: str = ""


def upload_entries(
    store: Store, remote: Remote, named: Callable[[str, Path], Iterable[str]], more: Iterable[str] = ()
) -> Iterator[Upload]:
    """Put every entry with its content, and replace what differs; yields each object as it is done.

    `named` returns the sha256 of every more object that a result names, by its stage's name and its path; `more` are
    those of objects that no result names.
    """
    done: dict[str, Upload] = {}
    yield from _as_far_as_here(store, remote, more, done)
    for _, entry in store.entries():
        if entry.digest not in done:
            done[entry.digest] = _content(store, remote, entry.digest, entry.size)
            yield done[entry.digest]
        if done[entry.digest].outcome == FAILED:
            name = entry_name(entry.kind, entry.key)
            yield Upload(name, len(entry.encode()), FAILED, "its content is not there")
        else:
            yield from _named(store, remote, entry, done, named)
            yield _entry(remote, entry)


def _named(
    store: Store, remote: Remote, entry: Entry, done: dict[str, Upload], named: Callable[[str, Path], Iterable[str]]
) -> Iterator[Upload]:
    """What a result names, as far as it is here."""
    content = store.content(entry.digest)
    yield from _as_far_as_here(store, remote, named(entry.kind, content) if content else (), done)


def _as_far_as_here(store: Store, remote: Remote, wanted: Iterable[str], done: dict[str, Upload]) -> Iterator[Upload]:
    for sha256 in wanted:
        path = None if sha256 in done else store.content(sha256)
        if path:
            done[sha256] = _content(store, remote, sha256, path.stat().st_size)
            yield done[sha256]


def _content(store: Store, remote: Remote, sha256: str, size: int) -> Upload:
    name = content_name(sha256)
    path = store.content(sha256, size)
    if path is None:
        return Upload(name, size, FAILED, "missing or altered in the local cache")
    try:
        return Upload(name, size, remote.put_content(sha256, path, compare=True))
    except Trouble as trouble:
        return Upload(name, size, FAILED, str(trouble))


def _entry(remote: Remote, entry: Entry) -> Upload:
    name, size = entry_name(entry.kind, entry.key), len(entry.encode())
    try:
        return Upload(name, size, remote.renew_entry(entry))
    except Trouble as trouble:
        return Upload(name, size, FAILED, str(trouble))
