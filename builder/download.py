"""One download, from a URL or a folder into a file: bounded in bytes and in time, whatever the other side does.

Nothing it says is believed: the caller knows the digest. A server that drips is given up, even within its headers.
"""

from __future__ import annotations

import http
import http.client
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import requests
import tenacity
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from builder.files import opened
from builder.network import Network

LARGEST = 512 << 20  # bytes: more than any source has

_CHUNK = 1 << 20
_TIMEOUT = (10, 60)  # seconds: to connect, and between two reads
_GRACE = 60  # seconds that an attempt may take beside what its bytes need
_SLOWEST = 16 << 10  # bytes a second
_LONGEST = 3600  # seconds of an attempt

# What the machinery below raises for an answer that is none; what requests raises is an OSError.
FAILURES = (OSError, ValueError, http.client.HTTPException, urllib3.exceptions.HTTPError)


class Refused(OSError):
    """Why a place is given up, in our own words."""


class _BrokenOff(Exception):
    """The connection ended before its time: another try may go on there."""


def proxies(url: str, network: Network) -> dict[str, str]:
    """The proxies for a URL, by scheme, as requests takes them."""
    lower = {name.lower(): value for name, value in sorted(network.proxies.items())}  # lower case wins
    bypassed = requests.utils.should_bypass_proxies(url, lower.pop("no_proxy", ""))
    return {} if bypassed else {name.removesuffix("_proxy"): value for name, value in lower.items()}


def download(url: str, file: BinaryIO, network: Network, most: int = LARGEST) -> None:
    """Bring what a URL or a path names into `file`, behind what an earlier try has left there.

    Raises one of FAILURES; `reason` says it in words. Of a broken download `file` keeps what had come.
    """
    if "://" not in url or url.startswith("file://"):
        with opened(Path(url.removeprefix("file://"))) as given:
            _copy(given.read, file, 0, most)
        return
    try:
        _patiently(url, file, network, most)
    except _BrokenOff:
        raise Refused("the connection broke off") from None


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(_BrokenOff),
    stop=tenacity.stop_after_attempt(4),
    wait=tenacity.wait_random_exponential(max=10),
    reraise=True,
)
def _patiently(url: str, file: BinaryIO, network: Network, most: int) -> None:
    with _watched() as (session, received):
        try:
            _attempt(url, file, network, most, session, received)
        except (requests.ReadTimeout, urllib3.exceptions.HTTPError) as problem:
            raise _BrokenOff from problem


def _attempt(
    url: str, file: BinaryIO, network: Network, most: int, session: requests.Session, received: Callable[[int], None]
) -> None:
    have = file.seek(0, os.SEEK_END)
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    verify = str(network.ca_bundle) if network.ca_bundle else True
    with session.get(
        url, headers=headers, stream=True, timeout=_TIMEOUT, verify=verify, proxies=proxies(url, network)
    ) as answer:
        if have and answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # all of it is here already: the digest will tell
        answer.raise_for_status()
        resumed = answer.status_code == requests.codes.partial_content

        def chunk(size: int) -> bytes:
            # As the bytes come: read() would wait for a whole chunk, however slowly it drips.
            content: bytes = answer.raw.read1(size, decode_content=False)
            received(len(content))
            return content

        _copy(chunk, file, have if resumed else 0, most)


def _copy(read: Callable[[int], bytes], file: BinaryIO, start: int, most: int) -> None:
    """Write what `read` hands out into a file from `start` on, up to `most` bytes in all."""
    file.seek(start)
    file.truncate()
    while content := read(_CHUNK):
        if file.tell() + len(content) > most:
            file.truncate(0)
            raise Refused(f"more than {most >> 20} MiB, given up")
        file.write(content)


@contextmanager
def _watched() -> Iterator[tuple[requests.Session, Callable[[int], None]]]:
    """A session whose connections are cut once an attempt has taken too long for what it has received.

    The library's own timeouts count from byte to byte only.
    """
    started, bytes_received = time.monotonic(), 0
    connections: list[socket.socket] = []
    over, cut = threading.Event(), threading.Event()

    def received(count: int) -> None:
        nonlocal bytes_received
        bytes_received += count

    def watch() -> None:
        while not over.wait(min(1, _GRACE)):
            if time.monotonic() - started > min(_GRACE + bytes_received / _SLOWEST, _LONGEST):
                cut.set()
                for connection in tuple(connections):
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)

    watcher = threading.Thread(target=watch, daemon=True)
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(connections))
        watcher.start()
        try:
            yield session, received
        except Exception:
            if not cut.is_set():
                raise
        finally:
            over.set()
            watcher.join()
            for connection in connections:
                connection.close()
    if cut.is_set():  # then it may look like an end
        raise Refused("too slow, given up")


class _Adapter(requests.adapters.HTTPAdapter):
    """Keeps a second handle of every connection, which can end it from another thread even within TLS."""

    def __init__(self, connections: list[socket.socket]) -> None:
        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                made = super()._new_conn()
                connections.append(made.dup())
                return made

        class Secured(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                made = super()._new_conn()
                connections.append(made.dup())
                return made

        class PlainPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Plain

        class SecuredPool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Secured

        self._pools = {"http": PlainPool, "https": SecuredPool}
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """As requests calls it."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> urllib3.ProxyManager:
        """As requests calls it."""
        manager: urllib3.ProxyManager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


def reason(problem: Exception) -> str:
    """Why a download failed; the server's own words are not repeated."""
    if isinstance(problem, requests.HTTPError) and problem.response is not None:
        code = problem.response.status_code
        known = {int(status): status.phrase for status in http.HTTPStatus}
        return f"{code} {known.get(code, '')}".rstrip()
    if isinstance(problem, requests.exceptions.SSLError):
        return "the certificate is not trusted (set CA_BUNDLE)"
    if isinstance(problem, Refused):
        return str(problem)
    return problem.strerror if isinstance(problem, OSError) and problem.strerror else type(problem).__name__
