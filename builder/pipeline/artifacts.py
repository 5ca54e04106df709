"""What is in ARTIFACT_DIR: which stage key each artifact was made by, its digest, and the list of all digests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import filelock
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from builder.artifact_dir import CACHE
from builder.files import digest, read, write_whole
from builder.trust import sshsig
from builder.trust.sums import NAMESPACE, SIGNATURE, SUMS, listed

_LARGEST = 4096  # bytes of a record
_LARGEST_SUMS = 16 << 20  # bytes


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
    """The artifacts of one ARTIFACT_DIR.

    SHA256SUMS is always made of their records, which have the digests of what was packed: nothing that happens to a
    file later gets into it, nor what somebody writes into the list.
    """

    folder: Path

    def current(self, name: str, key: str) -> Artifact | None:
        """The artifact of that name, if it was made by this key and its bytes are still the same."""
        artifact = self._recorded(name)
        with suppress(OSError):
            if artifact and artifact.key == key and digest(self.folder / name) == artifact.sha256:
                return artifact
        return None

    def publish(self, part: Path, name: str, key: str, seconds: float) -> Artifact:
        """Give a finished file its final name, and remember what it was made from.

        SHA256SUMS does not list it before `sum_up`, whatever ends this process in between.
        """
        artifact = Artifact(name, key, part.stat().st_size, digest(part), seconds)
        record = self._record(name)
        with self._alone():
            record.unlink(missing_ok=True)
            self._write_sums(None)
            os.replace(part, self.folder / name)
            write_whole(record, json.dumps(asdict(artifact)))
        return artifact

    def sum_up(self, key: Ed25519PrivateKey | None) -> bool:
        """Have SHA256SUMS list every artifact that is there, and sign it if there is a key; whether it was signed now.

        Without a key a signature stays as long as the list does.
        """
        with self._alone():
            return self._write_sums(key)

    def remove_all(self) -> Iterator[Path]:
        """Remove every artifact that was published here, and their sums; yields what was removed."""
        records = self._records()
        made = [self.folder / record.name.removesuffix(".json") for record in records]
        for path in (*made, *(self.folder / name for name in (SUMS, SIGNATURE) if records)):
            if path.is_file():
                path.unlink()
                yield path
        for record in records:
            record.unlink()

    def _write_sums(self, key: Ed25519PrivateKey | None) -> bool:
        sums, signature = self.folder / SUMS, self.folder / SIGNATURE
        names = (record.name.removesuffix(".json") for record in self._records())
        artifacts = (self._recorded(name) for name in names if (self.folder / name).is_file())
        content = listed({one.name: one.sha256 for one in artifacts if one})
        if _content(sums) != content:
            signature.unlink(missing_ok=True)  # first: what is unsigned is no lie, a signature of something else is one
            if not content:
                sums.unlink(missing_ok=True)
                return False
            write_whole(sums, content)
        signed = sshsig.sign(key, content, NAMESPACE) if key and content else None
        if signed is None or _content(signature) == signed:
            return False
        write_whole(signature, signed)
        return True

    def _alone(self) -> filelock.BaseFileLock:
        """Another build, of another target, may end at the same time."""
        locks = self.folder / CACHE / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        return filelock.FileLock(locks / "artifacts.lock")

    def _recorded(self, name: str) -> Artifact | None:
        try:
            artifact = Artifact(**json.loads(read(self._record(name), _LARGEST)))
            return artifact if artifact.name == name and len(bytes.fromhex(artifact.sha256)) == 32 else None
        except (OSError, ValueError, TypeError, RecursionError):
            return None

    def _records(self) -> list[Path]:
        return sorted(self._records_folder.glob("*.json"))

    def _record(self, name: str) -> Path:
        return self._records_folder / f"{name}.json"

    @property
    def _records_folder(self) -> Path:
        return self.folder / CACHE / "artifacts"


def _content(path: Path) -> bytes | None:
    with suppress(OSError):
        return read(path, _LARGEST_SUMS)
    return None
