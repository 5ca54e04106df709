"""Objects on a web server that takes GET and PUT: bounded in time and memory, and nothing the server says is believed.

How long a body is and what is in it is the caller's knowledge; the server's headers are not asked.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from tqdm import tqdm
from tqdm.utils import CallbackIOWrapper

from builder.cache.credentials import NOBODY, Credentials
from builder.cache.patience import PATIENT, Absent, Patience, Trouble, repeated
from builder.cache.watch import Watch
from builder.cache.webdav_request import asked, authentication, reason
from builder.connections import Session

T = TypeVar("T")

_CHUNK = 256 * 1024
_LATER = {408, 425, 429}  # as every 5xx but 501: worth another try
_MOVED = {301, 302, 303, 307, 308}
_PAST_CACHES = {"Cache-Control": "no-cache"}  # https://www.rfc-editor.org/rfc/rfc9111#section-5.2.1.4


@dataclass
class WebDav:
    """The server. `verify` is a CA bundle or true, `proxies` are by scheme; both are all that is looked at."""

    url: str
    credentials: Credentials = NOBODY
    verify: str | bool = True
    proxies: Mapping[str, str] = field(default_factory=dict)
    patience: Patience = PATIENT
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    session: Session = field(default_factory=Session, repr=False)

    def __post_init__(self) -> None:
        # Otherwise netrc replaces our credentials, and REQUESTS_CA_BUNDLE our certificates.
        self.session.trust_env = False
        self.session.auth = authentication(self.credentials)

    def read(self, name: str, most: int, past_caches: bool = False) -> bytes:
        """A small object, of at most so many bytes; `past_caches` as for a `download`."""

        def attempt(watch: Watch) -> bytes:
            with self._get(name, more=_PAST_CACHES if past_caches else None) as response:
                return b"".join(self._body(response, name, most, watch))

        return self._repeated(attempt, name, 0)

    def download(self, name: str, size: int, part: Path, exact: bool = True, past_caches: bool = False) -> str:
        """Stream an object into a file, and return its sha256. It has that size, or at most that if not `exact`.

        `past_caches` asks for what the server itself has, whatever a proxy on the way kept of it.
        """

        def attempt(watch: Watch) -> str:
            seen = hashlib.sha256()
            received = 0
            with (
                self._get(name, more=_PAST_CACHES if past_caches else None) as response,
                part.open("wb", buffering=0) as file,
                _progress(name, size) as bar,
            ):
                for chunk in self._body(response, name, size, watch):
                    seen.update(chunk)
                    _write(file, chunk, part)
                    received += len(chunk)
                    bar.update(len(chunk))
            if exact and received < size:
                raise Trouble("truncated", f"{self.url}/{name} ended after {received} of {size} bytes", passing=True)
            return seen.hexdigest()

        return self._repeated(attempt, name, size)

    def size(self, name: str) -> int | None:
        """The length of an object as the server reports it; None if there is no object, -1 if it reports no length."""

        def attempt(watch: Watch) -> int | None:
            try:
                with self._get(name, "HEAD") as response:
                    length = response.headers.get("Content-Length", "")
            except Absent:
                return None
            return int(length) if re.fullmatch("[0-9]{1,18}", length) else -1

        return self._repeated(attempt, name, 0)

    def write(self, name: str, content: Path | bytes) -> bool:
        """Put an object, from its first byte in every attempt; returns whether there was none before."""
        size = len(content) if isinstance(content, bytes) else content.stat().st_size

        def attempt(watch: Watch) -> bool:
            if isinstance(content, bytes):
                return self._put(name, content, size)
            with content.open("rb") as file, _progress(name, size) as bar:

                def sent(count: int) -> None:
                    bar.update(count)
                    watch.moved += count

                return self._put(name, CallbackIOWrapper(sent, file, "read"), size)

        return self._repeated(attempt, name, size)

    def watch(self, name: str, deadline: float) -> Watch:
        """The hard end of an exchange about an object; `deadline` by our own clock."""
        return Watch(self.session, f"{self.url}/{name}", deadline, self.patience, self.now)

    def _repeated(self, attempt: Callable[[Watch], T], name: str, size: int) -> T:
        def watched(deadline: float) -> T:
            with self.watch(name, deadline) as watch:
                return attempt(watch)

        return repeated(watched, size, self.patience, self.sleep, self.now)

    def request(
        self, method: str, url: str, more: Mapping[str, str] | None = None, **options: object
    ) -> requests.Response:
        """One request, whatever the answer; Trouble if there is no answer."""
        return asked(
            self.session, method, url,
            headers={"Accept-Encoding": "identity", **(more or {})}, verify=self.verify, proxies=dict(self.proxies),
            **{"timeout": (self.patience.connect, self.patience.idle), **options},
        )  # fmt: skip

    def _make_folders(self, name: str) -> None:
        """Make the folders of an object one by one: a strict WebDAV server requires it."""
        folders = name.split("/")[:-1]
        for count in range(1, len(folders) + 1):
            self.request("MKCOL", f"{self.url}/{'/'.join(folders[:count])}").close()

    def _get(self, name: str, method: str = "GET", more: Mapping[str, str] | None = None) -> requests.Response:
        """An answer that has the object; follows a server to another place on itself, and nowhere else."""
        url = f"{self.url}/{name}"
        for _ in range(4):
            response = self.request(method, url, more)
            if response.status_code not in _MOVED:
                break
            response.close()
            try:
                url = urljoin(url, response.headers.get("Location", ""))
                elsewhere = urlsplit(url)[:2] != urlsplit(self.url)[:2]
            except ValueError:
                elsewhere = True
            if elsewhere:
                raise Trouble("unexpected", f"{self.url}/{name} redirects to another server")
        if response.status_code == 200:
            return response
        response.close()
        if response.status_code in {404, 410}:
            raise Absent(name)
        raise self._trouble(response, name)

    def _put(self, name: str, body: object, size: int) -> bool:
        url = f"{self.url}/{name}"
        # While a body is sent, the time to connect is the time between two bytes.
        with self.request("PUT", url, data=body, timeout=(self.patience.idle, self.patience.idle)) as response:
            code = response.status_code
        if code == 409 and self.size(name) is None:
            self._make_folders(name)
            raise Trouble("unexpected", f"{url} can't be put: its folder is missing", passing=True)
        if code in {200, 201, 204, 409, 412}:  # the last two: it is there, and this server keeps what it has
            return code == 201
        if code == 413:
            megabytes = f"{size / 1e6:,.1f} MB"
            raise Trouble(
                "too-large", f"{url} is refused with its {megabytes}: raise the server's limit (client_max_body_size)"
            )
        if code in {500, 507}:
            raise Trouble("full", f"{url} can't be written ({code}): the server's disk may be full", passing=True)
        raise self._trouble(response, name)

    def _body(self, response: requests.Response, name: str, most: int, watch: Watch) -> Iterator[bytes]:
        """The bytes as they come; Trouble as soon as there are more than there may be."""
        received = 0
        while True:
            try:
                # What is there: read() would wait for the whole chunk, however slowly it drips.
                chunk = response.raw.read1(_CHUNK, decode_content=False)
            except Exception as problem:
                if isinstance(problem, TimeoutError | urllib3.exceptions.ReadTimeoutError):
                    raise Trouble("timeout", f"{self.url}/{name} stalled", passing=True) from None
                raise Trouble("truncated", f"{self.url}/{name} broke off ({reason(problem)})", passing=True) from None
            if not chunk:
                return
            received += len(chunk)
            watch.moved += len(chunk)
            if received > most:
                raise Trouble("oversized", f"{self.url}/{name} has more than {most} bytes")
            yield chunk

    def _trouble(self, response: requests.Response, name: str) -> Trouble:
        code, what = response.status_code, f"{self.url}/{name}"
        if code in {401, 403}:
            return Trouble("forbidden", f"{what} is refused ({code}) with {self.credentials.source}")
        if code in _LATER or (code >= 500 and code != 501):
            asked = response.headers.get("Retry-After", "")
            pause = float(asked) if asked.isdecimal() else 0  # of any length: at worst it is infinite
            return Trouble("unavailable", f"{what} is unavailable ({code})", passing=True, retry_after=pause)
        return Trouble("unexpected", f"{what} answers {code}")  # its own text may be anything


def _progress(name: str, size: int) -> tqdm[NoReturn]:
    """A bar for people at a terminal, once a transfer takes more than two seconds."""
    label = name.rpartition("/")[2][:12]
    return tqdm(total=size, desc=label, unit="B", unit_scale=True, delay=2, leave=False, disable=None)


def _write(file: FileIO, chunk: bytes, part: Path) -> None:
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as problem:
        raise Trouble("no-space", f"{part} can't be written: {problem.strerror}") from None
