"""A commit of somebody's Git repository: a source that is known by its id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Commit:
    """The repository's URL, and the id of the commit in hex digits."""

    url: str
    id: str

    @property
    def sha256(self) -> str:
        """What stands for its content in a key: whatever the repository's place, the id names the same files."""
        return hashlib.sha256(self.id.encode()).hexdigest()
