"""The cache as a build sees it: this machine's first, then the shared one; one entrance to both, by CACHE_MODE."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import filelock

from builder.cache import archive, credentials
from builder.cache.entry import LARGEST_CONTENT, LARGEST_ENTRY, Entry, Unusable, content_name
from builder.cache.remote import Remote
from builder.cache.report import Report
from builder.cache.signatures import Signatures
from builder.cache.store import Hit, Miss, Store
from builder.cache.trim import trim_store
from builder.cache.webdav import WebDav
from builder.cache.webdav_request import netrc
from builder.errors import BuildError, UserError
from builder.files import digest
from builder.inputs.choices import CacheMode
from builder.inputs.network import Network
from builder.inputs.settings import Settings
from builder.sources.download import proxies
from builder.stages.stage import Json, Stage, key_of


@dataclass(frozen=True)
class Cache:
    """`most` is the local size in bytes. `skip_reason` says why nothing is looked up, `writes` if results are kept,
    and `no_packages` leaves pip's part alone. Without a server `remote` is None.
    """

    store: Store
    remote: Remote | None
    report: Report
    most: int
    skip_reason: str = ""
    writes: bool = True
    no_packages: bool = False

    def find(self, stage: Stage, parts: Path, prove: Callable[[Path], None]) -> Hit | Miss:
        """A stage's result. One that comes from elsewhere is checked, and proved by `prove`, before it is kept.

        `parts` is a folder for what is not complete, or can't be kept.
        """
        skip_reason = self._skip_reason(stage)
        if skip_reason:
            return Miss(skip_reason)
        found = self.store.find(stage.name, stage.key_inputs)
        if isinstance(found, Hit):
            self.report.hit(found.built.get("seconds"))
            self._publish_owed(stage, found.path)
            return found
        fetched = self._fetched(stage, parts, prove)
        if fetched:
            self.report.hit(fetched.built.get("seconds"), remote=True)
            return fetched
        self.report.misses += 1
        return found

    def outlook(self, stage: Stage) -> tuple[bool, str]:
        """Whether a stage's result would be found, and where, or why not; nothing is fetched."""
        skip_reason = self._skip_reason(stage)
        found = Miss(skip_reason) if skip_reason else self.store.find(stage.name, stage.key_inputs)
        if isinstance(found, Hit):
            return True, f"hit ({found.path})"
        entry = self.remote.entry(stage.name, stage.key_inputs) if self.remote and not skip_reason else None
        if self.remote and entry:
            return True, f"hit ({self.remote.server.url}, {entry.size / 1e6:,.1f} MB)"
        return False, f"miss ({found.reason})"

    def keep(self, stage: Stage, result: Path, built: Mapping[str, Json]) -> Hit:
        """Take what was made and proved; without a place to keep it, it stays where it is."""
        if not self._writes(stage):
            return Hit(result, built)
        inputs = stage.key_inputs
        entry = Entry(stage.name, key_of(inputs), inputs, digest(result), result.stat().st_size, dict(built))
        if len(entry.encode()) > LARGEST_ENTRY:
            self.report.trouble("entry", f"{stage.name}: its entry in {self.store.folder} would be too large; not kept")
            return Hit(result, built)
        hit = self._kept(entry, result)
        self._publish(entry, hit.path)
        return hit

    def content(self, sha256: str, parts: Path) -> Path | None:
        """A distribution by its sha256, which proves it wherever it was; None if it is nowhere."""
        if self.skip_reason or self.no_packages:
            return None
        here = self.store.content(sha256)
        if here:
            self.report.packages["local"] += 1
            return here
        damaged = self.store.folder / content_name(sha256)
        if os.path.lexists(damaged):
            self.report.trouble("corrupt", f"{damaged} was altered: fetched again")
        part = parts / sha256
        if self.remote and self.remote.content(sha256, part, most=LARGEST_CONTENT):
            self.report.packages["remote"] += 1
            return self._content(sha256, part)
        return None

    def keep_content(self, sha256: str, part: Path) -> Path:
        """Take a distribution that was downloaded, and verified to have that sha256."""
        self.report.packages["index"] += 1
        if not self.writes or self.no_packages:
            return part
        path = self._content(sha256, part)
        if self.remote:
            self.remote.publish_content(sha256, path)
        return path

    def claim(self, stage: Stage) -> Callable[[], None] | None:
        """Hold a key alone, and say how to release it; None while another build holds it, for it makes the same."""
        lock = filelock.FileLock(self.store.folder / "locks" / f"{stage.key}.lock")
        if not self._writes(stage):
            return lock.release
        try:
            Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return None
        except (OSError, NotImplementedError) as problem:  # the latter of a file system without locks
            strerror = getattr(problem, "strerror", "no locks there")
            self.report.trouble("unwritable", f"{lock.lock_file}: {strerror}; nothing is kept there")
        return lock.release

    def close(self, folder: Path) -> None:
        """Trim the local cache, and sum up: in one line, and for machines in a file of that folder."""
        try:
            if self.writes:
                trim_store(self.store, self.most)
            self.report.close(folder)
        except OSError as problem:
            self.report.say(f"warning: cache: {problem.filename or folder}: {problem.strerror}")

    def _fetched(self, stage: Stage, parts: Path, prove: Callable[[Path], None]) -> Hit | None:
        if not self.remote:
            return None
        part = parts / f"{stage.key}.part"
        try:
            entry = self.remote.fetch(stage.name, stage.key_inputs, part)
            if not entry:
                return None
            try:
                if stage.output.endswith(".tgz"):
                    archive.check(part)
                prove(part)
            except (archive.Unsafe, BuildError) as problem:
                first = str(problem).splitlines()[0]
                self.remote.put_aside(entry.digest, part)
                self.report.trouble("unfit", f"{self.remote.server.url} has a {stage.name} that is not used: {first}")
                return None
            return self._kept(entry, part)
        except OSError as problem:
            self.report.trouble("unwritable", f"{part}: {problem.strerror}; it is not used")
            return None

    def _publish(self, entry: Entry, content: Path) -> None:
        """Publish a result; until that succeeded, the store has it as owed."""
        if self.remote and self.remote.publishes:
            self.store.owe(entry.key)
            if self.remote.publish(entry, content):
                self.store.owe(entry.key, no_more=True)

    def _publish_owed(self, stage: Stage, content: Path) -> None:
        """Publish a result of an earlier build that could not."""
        if self.remote and self.remote.writes and self.store.owes(stage.key):
            with suppress(OSError, Unusable):
                self._publish(self.store.entry(stage.name, stage.key), content)

    def _skip_reason(self, stage: Stage) -> str:
        """Why a stage's result is not looked up; empty if it is."""
        return self.skip_reason or ("NO_PACKAGE_CACHE=1" if self.no_packages and stage.resolves else "")

    def _writes(self, stage: Stage) -> bool:
        return self.writes and not (self.no_packages and stage.resolves)

    def _content(self, sha256: str, part: Path) -> Path:
        try:
            return self.store.add_content(sha256, part)
        except OSError as problem:
            if not part.is_file():
                raise
            self._unwritable(problem)
            return part

    def _unwritable(self, problem: OSError) -> None:
        self.report.trouble("unwritable", f"{self.store.folder}: {problem.strerror}; nothing is kept there")

    def _kept(self, entry: Entry, result: Path) -> Hit:
        try:
            return self.store.adopt(entry, result)
        except OSError as problem:
            # On a disk that fills up the content may have had its place, and the entry none.
            path = result if result.is_file() else self.store.folder / content_name(entry.digest)
            if not path.is_file():
                raise
            self._unwritable(problem)
            return Hit(path, entry.built)


def opened(
    settings: Settings, network: Network, folder: Path, say: Callable[[str], None], signatures: Signatures
) -> Cache:
    """The cache as the settings want it; UserError where they would give a secret away, or nothing could be used."""
    report = Report(say, settings.cache_strict)
    mode = CacheMode.OFF if settings.no_cache else settings.cache_mode
    remote = None
    if settings.cache_url and mode not in {CacheMode.OFF, CacheMode.LOCAL}:
        remote = Remote(
            server(settings, network), report, folder / "quarantine",
            reads=mode is not CacheMode.REFRESH, writes=mode is not CacheMode.READ, signatures=signatures,
        )  # fmt: skip
        if remote.reads and signatures.checks and not signatures.signers:
            raise UserError(
                "SIGNING=require takes only what is signed from CACHE_URL, and nobody's signature is trusted",
                "add a key to recipes/allowed_signers, or set CACHE_MODE=local",
            )
    why = {
        CacheMode.OFF: "NO_CACHE=1" if settings.no_cache else "CACHE_MODE=off",
        CacheMode.REFRESH: "CACHE_MODE=refresh",
    }
    return Cache(
        Store(folder), remote, report, settings.cache_size,
        skip_reason=why.get(mode, ""), writes=mode is not CacheMode.OFF, no_packages=settings.no_package_cache,
    )  # fmt: skip


def server(settings: Settings, network: Network) -> WebDav:
    """The server of CACHE_URL."""
    url = settings.cache_url
    who = credentials.chosen(settings, netrc(url))
    verify = str(network.ca_bundle) if network.ca_bundle else True
    # A proxy would get what is safe to send here only because it does not leave this machine.
    between = {} if credentials.is_loopback(url) else proxies(url, network)
    return WebDav(url, who, verify, between)
