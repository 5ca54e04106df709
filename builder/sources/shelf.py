"""The sources we download: pinned by digest, tried at several places, verified while they stream in."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from io import BufferedRandom
from pathlib import Path

import filelock

from builder import command
from builder.errors import BuildError
from builder.files import again, digest, new_part
from builder.inputs.network import Network
from builder.inputs.pins import Source
from builder.sources.download import FAILURES, TooLarge, download_to, reason


def debian_mirrors() -> list[str]:
    """The Debian mirrors apt uses on this machine; none without apt, or where it is another distribution's."""
    apt = shutil.which("apt-get") or "/usr/bin/apt-get"  # a PATH of Python and little else is enough for us
    try:
        targets = command.output([apt, "indextargets", "--format", "$(REPO_URI)", "Origin: Debian"])
    except (OSError, BuildError):  # no apt here
        return []
    return list(dict.fromkeys(targets.split()))


class Missing(BuildError):
    """No place has a file."""


@dataclass(frozen=True)
class SourceShelf:
    """The folder that keeps downloaded sources, each under its digest."""

    folder: Path
    network: Network
    mirror: str
    debian_mirror: str
    say: Callable[[str], None]

    def path(self, source: Source) -> Path:
        """Where the source is, once it was downloaded. A file put there by hand will do, if its digest is right."""
        return self.folder / source.sha256[:16] / source.file

    def fetch(self, source: Source) -> Path:
        """Bring the source here, from the first place that has the right bytes, and return its path."""
        path = self.path(source)
        if _is(path, source.sha256):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.alone(path):
            if _is(path, source.sha256):  # another build was quicker
                return path
            if path.exists():
                self.say(f"{path} has a wrong digest: fetched again")
                path.unlink()
            self._bring(source, path)
        return path

    def offered(self, source: Source) -> bool:
        """Whether the source is here, or some place answers with a file: what is in it shows when it is fetched."""
        return self.path(source).exists() or any(map(self._answers, self._urls(source)))

    def differing(self, source: Source) -> list[str]:
        """The URLs that have other bytes than a source's digest says; those that don't answer are passed over."""
        self.folder.mkdir(parents=True, exist_ok=True)
        found = []
        for url in self._urls(source):
            with tempfile.TemporaryFile(dir=self.folder) as file, suppress(*FAILURES):
                download_to(url, file, self.network)
                found += [url] if _digest_of(file) != source.sha256 else []
        return found

    def glance(self, path: str, most: int) -> bytes:
        """A file below a Debian mirror as it is today, unverified: to show the user, never to build from."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tried = ""
        for url in self._debian(path):
            with tempfile.TemporaryFile(dir=self.folder) as file:
                try:
                    download_to(url, file, self.network, most)
                    file.seek(0)
                    return file.read()
                except FAILURES as problem:
                    tried += f"\n    {url}: {reason(problem)}"
        raise Missing(f"no mirror has {path}:{self.network.redact(tried)}", "set DEBIAN_MIRROR")

    @contextmanager
    def alone(self, path: Path) -> Iterator[None]:
        """Hold a source alone: another build that wants it waits, and then finds it."""
        lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            self.say(f"{path.name}: another build downloads it: waiting")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _answers(self, url: str) -> bool:
        with tempfile.TemporaryFile(dir=self.folder) as file:
            try:
                download_to(url, file, self.network, 1)
            except TooLarge:
                return True
            except FAILURES:
                return False
        return True

    def _bring(self, source: Source, path: Path) -> None:
        """Download a source from the first place that has it; an earlier run left nothing but partial files."""
        tried = []
        for url in self._urls(source):
            # By place: what one place began, no other may continue.
            place = f"{hashlib.sha256(url.encode()).hexdigest()[:8]}."
            file, part = self._begun(path, place) or new_part(path, place)
            try:
                with file:
                    found = self._digest_of_download(url, file, source.sha256)
                if found == source.sha256:
                    part.rename(path)
                    for other in path.parent.glob(f".{path.name}.*.part"):
                        other.unlink()
                    return
                part.unlink()
                tried.append(f"{url}: wrong digest, sha256 {found}")
            except FAILURES as problem:
                if not part.stat().st_size:
                    part.unlink()
                if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
                    raise
                tried.append(f"{url}: {reason(problem)}")
        places = "".join(f"\n    {line}" for line in tried) or "\n    no place to ask"
        raise Missing(
            f"no place has {source.file} with sha256 {source.sha256}:{self.network.redact(places)}",
            f"copy the file to {path}, or set SOURCE_MIRROR or DEBIAN_MIRROR",
        )

    def _begun(self, path: Path, place: str) -> tuple[BufferedRandom, Path] | None:
        """What an interrupted run had of a source from a place; we hold the lock, so nobody writes it now."""
        for part in path.parent.glob(f".{path.name}.{place}*.part"):
            file = again(part)
            if file:
                return file, part
        return None

    def _digest_of_download(self, url: str, file: BufferedRandom, wanted: str) -> str:
        """Download, and again from the start if continuing an earlier part gave the wrong bytes."""
        begun = file.seek(0, os.SEEK_END)
        download_to(url, file, self.network)
        found = _digest_of(file)
        if begun and found != wanted:
            file.truncate(0)
            download_to(url, file, self.network)
            found = _digest_of(file)
        return found

    def _urls(self, source: Source) -> Iterator[str]:
        if self.mirror:
            yield f"{self.mirror.rstrip('/')}/{source.file}"
        for place in source.places:
            if place.startswith("debian:"):
                yield from self._debian(place.removeprefix("debian:"))
            else:
                yield place

    @cached_property
    def _mirrors(self) -> list[str]:
        """Asked once: a root file system has hundreds of packages."""
        return [self.debian_mirror] if self.debian_mirror else debian_mirrors()

    def _debian(self, path: str) -> list[str]:
        return [f"{mirror.rstrip('/')}/{path}" for mirror in self._mirrors]


def _is(path: Path, sha256: str) -> bool:
    try:
        return digest(path) == sha256
    except OSError:
        return False


def _digest_of(file: BufferedRandom) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()
