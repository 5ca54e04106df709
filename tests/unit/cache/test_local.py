"""The cache of this machine: full, not to be written, shared by two builds, or larger than it may be."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builder.cache.cache import Cache
from builder.cache.credentials import NOBODY
from builder.cache.store import Hit, Miss, Store
from builder.cache.trim import FRESH, trim_store
from tests.support.hostile import Answer, hostile
from tests.support.scene import BUILT, GOOD, Scene, content_path, entry_path, honest, scene, stage, tgz

NOWHERE = "http://127.0.0.1:9"


def local(folder: Path) -> Scene:
    """A cache without a server."""
    here = scene(folder, NOWHERE, who=NOBODY)
    here.cache = Cache(here.cache.store, None, here.cache.report, 10**9)
    return here


def test_disk_full_during_a_download(tmp_path: Path) -> None:
    with hostile(honest()) as server:
        here = scene(tmp_path, server.url)
        (here.parts / f"{stage().key}.part").symlink_to("/dev/full")
        assert isinstance(here.find(), Miss)
        assert (here.cache.report.troubles, here.left) == ({"no-space": 1}, [])
        assert "No space left on device" in here.warnings[0]
        assert isinstance(here.find(), Hit), "the server is asked on"


def unwritable(folder: Path) -> None:
    """Leave a file where the cache's folder should be."""
    (folder / "cache").write_text("in the way")


def test_a_local_cache_that_can_not_be_written_is_worked_without(tmp_path: Path) -> None:
    unwritable(tmp_path)
    with hostile(honest()) as server:
        here = scene(tmp_path, server.url)
        release = here.cache.claim(stage())
        found = here.find()
        assert release
        release()
        assert isinstance(found, Hit)
        assert found.path.read_bytes() == GOOD
        made = here.keep(of=stage("3.12.1"))
        assert made.path.read_bytes() == GOOD
    assert len(here.warnings) == 1
    assert str(tmp_path / "cache") in here.warnings[0]


def test_a_key_is_held_by_one_build_at_a_time(tmp_path: Path) -> None:
    first, second = local(tmp_path).cache, local(tmp_path).cache
    release = first.claim(stage())
    assert release
    assert second.claim(stage()) is None
    release()
    assert second.claim(stage())


HOLDER = """
import sys, time, filelock
with filelock.FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_killed_holder_releases_the_lock(tmp_path: Path) -> None:
    here = local(tmp_path)
    lock = tmp_path / "cache" / "locks" / f"{stage().key}.lock"
    lock.parent.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
    until = time.monotonic() + 5
    while here.cache.claim(stage()) is None:
        assert time.monotonic() < until, "held by nobody"


def test_other_keys_are_not_held(tmp_path: Path) -> None:
    first, second = local(tmp_path).cache, local(tmp_path).cache
    assert first.claim(stage())
    assert second.claim(stage("3.12.1"))


@pytest.mark.parametrize("version", ["3.13.5", "3.12.1"])
def test_two_architectures_side_by_side_never_get_each_others_result(tmp_path: Path, version: str) -> None:
    here = local(tmp_path)
    here.keep(GOOD, stage("amd64"))
    other = tgz() + b"arm64"
    here.keep(other, stage("arm64"))
    found = [here.find(stage(arch)) for arch in ("amd64", "arm64")]
    assert [hit.path.read_bytes() for hit in found if isinstance(hit, Hit)] == [GOOD, other]


def aged(store: Store, name: str, age: float) -> Path:
    """Content with an entry, last used so long ago."""
    result = store.folder.parent / "result"
    result.write_bytes(name.encode() * 1000)
    hit = store.add("interpreter", {"name": name}, result, BUILT)
    then = time.time() - age
    for path in store.folder.rglob("*"):
        if path.is_file() and path.stat().st_mtime > time.time() - 60:
            os.utime(path, (then, then))
    return hit.path


def test_what_was_used_least_recently_goes_first_until_the_size_is_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    old, older, oldest = (aged(store, name, FRESH * age) for name, age in (("c", 2), ("b", 3), ("a", 4)))
    assert trim_store(store, 2500) == 1000
    assert [path.exists() for path in (old, older, oldest)] == [True, True, False]
    assert len([*store.entries()]) == 2, "the entry goes with its content"


def test_using_something_keeps_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    oldest, old = aged(store, "a", FRESH * 4), aged(store, "b", FRESH * 2)
    assert isinstance(store.find("interpreter", {"name": "a"}), Hit)
    trim_store(store, 1500)
    assert (oldest.exists(), old.exists()) == (True, False)


def test_what_is_fresh_stays_during_a_running_build_whatever_the_size(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    fresh = aged(store, "a", 60)
    assert trim_store(store, 0) == 0
    assert fresh.exists()


def test_within_its_size_nothing_goes_but_what_was_left_half_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    old = aged(store, "a", FRESH * 9)
    parts = [old.with_name(f"{number}.part") for number in (1, 2)]
    for part in parts:
        part.touch()
    os.utime(parts[0], (0, 0))
    trim_store(store, 10**9)
    assert [path.exists() for path in (old, *parts)] == [True, False, True]


def test_closing_trims_sums_up_and_writes_the_counters(tmp_path: Path) -> None:
    here = local(tmp_path)
    aged(here.cache.store, "a", FRESH * 2)
    here.cache = Cache(here.cache.store, None, here.cache.report, 0)
    here.find()
    for _ in range(2):
        here.cache.close(tmp_path)
    assert here.shown == ["cache: 0 local, 0 remote hits, 1 misses"], "once"
    assert [*here.cache.store.entries()] == []
    text = (tmp_path / "cache-stats.json").read_text()
    assert '"misses": 1' in text


def test_the_paths_of_entry_and_content_are_those_of_the_shared_tree() -> None:
    key = stage().key
    assert entry_path() == f"/v1/ac/interpreter/{key[:2]}/{key}.json"
    assert content_path().startswith("/v1/cas/sha256/")


def test_a_disk_that_is_full_when_the_entry_is_written_loses_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    here = local(tmp_path)
    (here.parts / "made").write_bytes(GOOD)
    monkeypatch.setattr(Path, "write_bytes", full)
    assert here.cache.keep(stage(), here.parts / "made", BUILT).path.read_bytes() == GOOD
    assert here.cache.report.troubles == {"unwritable": 1}
    assert list(tmp_path.rglob("*.json*")) == []


def test_corrupt_content_with_no_place_aside_is_thrown_away(tmp_path: Path) -> None:
    unwritable(tmp_path)
    with hostile(honest(content=Answer(body=b"x" * len(GOOD)))) as server:
        here = scene(tmp_path, server.url)
        sha256 = content_path().rpartition("/")[2]
        assert here.cache.content(sha256, here.parts) is None
        assert here.left == []
