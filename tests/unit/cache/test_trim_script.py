"""remote_cache/trim, the script that keeps a server's folder within bounds, run as a server's owner runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builder.cache.entry import entry_name
from builder.cache.signatures import signature_name
from builder.cache.store import Store
from builder.stages.interpreter.library_recipes import RECIPES
from builder.stages.stage import key_of
from tests.support.scene import BUILT

TRIM = Path(__file__).parents[3] / "remote_cache" / "trim"
DAY = 86400


def published(data: Path, name: str, days: float, content: bytes = b"", kind: str = "interpreter") -> tuple[Path, Path]:
    """An entry and its content, last used so many days ago."""
    result = data.parent / "result"
    result.write_bytes(content or name.encode() * 1000)
    store = Store(data)
    hit = store.add(kind, {"name": name}, result, BUILT)
    return used(data / entry_name(kind, key_of({"name": name})), days), used(hit.path, days)


def used(path: Path, days: float) -> Path:
    """Give a file its dates."""
    os.utime(path, (time.time() - days * DAY,) * 2)
    return path


def trim(data: Path, *options: str) -> str:
    """Run it; returns what it says."""
    args = [sys.executable, str(TRIM), str(data), *options]
    return subprocess.run(args, check=True, capture_output=True, text=True).stdout


def there(*paths: Path) -> list[bool]:
    """Which of them are still there."""
    return [path.exists() for path in paths]


KINDS = ["interpreter", "build-python", "profile", "lock", *(f"library-{name}" for name in RECIPES)]


@pytest.mark.parametrize("file", ["trim", "nginx.conf"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_result_has_a_name_that_the_server_knows(file: str, kind: str) -> None:
    (pattern,) = re.findall(r"v1/ac/[\[(].*json", TRIM.with_name(file).read_text())
    assert re.fullmatch(pattern, entry_name(kind, "ab" * 32))


def test_what_was_not_used_for_long_goes_entry_before_content(tmp_path: Path) -> None:
    data = tmp_path / "data"
    old, young = published(data, "a", 100), published(data, "b", 10)
    said = trim(data).splitlines()
    assert there(*old, *young) == [False, False, True, True]
    assert [line.partition(":")[0] for line in said[:2]] == [str(path.relative_to(data)) for path in old]
    assert said[-1].startswith("2 files")


def signed(entry: Path, days: float) -> Path:
    """The signature of an entry, last used so many days ago."""
    path = Path(signature_name(str(entry)))
    path.touch()
    return used(path, days)


def test_a_signature_stays_with_its_entry_and_goes_with_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    old, kept = published(data, "a", 100), published(data, "b", 10)
    signatures = [signed(old[0], 100), signed(kept[0], 100)]
    said = trim(data).splitlines()
    assert there(*old, *kept, *signatures) == [False, False, True, True, False, True]
    assert said[1] == f"{signatures[0].relative_to(data)}: its entry is not there"
    assert said[-1].startswith("3 files")


def test_a_signature_whose_entry_is_on_its_way_stays_for_the_grace(tmp_path: Path) -> None:
    data = tmp_path / "data"
    young, old = (published(data, name, 3)[0] for name in ("a", "b"))
    signatures = [signed(young, 0.5), signed(old, 3)]
    young.unlink()
    old.unlink()
    trim(data)
    assert there(*signatures) == [True, False]


def test_over_the_size_the_longest_unused_goes_first(tmp_path: Path) -> None:
    data = tmp_path / "data"
    oldest, older, old = (published(data, name, days) for name, days in (("a", 9), ("b", 8), ("c", 7)))
    trim(data.resolve(), "--max-size", "0")
    assert there(*oldest, *older, *old) == [False] * 6


def test_a_dry_run_with_size_0_deletes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    kept = published(data, "a", 100)
    said = trim(data, "--max-size", "0", "--dry-run")
    assert there(*kept) == [True, True]
    assert "would go" in said


def test_what_is_younger_than_the_grace_stays_whatever_the_size(tmp_path: Path) -> None:
    data = tmp_path / "data"
    kept = published(data, "a", 0.5)
    stray = published(data, "b", 0.5)
    stray[0].unlink()
    trim(data, "--max-size", "0")
    assert there(*kept, stray[1]) == [True, True, True]


def test_strays_go_after_the_grace(tmp_path: Path) -> None:
    data = tmp_path / "data"
    entry, without_entry = published(data, "a", 3)
    entry.unlink()
    without_content, content = published(data, "b", 3)
    content.unlink()
    half = data / "tmp" / "0000000001"
    half.parent.mkdir()
    half.touch()
    used(half, 3)
    trim(data)
    assert there(without_entry, without_content, half) == [False, False, False]


def test_content_that_another_entry_needs_stays(tmp_path: Path) -> None:
    data = tmp_path / "data"
    _, content = published(data, "a", 100, b"shared")
    young_entry, _ = published(data, "b", 2, b"shared")
    used(content, 100)
    trim(data)
    assert there(content, young_entry) == [True, True]


def test_what_a_lock_names_stays_with_it_and_goes_with_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    entry, wheel = published(data, "wheel", 100)
    entry.unlink()
    lock = published(data, "lock", 2, f"six==1 --hash=sha256:{wheel.name}\n".encode(), kind="lock")
    trim(data)
    assert there(*lock, wheel) == [True, True, True]
    for path in lock:
        used(path, 100)
    trim(data)
    assert there(*lock, wheel) == [False, False, False]


def test_looking_is_no_use(tmp_path: Path) -> None:
    data = tmp_path / "data"
    paths = published(data, "a", 30)
    trim(data)
    trim(data, "--max-age", "20d")
    assert there(*paths) == [False, False]


def test_a_folder_that_is_no_cache_is_refused(tmp_path: Path) -> None:
    args = [sys.executable, str(TRIM), str(tmp_path)]
    done = subprocess.run(args, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "has no v1/" in done.stderr


@pytest.mark.parametrize(
    "content",
    [b"[" * 60_000, b'{"digest":[]}', b'{"digest":' + b"9" * 60_000 + b"}", b" " * (64 * 1024 + 1)],
    ids=["deep", "no digest", "huge number", "too large"],
)
def test_an_entry_that_no_builder_would_read_goes_and_stops_nothing(tmp_path: Path, content: bytes) -> None:
    data = tmp_path / "data"
    spoiled, _ = published(data, "a", 3)
    old = published(data, "b", 100)
    spoiled.write_bytes(content)
    used(spoiled, 3)
    trim(data)
    assert there(spoiled, *old) == [False] * 3


def test_a_lock_of_a_gigabyte_costs_no_memory(tmp_path: Path) -> None:
    data = tmp_path / "data"
    _, content = published(data, "lock", 2, kind="lock")
    os.truncate(content, 2**30)
    used(content, 2)
    limited = "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28));"
    limited += "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    subprocess.run([sys.executable, "-c", limited, str(TRIM), str(data)], check=True)
    assert not content.exists(), "what is no lock, and what it names, no entry needs"


def test_a_date_in_the_future_keeps_nothing_forever(tmp_path: Path) -> None:
    data = tmp_path / "data"
    paths = published(data, "a", -3000)
    trim(data, "--dry-run")
    assert all(path.stat().st_mtime > time.time() + DAY for path in paths), "a dry run changes nothing"
    trim(data)
    assert there(*paths) == [True, True]
    assert all(path.stat().st_mtime <= time.time() for path in paths), "from here on they get older"


def test_what_has_no_name_of_the_cache_goes_after_the_grace(tmp_path: Path) -> None:
    data = tmp_path / "data"
    kept = published(data, "a", 2)
    digest = kept[1].name
    names = (
        f"v1/cas/sha256/{digest[:2]}/{digest}.sig",
        f"v1/ac/lock/00/{'0' * 64}.json.sig.sig",
        f"v1/cas/sha256/{digest[:2]}/{digest}\n",
        f"v1/cas/sha256/00/{digest}",
        f"v1/ac/{'k' * 40}/00/{'0' * 64}.json",
        f"v1/ac/lock/00/{'0' * 64}.json\udce4",
    )
    strays = [data / name for name in names]
    for path in strays:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert trim(data).splitlines() == ["0 files, 0 bytes removed"]
    for path in strays:
        used(path, 3)
    said = trim(data).splitlines()
    assert there(*strays, *kept) == [False] * 6 + [True] * 2
    assert len(said) == 7, "a line feed in a name starts no line"


def test_a_file_that_can_not_be_removed_keeps_no_other(tmp_path: Path) -> None:
    data = tmp_path / "data"
    paths = [*published(data, "a", 100), *published(data, "b", 90)]
    broken = "import os, pathlib, runpy, sys; unlink = pathlib.Path.unlink; first = []\n"
    broken += "def refused(self, *rest):\n    if not first:\n        first.append(1); raise PermissionError(13, 'no')\n"
    broken += "    return unlink(self, *rest)\npathlib.Path.unlink = refused\n"
    broken += "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    args = [sys.executable, "-c", broken, str(TRIM), str(data), "--max-age", "1d"]
    done = subprocess.run(args, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "1 files could not be removed" in done.stderr
    assert sum(there(*paths)) == 1
