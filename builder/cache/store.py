"""The local cache: entries and content below one folder.

Content is written first and the entry last, each next to its place and then renamed. What was used last has the
newest date, so that the least recently used can be found.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from builder import files
from builder.cache.entry import LARGEST_ENTRY, Entry, Unusable, content_name, entry_name, parse
from builder.files import digest
from builder.stages.stage import Json, key_of


@dataclass(frozen=True)
class Hit:
    """A verified result, and what was recorded of how it was built."""

    path: Path
    built: Mapping[str, Json]


@dataclass(frozen=True)
class Miss:
    """No usable result, and why; `damaged` if something was there that can't be trusted.

    `took` is how many seconds the most similar one took, if that is known.
    """

    reason: str
    damaged: bool = False
    took: int | None = None


@dataclass(frozen=True)
class Store:
    """The cache below one folder."""

    folder: Path

    def find(self, kind: str, inputs: Mapping[str, Json]) -> Hit | Miss:
        """Look a result up by everything that decides it; its bytes are verified before they are handed out."""
        key = key_of(inputs)
        path = self.folder / entry_name(kind, key)
        try:
            entry = self.entry(kind, key)
        except FileNotFoundError:
            if path.is_symlink():
                return Miss(f"{path} can't be read", damaged=True)
            return self._nearest(kind, inputs)
        except OSError:
            return Miss(f"{path} can't be read", damaged=True)
        except Unusable as problem:
            return Miss(f"{path}: {problem}", damaged=True)
        content = self.content(entry.digest, entry.size)
        if content is None:
            return Miss(f"{self.folder / content_name(entry.digest)} is missing or altered", damaged=True)
        _touch(path)
        return Hit(content, entry.built)

    def content(self, sha256: str, size: int | None = None) -> Path | None:
        """Content of that digest, if it is here unaltered; None if not."""
        path = self.folder / content_name(sha256)
        try:
            whole = size in (None, path.stat().st_size) and digest(path) == sha256
        except OSError:
            return None
        if whole:
            _touch(path)
        return path if whole else None

    def add(self, kind: str, inputs: Mapping[str, Json], result: Path, built: Mapping[str, Json]) -> Hit:
        """Take a finished, checked result into the cache; the file is moved."""
        entry = Entry(kind, key_of(inputs), dict(inputs), digest(result), result.stat().st_size, dict(built))
        return self.adopt(entry, result)

    def adopt(self, entry: Entry, result: Path) -> Hit:
        """Take verified content into the cache, and the entry that points to it; the file is moved."""
        content = self.add_content(entry.digest, result)
        path = self.folder / entry_name(entry.kind, entry.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{uuid.uuid4().hex}.part")
        try:
            part.write_bytes(entry.encode())
            _rename(part, path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        return Hit(content, entry.built)

    def add_content(self, sha256: str, result: Path) -> Path:
        """Take verified content into the cache under its digest; the file is moved."""
        path = self.folder / content_name(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{sha256}.{uuid.uuid4().hex}.part")
        try:
            shutil.move(result, part)
            _rename(part, path)
        except OSError:
            if result.is_file():
                part.unlink(missing_ok=True)
            elif part.is_file():
                shutil.move(part, result)
            raise
        return path

    def entries(self) -> Iterator[tuple[Path, Entry]]:
        """Every entry that can be read, and where it is."""
        for path in sorted((self.folder / "v1" / "ac").glob("*/*/*.json")):
            try:
                yield path, read(path, path.parts[-3], path.stem)
            except (OSError, Unusable):
                continue

    def entry(self, kind: str, key: str) -> Entry:
        """The entry of a key; OSError or Unusable if there is none that can be read."""
        return read(self.folder / entry_name(kind, key), kind, key)

    def owe(self, key: str, no_more: bool = False) -> None:
        """Remember that a result is still to be published, or that it is; as well as a full disk allows."""
        path = self.folder / "unpublished" / key
        with suppress(OSError):
            if no_more:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()

    def owes(self, key: str) -> bool:
        """Whether a result was to be published and could not be."""
        return (self.folder / "unpublished" / key).is_file()

    def clear(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _nearest(self, kind: str, inputs: Mapping[str, Json]) -> Miss:
        """Why there is no entry: which inputs differ from the most similar one there is."""
        found: list[tuple[list[str], int | None]] = []
        for path in (self.folder / "v1" / "ac" / kind).glob("*/*.json"):
            try:
                entry = json.loads(files.read(path, LARGEST_ENTRY))
                other, seconds = entry["inputs"], entry["built"].get("seconds")
                names = sorted(name for name in {*other, *inputs} if other.get(name) != inputs.get(name))
            except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                continue
            if names:
                found.append((names, seconds if isinstance(seconds, int) else None))
        if not found:
            return Miss("none built yet")
        names, took = min(found, key=lambda one: len(one[0]))
        return Miss(f"changed: {', '.join(names)}", took=took)


def read(path: Path, kind: str, key: str) -> Entry:
    """Read an entry's file; OSError if that is impossible, Unusable if it is not that entry."""
    return parse(files.read(path, LARGEST_ENTRY), kind, key)


def _touch(path: Path) -> None:
    """Remember that it was used; a cache that can't be written can still be read."""
    with suppress(OSError):
        os.utime(path)


def _rename(part: Path, path: Path) -> None:
    """Give a file its final name once it is on the disk, whatever is in its place."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    part.rename(path)
