"""The local cache: small entries named by key, which point to content named by its digest.

`v1/ac/<kind>/<k[:2]>/<key>.json` says which bytes answer a key; `v1/cas/sha256/<d[:2]>/<digest>` are the bytes.
The content is written first and the entry last, each beside its place and then renamed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.sources import digest
from builder.stages.step import Json, key_of


@dataclass(frozen=True)
class Hit:
    """A verified result, and what was recorded of how it was built."""

    path: Path
    built: Mapping[str, Json]


@dataclass(frozen=True)
class Miss:
    """No usable result, and why; `damaged` if something was there that can't be trusted."""

    reason: str
    damaged: bool = False


@dataclass(frozen=True)
class Store:
    """The cache below one folder."""

    folder: Path

    def find(self, kind: str, inputs: Mapping[str, Json]) -> Hit | Miss:
        """Look a result up by everything that decides it; its bytes are verified before they are handed out."""
        key = key_of(inputs)
        entry_path = self._entry(kind, key)
        try:
            entry = json.loads(entry_path.read_text())
            sha256, size, built = entry["digest"], entry["size"], entry["built"]
            honest = entry["kind"] == kind and entry["key"] == key and key_of(entry["inputs"]) == key
            content = self._content(sha256)
        except FileNotFoundError:
            return Miss(self._nearest(kind, inputs))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return Miss(f"{entry_path} can't be read", damaged=True)
        if not honest or not isinstance(built, dict) or "compiled" not in built:
            return Miss(f"{entry_path} is not what this key should find", damaged=True)
        try:
            whole = content.stat().st_size == size and digest(content) == sha256
        except OSError:
            whole = False
        return Hit(content, built) if whole else Miss(f"{content} is missing or altered", damaged=True)

    def add(self, kind: str, inputs: Mapping[str, Json], result: Path, built: Mapping[str, Json]) -> Hit:
        """Take a finished, checked result into the cache; the file is moved."""
        key = key_of(inputs)
        sha256 = digest(result)
        content = self._content(sha256)
        size = result.stat().st_size
        content.parent.mkdir(parents=True, exist_ok=True)
        os.replace(result, content)
        entry: dict[str, Json] = {
            "schema": 1, "kind": kind, "key": key, "inputs": dict(inputs), "digest": sha256, "size": size,
            "built": dict(built),
        }  # fmt: skip
        path = self._entry(kind, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(entry, sort_keys=True, indent=1))
        part.rename(path)
        return Hit(content, built)

    def clear(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _entry(self, kind: str, key: str) -> Path:
        return self.folder / "v1" / "ac" / kind / key[:2] / f"{key}.json"

    def _content(self, sha256: str) -> Path:
        return self.folder / "v1" / "cas" / "sha256" / sha256[:2] / sha256

    def _nearest(self, kind: str, inputs: Mapping[str, Json]) -> str:
        """Why there is no entry: which inputs differ from the most similar one there is."""
        differences: list[list[str]] = []
        for path in (self.folder / "v1" / "ac" / kind).glob("*/*.json"):
            try:
                other = json.loads(path.read_text())["inputs"]
                differences.append(sorted(name for name in {*other, *inputs} if other.get(name) != inputs.get(name)))
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue
        differences = [names for names in differences if names]
        if not differences:
            return "none built yet"
        return f"changed: {', '.join(sorted(differences, key=len)[0])}"
