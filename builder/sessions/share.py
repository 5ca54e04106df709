"""The sessions about the shared cache."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from builder.cache.conformance import points
from builder.cache.store import Store
from builder.cache.upload import FAILED, upload_entries
from builder.console import say
from builder.errors import BuildError
from builder.pipeline import stores
from builder.sessions.opening import read_project, reported
from builder.stages.lock import read_lock
from builder.stages.pip import LOCK_STAGE


@reported
def upload_cache() -> None:
    """Publish what the local cache has at CACHE_URL; SessionFailed if an object could not be published."""
    project = read_project()
    done = []
    locked = (sha256 for recipe in project.recipes.values() for sha256 in recipe.digests)
    for one in upload_entries(Store(stores.cache_folder(project)), stores.remote_cache(project, say), _named, locked):
        done.append(one)
        say(f"{one.outcome:<8}  {one.size:>13,}  {one.name}")
    failed = [f"\n  {one.name}: {one.problem}" for one in done if one.outcome == FAILED]
    counts = Counter(one.outcome for one in done)
    say("\n" + (", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "nothing to publish"))
    if failed:
        raise BuildError(f"{len(failed)} objects could not be published:{''.join(failed)}", "`nox -s cache-check`")


@reported
def check_cache() -> None:
    """Try whether the server of CACHE_URL is fit to be the cache; SessionFailed if it is not."""
    found = []
    for point in points(stores.remote_cache(read_project(), say).server):
        found.append(point)
        say(f"{'ok' if not point.seen else 'NO':<4}{point.name}{f': {point.seen}' if point.seen else ''}")
    if any(point.seen for point in found):
        raise BuildError("this server is not fit to be the cache", "remote_cache/ has one that is")


def _named(kind: str, content: Path) -> list[str]:
    """What a lock names, by sha256: what of it is not in the cache is on the index."""
    return [one.sha256 for one in read_lock(content)] if kind == LOCK_STAGE else []
