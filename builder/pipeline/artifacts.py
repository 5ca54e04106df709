"""What is in ARTIFACT_DIR: which stage key each artifact was made by, and its digest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from builder.artifact_dir import CACHE
from builder.files import digest, read, write_whole

_LARGEST = 4096  # bytes of a record


@dataclass(frozen=True)
class Artifact:
    """A finished file: its name in ARTIFACT_DIR, size in bytes, sha256, and the seconds it took."""

    name: str
    key: str
    size: int
    sha256: str
    seconds: float


@dataclass(frozen=True)
class ArtifactShelf:
    """The artifacts of one ARTIFACT_DIR."""

    folder: Path

    def current(self, name: str, key: str) -> Artifact | None:
        """The artifact of that name, if it was made by this key and its bytes are still the same."""
        try:
            artifact = Artifact(**json.loads(read(self._record(name), _LARGEST)))
            unchanged = artifact.key == key and digest(self.folder / name) == artifact.sha256
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        return artifact if unchanged else None

    def publish(self, part: Path, name: str, key: str, seconds: float) -> Artifact:
        """Give a finished file its final name, and remember what it was made from."""
        artifact = Artifact(name, key, part.stat().st_size, digest(part), seconds)
        record = self._record(name)
        record.unlink(missing_ok=True)
        os.replace(part, self.folder / name)
        write_whole(record, json.dumps(asdict(artifact)))
        return artifact

    def remove_all(self) -> Iterator[Path]:
        """Remove every artifact that was published here; yields what was removed."""
        for record in sorted((self.folder / CACHE / "artifacts").glob("*.json")):
            path = self.folder / record.name.removesuffix(".json")
            if path.is_file():
                path.unlink()
                yield path
            record.unlink()

    def _record(self, name: str) -> Path:
        return self.folder / CACHE / "artifacts" / f"{name}.json"
