"""The sources we download: pinned by digest, tried at several places, verified while they stream in."""

from __future__ import annotations

import datetime
import errno
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
import tenacity

from builder import command
from builder.errors import BuildError
from builder.network import Network

_CHUNK = 1 << 20
_TIMEOUT = (10, 60)  # seconds: to connect, and between two reads


class _BrokenOff(requests.RequestException):
    """A body that ended or stalled before its end."""


PSF = "PSF-2.0"  # the licence of every CPython since 2.1


@dataclass(frozen=True)
class Source:
    """A file to download. `places` are URLs or `debian:<path below a Debian mirror>`; `released` is its date."""

    name: str
    version: str
    file: str
    sha256: str
    places: tuple[str, ...]
    released: datetime.date | None = None
    licence: str = ""


def debian_mirrors() -> list[str]:
    """The Debian mirrors apt uses on this machine; none where there is no apt."""
    try:
        targets = command.output(["apt-get", "indextargets", "--format", "$(REPO_URI)"])
    except (OSError, BuildError):  # no apt here
        return []
    return list(dict.fromkeys(targets.split()))


def digest(path: Path) -> str:
    """The file's sha256, as hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class SourceShelf:
    """The folder that keeps downloaded sources, each under its digest."""

    folder: Path
    network: Network
    mirror: str
    debian_mirror: str
    note: Callable[[str], None]

    def path(self, source: Source) -> Path:
        """Where the source stands, once it is here. A file put there by hand is as good, if its digest is right."""
        return self.folder / source.sha256[:16] / source.file

    def fetch(self, source: Source) -> Path:
        """Bring the source here, from the first place that has the right bytes, and return its path."""
        path = self.path(source)
        if path.is_file():
            if digest(path) == source.sha256:
                return path
            self.note(f"{path} has a wrong digest: fetched anew")
            path.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        tried = []
        for url in self._urls(source):
            # Named by place: what one place began, no other may go on with.
            part = path.with_name(f"{path.name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part")
            try:
                found = self._digest_of_download(url, part, source.sha256)
            except OSError as problem:  # what requests raises is one as well
                if problem.errno == errno.ENOSPC:
                    raise
                tried.append(f"{url}: {_reason(problem)}")
                continue
            if found == source.sha256:
                part.rename(path)
                for other in path.parent.glob(f"{path.name}.*.part"):
                    other.unlink()
                return path
            part.unlink()
            tried.append(f"{url}: wrong digest, sha256 {found}")
        places = "".join(f"\n    {line}" for line in tried) or "\n    no place to ask"
        raise BuildError(
            f"no place has {source.file} with sha256 {source.sha256}:{self.network.redact(places)}",
            f"copy the file to {path}, or set SOURCE_MIRROR or DEBIAN_MIRROR",
        )

    def glance(self, path: str) -> bytes:
        """A file below a Debian mirror as it is today, unverified: to tell the user, never to build from."""
        part = self.folder / "glance.part"
        part.parent.mkdir(parents=True, exist_ok=True)
        tried = ""
        for url in self._debian(path):
            part.unlink(missing_ok=True)
            try:
                self._download(url, part)
                return part.read_bytes()
            except OSError as problem:  # what requests raises is one as well
                tried += f"\n    {url}: {_reason(problem)}"
            finally:
                part.unlink(missing_ok=True)
        raise BuildError(f"no mirror has {path}:{self.network.redact(tried)}", "set DEBIAN_MIRROR")

    def _digest_of_download(self, url: str, part: Path, wanted: str) -> str:
        """Download, and once more from the start if going on with an earlier part gave the wrong bytes."""
        begun = part.exists()
        self._download(url, part)
        found = digest(part)
        if begun and found != wanted:
            part.unlink()
            self._download(url, part)
            found = digest(part)
        return found

    def _urls(self, source: Source) -> Iterator[str]:
        if self.mirror:
            yield f"{self.mirror.rstrip('/')}/{source.file}"
        for place in source.places:
            if place.startswith("debian:"):
                yield from self._debian(place.removeprefix("debian:"))
            else:
                yield place

    def _debian(self, path: str) -> list[str]:
        mirrors = [self.debian_mirror] if self.debian_mirror else debian_mirrors()
        return [f"{mirror.rstrip('/')}/{path}" for mirror in mirrors]

    @tenacity.retry(
        retry=tenacity.retry_if_exception_type((_BrokenOff, requests.ReadTimeout)),
        stop=tenacity.stop_after_attempt(4),
        wait=tenacity.wait_random_exponential(max=10),
        reraise=True,
    )
    def _download(self, url: str, part: Path) -> None:
        """Stream a URL to `part`, going on where an earlier try broke off."""
        if "://" not in url or url.startswith("file://"):
            part.write_bytes(Path(url.removeprefix("file://")).read_bytes())
            return
        have = part.stat().st_size if part.exists() else 0
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
        verify = str(self.network.ca_bundle) if self.network.ca_bundle else True
        with requests.get(
            url, headers=headers, stream=True, timeout=_TIMEOUT, verify=verify, proxies=proxies(url, self.network)
        ) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                return  # all of it is here already: the digest will tell
            answer.raise_for_status()
            resumed = answer.status_code == requests.codes.partial_content
            with part.open("ab" if resumed else "wb") as stream:
                try:
                    for chunk in answer.iter_content(_CHUNK):
                        stream.write(chunk)
                except requests.RequestException as problem:
                    raise _BrokenOff(*problem.args) from problem


def proxies(url: str, network: Network) -> dict[str, str]:
    """The proxies for a URL, by scheme, as requests takes them."""
    lower = {name.lower(): value for name, value in sorted(network.proxies.items())}  # lower case wins
    bypassed = requests.utils.should_bypass_proxies(url, lower.pop("no_proxy", ""))
    return {} if bypassed else {name.removesuffix("_proxy"): value for name, value in lower.items()}


def _reason(problem: Exception) -> str:
    if isinstance(problem, requests.HTTPError) and problem.response is not None:
        return f"{problem.response.status_code} {problem.response.reason}"
    if isinstance(problem, requests.exceptions.SSLError):
        return "the certificate is not trusted (set CA_BUNDLE)"
    if isinstance(problem, _BrokenOff):
        return "the connection broke off"
    return problem.strerror if isinstance(problem, OSError) and problem.strerror else type(problem).__name__
