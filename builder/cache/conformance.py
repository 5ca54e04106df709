"""Whether a web server is fit to be the cache: each point tried against it, with objects nobody else uses."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from builder.cache.entry import content_name, entry_name
from builder.cache.patience import Absent, Trouble
from builder.cache.signatures import signature_name
from builder.cache.webdav import WebDav
from builder.cache.webdav_probe import anonymous, another, ask, write_half

_SIZE = 5_000_000  # bytes: more than a server keeps in memory


@dataclass(frozen=True)
class Point:
    """One requirement on a server, and what was seen instead; empty if the server meets it."""

    name: str
    seen: str


def points(server: WebDav) -> Iterator[Point]:
    """Try each point. The objects stay on the server, as none is ever deleted, and age there."""
    body = os.urandom(_SIZE)
    digest = hashlib.sha256(body).hexdigest()
    name, entry = content_name(digest), entry_name("check-2", digest)  # a kind may have a digit: library-bzip2
    checks: dict[str, Callable[[], str]] = {
        "an object that is not there answers 404": lambda: _absent(server, name),
        "PUT creates an object": lambda: _creates(server, name, body),
        "an upload that breaks off leaves nothing": lambda: _breaks_off(server, name[:-8] + "deadbeef"),
        "GET returns its bytes": lambda: "" if server.read(name, _SIZE) == body else "other bytes",
        "HEAD returns its size": lambda: _differs(server.size(name), _SIZE),
        "PUT replaces an entry": lambda: _replaces(server, entry),
        "an entry's signature has its place next to it": lambda: _replaces(server, signature_name(entry)),
        "a reader never sees half of a replacement": lambda: _torn(server, entry),
        "a folder is not listed": lambda: _listing(server, name),
        "nothing is renamed, copied or removed": lambda: _destroys(server, name),
        "a writer must say who it is": lambda: _anonymous(server, name),
    }
    for point, check in checks.items():
        try:
            seen = check()
        except Absent:
            seen = "404"
        except Trouble as trouble:
            seen = str(trouble)
        yield Point(point, seen)


def _differs(seen: object, wanted: object) -> str:
    return "" if seen == wanted else f"{seen}, not {wanted}"


def _absent(server: WebDav, name: str) -> str:
    try:
        return f"{len(server.read(name, _SIZE))} bytes"
    except Absent:
        return ""


def _creates(server: WebDav, name: str, body: bytes) -> str:
    server.write(name, body)
    return ""


def _breaks_off(server: WebDav, name: str) -> str:
    write_half(server, name, _SIZE)
    server.sleep(1)  # until the server has noticed
    return _differs(server.size(name), None)


def _replaces(server: WebDav, name: str) -> str:
    for text in (b"first", b"second, and longer"):
        server.write(name, text)
        if server.read(name, 100) != text:
            return "the earlier bytes"
    return ""


def _torn(server: WebDav, name: str) -> str:
    texts = [letter * 60_000 for letter in (b"a", b"b")]

    def overwrite() -> None:
        writer = another(server)
        for text in texts * 30:
            writer.write(name, text)

    server.write(name, texts[0])
    seen = ""
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(overwrite)
        while not ended.done():
            if server.read(name, 100_000) not in texts:
                seen = "a mixture of old and new"
    ended.result()
    return seen


def _listing(server: WebDav, name: str) -> str:
    code, body = ask(server, "GET", name.rpartition("/")[0] + "/")
    return "names of objects" if code == 200 and name.rpartition("/")[2].encode() in body else ""


def _destroys(server: WebDav, name: str) -> str:
    other = name[:-1] + ("0" if name[-1] != "0" else "1")
    allowed = [
        method
        for method in ("COPY", "MOVE", "DELETE")
        if ask(server, method, name, {"Destination": f"{server.url}/{other}"})[0] < 400
    ]
    return f"{', '.join(allowed)} allowed" if allowed else ""


def _anonymous(server: WebDav, name: str) -> str:
    code, _ = ask(anonymous(server), "PUT", name)
    return "" if code in {401, 403} else f"{code} without credentials"
