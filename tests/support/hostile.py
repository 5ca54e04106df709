"""A web server of raw sockets that does what no good server does: it resets, truncates, lies and drips."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """One answer. `length` is the Content-Length it claims: None for none, -1 for the true one.

    `drip` is the pause after each byte of the body, in seconds; `reset` breaks the connection off after `cut` bytes of
    the body; `silent` never answers. `word` is the reason phrase.
    """

    code: int = 200
    body: bytes = b""
    headers: tuple[str, ...] = ()
    length: int | None = -1
    drip: float = 0
    cut: int | None = None
    reset: bool = False
    silent: bool = False
    raw: Callable[[], Iterator[bytes]] | None = None  # what is sent instead of all that, a piece each 50 ms
    word: str = "Word"


Rule = Callable[[str, str, int], Answer]  # method, path, and how many requests for it came before


@dataclass
class Hostile:
    """Answers as its rule says, and remembers every request: method, path, body."""

    rule: Rule
    listener: socket.socket
    requests: list[tuple[str, str]] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)
    closed: bool = False

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def asked(self, *methods: str) -> int:
        """How many requests came, of these methods."""
        return len([method for method, _ in self.requests if not methods or method in methods])

    def serve(self) -> None:
        """Take one connection after the other, one request each."""
        with suppress(OSError):
            while not self.closed:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, IndexError):
            head, _, body = self._until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
            method, path = head.decode().split()[:2]
            self.heads.append(head.decode())
            before = self.requests.count((method, path))
            self.requests.append((method, path))
            answer = self.rule(method, path, before)
            if answer.silent:
                connection.recv(1)  # until the other side has had enough
                return
            if method == "PUT" and not (answer.reset and answer.cut == 0):
                length = int(
                    next(line for line in head.decode().lower().split("\r\n") if "content-length" in line)[15:]
                )
                while len(body) < length:
                    body += connection.recv(65536)
                self.bodies[path] = body
            self._answer(connection, answer, method)

    def _answer(self, connection: socket.socket, answer: Answer, method: str) -> None:
        if answer.raw:
            for piece in answer.raw():
                connection.sendall(piece)
                time.sleep(0.05)
            return
        length = len(answer.body) if answer.length == -1 else answer.length
        lines = [f"HTTP/1.1 {answer.code} {answer.word}", "Connection: close", *answer.headers]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        if not (answer.reset and answer.cut == 0):
            connection.sendall("\r\n".join(lines).encode(errors="surrogateescape") + b"\r\n\r\n")
        body = b"" if method == "HEAD" else answer.body[: answer.cut]
        if answer.drip:
            for position in range(len(body)):
                connection.sendall(body[position : position + 1])
                time.sleep(answer.drip)
        else:
            connection.sendall(body)
        if answer.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    @staticmethod
    def _until(connection: socket.socket, end: bytes) -> bytes:
        data = b""
        while end not in data:
            chunk = connection.recv(65536)
            if not chunk:
                break
            data += chunk
        return data


@contextmanager
def hostile(rule: Rule) -> Iterator[Hostile]:
    """Run the server on a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Hostile(rule, listener)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closed = True
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()
