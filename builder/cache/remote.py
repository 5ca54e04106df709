"""The shared cache on a web server. Its trouble never fails a build: it is reported once, and the server left alone."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.cache.entry import LARGEST_ENTRY, Entry, Unusable, content_name, entry_name, parse
from builder.cache.patience import Absent, Trouble
from builder.cache.report import Report
from builder.cache.signatures import LARGEST, Signatures, signature_name
from builder.cache.webdav import WebDav
from builder.console import harmless
from builder.stages.stage import Json, key_of
from builder.trust.signers import Untrusted

# What is wrong with one object only: the server is still asked for others.
_ABOUT_ONE = {"dangling", "entry", "corrupt", "too-large", "oversized", "truncated", "no-space", "contested"}
_PAUSES = (0, 1, 2, 4)  # seconds at most before an entry is put, if another builder puts its own at the same time


@dataclass
class Remote:
    """The server, and whether it is still asked. `aside` is the folder for rejected content."""

    server: WebDav
    report: Report
    aside: Path
    reads: bool = True
    writes: bool = False
    signatures: Signatures = field(default_factory=Signatures)
    spoiled: set[str] = field(default_factory=set)  # digests of which the server has something else

    def entry(self, kind: str, inputs: Mapping[str, Json]) -> Entry | None:
        """The entry of a key; None if the server has none, or none that can be used."""
        if not self.reads:
            return None
        key = key_of(inputs)
        name = entry_name(kind, key)
        try:
            data, signed = self._believed(name)
            entry = parse(data, kind, key)
            if not signed:
                self.report.trouble("unverified", f"{self.server.url}/{name} has no signature, and is used without")
            return entry
        except Absent:
            return None
        except Untrusted as problem:
            # It may quote what somebody wrote on the server.
            self.report.trouble("unsigned", f"{self.server.url}/{name} is not used: {harmless(str(problem))}")
        except Unusable as problem:
            self.report.trouble("entry", f"{self.server.url}/{name} is not an entry we can use: {problem}")
        except Trouble as trouble:
            self._note(trouble, "entry" if trouble.cause == "oversized" else trouble.cause)
        return None

    def _believed(self, name: str) -> tuple[bytes, bool]:
        """The bytes of an entry, and whether they are signed, if that is asked for; Untrusted if they can't be used."""
        if not self.signatures.checks:
            return self.server.read(name, LARGEST_ENTRY), True
        try:
            return self._checked(name)
        except Untrusted:  # entry and signature may be of two moments, on the server or in a proxy on the way
            return self._checked(name, past_caches=True)

    def _checked(self, name: str, past_caches: bool = False) -> tuple[bytes, bool]:
        data = self.server.read(name, LARGEST_ENTRY, past_caches)
        return data, self.signatures.check(name, data, self._there(signature_name(name), LARGEST, past_caches))

    def _there(self, name: str, most: int, past_caches: bool = False) -> bytes | None:
        """What the server has at a place; None if that is nothing, and no bytes if there are too many."""
        try:
            return self.server.read(name, most, past_caches)
        except Absent:
            return None
        except Trouble as trouble:
            if trouble.cause != "oversized":
                raise
            return b""

    def fetch(self, kind: str, inputs: Mapping[str, Json], part: Path) -> Entry | None:
        """Bring the verified bytes that answer a key into a file; None if that was not possible."""
        entry = self.entry(kind, inputs)
        return entry if entry and self.content(entry.digest, part, entry.size) else None

    def content(self, sha256: str, part: Path, size: int | None = None, most: int = 0) -> bool:
        """Bring content into a file, verified; of that size, or of at most so many bytes. False if not possible."""
        if not self.reads or sha256 in self.spoiled:
            return False
        name = content_name(sha256)
        try:
            for past_caches in (False, True):  # what a proxy on the way keeps may be damaged, and the server's intact
                found = self.server.download(name, size or most, part, size is not None, past_caches)
                if found == sha256:
                    self.report.bytes_read += part.stat().st_size
                    return True
        except Absent:
            if size is not None:
                self.report.trouble("dangling", f"{self.server.url}/{name} is gone, although an entry names it")
        except Trouble as trouble:
            part.unlink(missing_ok=True)
            if trouble.cause in {"oversized", "truncated"}:
                self.spoiled.add(sha256)
            self._note(trouble, trouble.cause)
        else:
            self.put_aside(sha256, part)
            self.report.trouble(
                "corrupt", f"{self.server.url}/{name} has other bytes than its name says; see {self.aside}"
            )
        return False

    def put_aside(self, sha256: str, part: Path) -> None:
        """Keep content that can't be trusted where nothing uses it, and remember that the server's is bad."""
        self.spoiled.add(sha256)
        try:
            self.aside.mkdir(parents=True, exist_ok=True)
            part.replace(self.aside / sha256)
        except OSError:
            part.unlink(missing_ok=True)

    def __post_init__(self) -> None:
        self.publishes = self.writes  # whether it should, even when trouble has ended it

    def publish(self, entry: Entry, content: Path) -> bool:
        """Put content and then its entry, as far as the server takes it; whether the server has both now."""
        done = self._written(lambda: self.put_content(entry.digest, content)) and self._written(
            lambda: self.put_entry(entry)
        )
        self.report.published += done
        return done

    def publish_content(self, sha256: str, content: Path) -> None:
        """Put content that needs no entry, as far as the server takes it."""
        self._written(lambda: self.put_content(sha256, content))

    def put_content(self, sha256: str, content: Path, compare: bool = False) -> str:
        """Put content unless it is there; returns `present`, `new` or `replaced`. Raises Trouble.

        It is there if it has the size; to `compare` reads it back and looks at its digest.
        """
        name, size = content_name(sha256), content.stat().st_size
        before = self.server.size(name)
        if before == size and sha256 not in self.spoiled and not (compare and self._differs(sha256, size)):
            return "present"
        self.server.write(name, content)
        self.report.bytes_written += size
        # A careless server keeps what a broken connection left.
        after = self.server.size(name)
        if after not in {size, -1}:
            raise Trouble("unexpected", f"{self.server.url}/{name} has {after} bytes after {size} were written")
        self.spoiled.discard(sha256)
        return "new" if before is None else "replaced"

    def renew_entry(self, entry: Entry) -> str:
        """Put an entry unless it is there, signed as we sign; returns `present`, `new`, `replaced`, or `kept` if it
        must stay away. Raises Trouble.
        """
        name, data = entry_name(entry.kind, entry.key), entry.encode()
        before, signature = self._there(name, LARGEST_ENTRY), self.signatures.sign(name, data)
        if before == data and (not signature or self._there(signature_name(name), LARGEST) == signature):
            return "present"
        if not self.put_entry(entry):
            return "kept"
        return "new" if before is None else "replaced"

    def put_entry(self, entry: Entry) -> bool:
        """Put an entry, with its signature if there is a key; False if it stays away. Raises Trouble.

        Without a key it replaces none that somebody has signed: the signature would not fit any more.
        """
        name, data = entry_name(entry.kind, entry.key), entry.encode()
        place, signature = signature_name(name), self.signatures.sign(name, data)
        if not signature:
            if self.server.size(place) is not None:
                return False
            self.server.write(name, data)
            return True
        for pause in _PAUSES:
            self.server.sleep(random.uniform(0, pause))
            self.server.write(place, signature)  # first: without it the entry would be refused meanwhile
            self.server.write(name, data)
            # Of two builders that put the same key now, the last one to put its entry sees a signature of the other.
            if self._there(place, LARGEST, past_caches=True) == signature:
                return True
        raise Trouble("contested", f"{self.server.url}/{place} is not the one that was written: others write it, too")

    def _differs(self, sha256: str, size: int) -> bool:
        try:
            name = content_name(sha256)
            return self.server.download(name, size, Path(os.devnull), past_caches=True) != sha256
        except Absent:
            return True
        except Trouble as trouble:
            if trouble.cause not in _ABOUT_ONE:
                raise
            return True

    def _written(self, write: Callable[[], object]) -> bool:
        if not self.writes:
            return False
        try:
            write()
        except (Trouble, Absent) as trouble:
            cause = trouble.cause if isinstance(trouble, Trouble) else "unexpected"
            self.writes = self.writes and cause in _ABOUT_ONE
            self.report.trouble(cause, f"{trouble}{'' if self.writes else '; nothing more is published'}")
            return False
        return True

    def _note(self, trouble: Trouble, cause: str) -> None:
        """Report trouble with reading; the server is not asked again if the trouble is the server's."""
        if cause not in _ABOUT_ONE:
            self.reads = self.writes = False
        self.report.trouble(cause, f"{trouble}{'' if self.reads else '; continuing without this cache'}")
