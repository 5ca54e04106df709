"""Connections that another thread can cut, at any point: while TLS is agreed on, headers come, or trailers.

The library's own timeouts count from byte to byte only: a server that sends a byte now and then holds it forever.
"""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import requests
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection


class Session(requests.Session):
    """One that leaves redirections to us: otherwise it reads the body of each, however long, even if it may not follow.

    Of every connection it makes it keeps a second handle.
    """

    def __init__(self) -> None:
        super().__init__()
        self._handles: list[tuple[weakref.ref[HTTPConnection], socket.socket]] = []
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(self._handles))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None."""

    def cut(self) -> None:
        """End every connection, whatever another thread is doing with it."""
        for _, handle in tuple(self._handles):
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)
            handle.close()
        self._handles.clear()

    def let_go(self) -> None:
        """Drop the handles of connections that are closed: as long as there is one, the other side does not notice."""
        for pair in tuple(self._handles):
            connection = pair[0]()
            if connection is None or connection.sock is None:
                pair[1].close()
                self._handles.remove(pair)


class Watchdog:
    """Looks every few seconds, in a thread of its own, whether an exchange is too slow, and then cuts its connections.

    Whatever a cut connection looks like to the exchange, an end or a failure: if it `bit`, that was the cause.
    """

    def __init__(self, session: Session, seconds: float, is_too_slow: Callable[[], bool]) -> None:
        self._session, self._seconds, self._is_too_slow = session, seconds, is_too_slow
        self._over, self._bit = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def bit(self) -> bool:
        """Whether the exchange was too slow."""
        return self._bit.is_set()

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more: the exchange has ended."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._seconds):
            if self.bit or self._is_too_slow():
                self._bit.set()
                self._session.cut()  # again and again: another request may have begun


class _Adapter(requests.adapters.HTTPAdapter):
    """Keeps the handles: they reach the connection even within TLS."""

    def __init__(self, handles: list[tuple[weakref.ref[HTTPConnection], socket.socket]]) -> None:
        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                made = super()._new_conn()
                handles.append((weakref.ref(self), made.dup()))
                return made

        class Secured(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                made = super()._new_conn()
                handles.append((weakref.ref(self), made.dup()))
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
