"""What no honest client asks of a web server, to see what it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from builder.cache.credentials import NOBODY
from builder.cache.patience import Trouble
from builder.cache.webdav import WebDav
from builder.connections import Session


class _BrokeOff(Exception):
    pass


class _Half:
    """A body that promises a size and breaks off in its middle."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        yield bytes(self._size // 2)
        raise _BrokeOff


def ask(server: WebDav, method: str, name: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Send a bare request; the answer's code, and the first part of its body."""
    deadline = server.now() + server.patience.grace
    with server.watch(name, deadline), server.request(method, f"{server.url}/{name}", more=headers) as response:
        return response.status_code, next(response.iter_content(100_000), b"")


def write_half(server: WebDav, name: str, size: int) -> None:
    """Begin to put an object of that size, and break off in its middle."""
    writer = another(server)
    with suppress(Trouble), writer.watch(name, writer.now() + writer.patience.grace):
        writer.request("PUT", f"{server.url}/{name}", data=_Half(size))
    writer.session.close()


def another(server: WebDav) -> WebDav:
    """The same server over a connection of its own."""
    return replace(server, session=Session())


def anonymous(server: WebDav) -> WebDav:
    """The same server, for a client without credentials."""
    return replace(server, session=Session(), credentials=NOBODY)
