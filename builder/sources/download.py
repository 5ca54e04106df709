"""One download, from a URL or a folder into a file: bounded in bytes and in time, whatever the other side does.

Nothing it says is believed: the caller knows the digest. A server that is too slow is given up, also in its headers.
"""

from __future__ import annotations

import http
import http.client
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Self
from urllib.parse import urljoin

import requests
import tenacity
import urllib3

from builder.connections import Session, Watchdog
from builder.files import opened
from builder.inputs.network import Network

LARGEST = 512 << 20  # bytes: more than any source has

_CHUNK = 1 << 20
_TIMEOUT = (10, 60)  # seconds: to connect, and between two reads
_GRACE = 60  # seconds that an attempt may take besides what its bytes need
_SLOWEST = 16 << 10  # bytes a second
_LONGEST = 3600  # seconds of an attempt
_MOST_MOVES = 10

# What the libraries below raise for an answer that is not HTTP; what requests raises is an OSError.
FAILURES = (OSError, ValueError, http.client.HTTPException, urllib3.exceptions.HTTPError)


class Refused(OSError):
    """Why a place is given up."""


class TooLarge(Refused):
    """There is more than was wanted."""


class _BrokenOff(Exception):
    """The connection ended before its time: another try may continue there."""


def proxies(url: str, network: Network) -> dict[str, str]:
    """The proxies for a URL, by scheme, as requests takes them."""
    lower = {name.lower(): value for name, value in sorted(network.proxies.items())}  # lower case wins
    bypassed = requests.utils.should_bypass_proxies(url, lower.pop("no_proxy", ""))
    return {} if bypassed else {name.removesuffix("_proxy"): value for name, value in lower.items()}


def download_to(url: str, file: BinaryIO, network: Network, most: int = LARGEST, question: bytes = b"") -> None:
    """Bring what a URL or a path names into `file`, behind what an earlier try has left there.

    With a `question`, in JSON, it is the answer to that (POST), from the beginning. Raises one of FAILURES; `reason`
    says it in words. Of a broken download `file` keeps what had come.
    """
    if "://" not in url or url.startswith("file://"):
        with opened(Path(url.removeprefix("file://"))) as given:
            _copy(given.read, file, 0, most)
        return
    try:
        _patiently(url, file, network, most, question)
    except _BrokenOff:
        raise Refused("the connection broke off") from None


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(_BrokenOff),
    stop=tenacity.stop_after_attempt(4),
    wait=tenacity.wait_random_exponential(max=10),
    reraise=True,
)
def _patiently(url: str, file: BinaryIO, network: Network, most: int, question: bytes) -> None:
    with _Attempt() as attempt:
        try:
            attempt.download(url, file, network, most, question)
        except (requests.ReadTimeout, urllib3.exceptions.HTTPError) as problem:
            raise _BrokenOff from problem


def _copy(read: Callable[[int], bytes], file: BinaryIO, start: int, most: int) -> None:
    """Write what `read` hands out into a file from `start` on, up to `most` bytes in all."""
    file.seek(start)
    file.truncate()
    while content := read(_CHUNK):
        if file.tell() + len(content) > most:
            file.truncate(0)
            raise TooLarge(f"more than {most >> 20} MiB, given up")
        file.write(content)


class _Attempt:
    """One try, whose connections are cut from another thread once it has taken too long for what it has received.

    The library's own timeouts count from byte to byte only.
    """

    def __init__(self) -> None:
        self._session = Session()
        self._started, self._received = time.monotonic(), 0
        self._dog = Watchdog(self._session, min(1, _GRACE), self._is_too_slow)

    def __enter__(self) -> Self:
        self._dog.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._dog.stop()
        self._session.cut()
        self._session.close()
        if self._dog.bit and (kind is None or issubclass(kind, Exception)):
            raise Refused("too slow, given up") from None

    def download(self, url: str, file: BinaryIO, network: Network, most: int, question: bytes = b"") -> None:
        """Bring the rest of a file, or all of it."""
        have = 0 if question else file.seek(0, os.SEEK_END)
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
        with self._answer(url, headers, network, question) as answer:
            if have and answer.status_code == requests.codes.requested_range_not_satisfiable:
                return  # all of it is here already: the digest will show
            answer.raise_for_status()
            resumed = answer.status_code == requests.codes.partial_content

            def chunk(size: int) -> bytes:
                # As the bytes come: read() would wait for a whole chunk, however slowly it drips.
                content: bytes = answer.raw.read1(size, decode_content=False)
                self._received += len(content)
                return content

            _copy(chunk, file, have if resumed else 0, most)

    def _answer(self, url: str, headers: dict[str, str], network: Network, question: bytes) -> requests.Response:
        """The answer at the end of all redirections, each of which gets the question."""
        verify = str(network.ca_bundle) if network.ca_bundle else True
        for _ in range(_MOST_MOVES):
            answer = self._session.request(
                "POST" if question else "GET", url, data=question or None,
                headers={**headers, **({"Content-Type": "application/json"} if question else {})},
                stream=True, timeout=_TIMEOUT, verify=verify, proxies=proxies(url, network), allow_redirects=False,
            )  # fmt: skip
            if not answer.is_redirect:
                return answer
            answer.close()
            self._session.cut()
            url = urljoin(url, answer.headers["Location"].encode("latin-1").decode())
        raise Refused(f"moved more than {_MOST_MOVES} times")

    def _is_too_slow(self) -> bool:
        return time.monotonic() - self._started > min(_GRACE + self._received / _SLOWEST, _LONGEST)


def reason(problem: Exception) -> str:
    """Why a download failed; the server's own text is not repeated."""
    if isinstance(problem, requests.HTTPError) and problem.response is not None:
        code = problem.response.status_code
        known = {int(status): status.phrase for status in http.HTTPStatus}
        return f"{code} {known.get(code, '')}".rstrip()
    if isinstance(problem, requests.exceptions.SSLError):
        return "the certificate is not trusted (set CA_BUNDLE)"
    if isinstance(problem, Refused):
        return str(problem)
    return problem.strerror if isinstance(problem, OSError) and problem.strerror else type(problem).__name__
