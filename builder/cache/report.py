"""What the cache did in one run: counted, summed up at the end, and each kind of trouble reported once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from builder.errors import BuildError
from builder.files import write_whole
from builder.stages.stage import Json

FILE = "cache-stats.json"


@dataclass
class Report:
    """Counters of one run. `strict` makes an error of every trouble."""

    say: Callable[[str], None]
    strict: bool = False
    local: int = 0
    remote: int = 0
    misses: int = 0
    published: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    seconds_saved: int = 0
    packages: Counter[str] = field(default_factory=Counter)  # distributions by where they were
    troubles: Counter[str] = field(default_factory=Counter)
    said: str = ""

    def trouble(self, cause: str, message: str) -> None:
        """Count it, and warn of it if it is the first of its cause; raises BuildError if `strict`."""
        self.troubles[cause] += 1
        if self.strict:
            raise BuildError(f"cache: {message}", "CACHE_STRICT=1 makes an error of this; the build works without")
        if self.troubles[cause] == 1:
            self.say(f"warning: cache: {message}")

    def hit(self, built_in: Json, remote: bool = False) -> None:
        """Count a result that does not have to be made, and the seconds it once took to make."""
        self.remote += remote
        self.local += not remote
        self.seconds_saved += built_in if type(built_in) is int and built_in > 0 else 0

    def summary(self) -> str:
        """One line for the user; nothing if the cache was not asked."""
        if not (self.local or self.remote or self.misses or self.troubles):
            return ""
        parts = [f"{self.local} local, {self.remote} remote hits", f"{self.misses} misses"]
        if self.packages:
            parts.append("packages: " + ", ".join(f"{count} {where}" for where, count in sorted(self.packages.items())))
        if self.published:
            parts.append(f"{self.published} published")
        if self.bytes_read or self.bytes_written:
            parts.append(f"{_megabytes(self.bytes_read)} read, {_megabytes(self.bytes_written)} written")
        if self.seconds_saved:
            parts.append(f"{self.seconds_saved} s of work saved")
        parts += [f"{cause}: {count}" for cause, count in sorted(self.troubles.items())]
        return "cache: " + ", ".join(parts)

    def close(self, folder: Path) -> None:
        """Say what is new since the last time, and write the counters next to the artifacts."""
        summary = self.summary()
        if summary == self.said:
            return
        self.said = summary
        self.say(summary)
        stats = {
            "hits": {"local": self.local, "remote": self.remote},
            "misses": self.misses,
            "packages": {where: self.packages[where] for where in ("local", "remote", "index")},
            "published": self.published,
            "bytes": {"read": self.bytes_read, "written": self.bytes_written},
            "seconds_saved": self.seconds_saved,
            "troubles": dict(sorted(self.troubles.items())),
        }
        write_whole(folder / FILE, json.dumps(stats, indent=1) + "\n")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
