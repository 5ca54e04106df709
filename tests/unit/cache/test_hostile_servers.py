"""Servers that never end, speak nonsense, or would have us tell a secret: Trouble in time, and nothing else."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder.cache import cache as module
from builder.cache.credentials import Credentials
from builder.cache.patience import Patience, Trouble
from builder.cache.store import Miss
from builder.cache.webdav import WebDav
from builder.inputs.network import Network
from tests.support.factories import settings
from tests.support.hostile import Answer, hostile
from tests.support.scene import GOOD, QUICK, content_path, honest, scene, stage

HEAD = b"HTTP/1.1 200 OK\r\n"


def continues() -> Iterator[bytes]:
    """100 Continue forever."""
    return itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n")


def slow_head() -> Iterator[bytes]:
    """A head that never ends, byte by byte."""
    yield HEAD
    for letter in itertools.cycle(b"X-A: b\r\n"):
        yield bytes([letter])


def trailers() -> Iterator[bytes]:
    """A whole body, and then trailers forever."""
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    yield f"{len(GOOD):x}\r\n".encode() + GOOD + b"\r\n0\r\n"
    yield from itertools.repeat(b"X-A: b\r\n")


ENDLESS = {"100 Continue": continues, "its head": slow_head, "trailers": trailers}


# Only what is read whole is waited for beyond its head.
@pytest.mark.parametrize(
    ("which", "method"),
    [*itertools.product(["100 Continue", "its head"], ["GET", "HEAD", "PUT"]), ("trailers", "GET")],
)
def test_an_answer_that_never_ends_is_cut(which: str, method: str) -> None:
    with hostile(lambda *request: Answer(raw=ENDLESS[which])) as server:
        dav = WebDav(server.url, patience=QUICK)
        asks: dict[str, Callable[[], object]] = {
            "GET": lambda: dav.read("x", 10_000),
            "HEAD": lambda: dav.size("x"),
            "PUT": lambda: dav.write("x", b"content"),
        }
        started = time.monotonic()
        with pytest.raises(Trouble, match="is too slow"):
            asks[method]()
    assert time.monotonic() - started < QUICK.grace + 2


def test_a_body_slower_than_the_slowest_is_given_up_though_its_deadline_is_far(tmp_path: Path) -> None:
    patience = Patience(connect=1, idle=0.4, grace=0.5, slowest=64 * 1024)
    with hostile(lambda *request: Answer(body=bytes(1000), drip=0.1, length=4 << 30)) as server:
        started = time.monotonic()
        with pytest.raises(Trouble, match="is too slow"):
            WebDav(server.url, patience=patience).download("x", 4 << 30, tmp_path / "part")
    assert time.monotonic() - started < 3


def test_a_body_that_is_fast_enough_outlives_the_window(tmp_path: Path) -> None:
    patience = Patience(connect=1, idle=0.4, grace=0.3, slowest=10)
    with hostile(lambda *request: Answer(body=bytes(40), drip=0.02)) as server:
        WebDav(server.url, patience=patience).download("x", 40, tmp_path / "part")


NONSENSE = {
    "a Location that is no URL": Answer(302, headers=("Location: http://[",)),
    "a Location that is not UTF-8": Answer(302, headers=("Location: http://\udcff\udcfe/",)),
    "a Location of a label too long": Answer(302, headers=(f"Location: http://{'a' * 70}.b/",)),
    "no Location": Answer(302),
    "a Content-Length of 5,000 digits": Answer(404, length=int("9" * 4000)),
    "a Retry-After of 5,000 digits": Answer(503, headers=(f"Retry-After: {'9' * 5000}",)),
    "a status of its own": Answer(999),
    "no HTTP": Answer(raw=lambda: iter([b"\x00\x01\x02\r\n\r\n"])),
    "a header without end": Answer(raw=lambda: iter([HEAD + b"X: " + b"y" * 100_000])),
    "thousands of headers": Answer(raw=lambda: iter([HEAD + b"X: y\r\n" * 5000 + b"\r\n"])),
    "chunks of no size": Answer(raw=lambda: iter([HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"])),
}


@pytest.mark.parametrize("which", NONSENSE)
def test_nonsense_is_a_miss_and_kills_no_build(tmp_path: Path, which: str) -> None:
    with hostile(lambda *request: NONSENSE[which]) as server:
        here = scene(tmp_path, server.url, writes=True)
        assert isinstance(here.find(), Miss)
        assert here.keep().path.read_bytes() == GOOD
    assert len(here.warnings) <= 1


def test_a_length_of_5000_digits_counts_as_none() -> None:
    answer = HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n"
    with hostile(lambda *request: Answer(raw=lambda: iter([answer]))) as server:
        assert WebDav(server.url, patience=QUICK).size("x") == -1


@pytest.mark.parametrize("url", ["http://a..b", "http://" + "a" * 70 + ".b", "http://\u200b", "http://[::1"])
def test_a_url_that_no_library_takes_is_a_miss(tmp_path: Path, url: str) -> None:
    here = scene(tmp_path, url)
    assert isinstance(here.find(), Miss)
    assert here.cache.report.troubles.total() == 1


@pytest.mark.parametrize("token", ["hush\r", "hush\nX: y", "hush\u200b", "\udcffhush"])
def test_a_secret_that_can_not_be_sent_is_in_no_message(tmp_path: Path, token: str) -> None:
    with hostile(honest()) as server:
        here = scene(tmp_path, server.url, who=Credentials("CACHE_TOKEN", token=token))
        here.expect(here.find(), "unexpected")
    assert "hush" not in "".join(here.shown)


def test_what_a_server_says_moves_no_cursor(tmp_path: Path) -> None:
    with hostile(honest(entry=Answer(418, word="\x1b[2J\x1b]0;owned\x07"))) as server:
        here = scene(tmp_path, server.url)
        here.expect(here.find(), "unexpected")
    assert here.shown[0].isprintable()
    assert "owned" not in here.shown[0]
    assert str(Trouble("x", "a\x1b[2Jb\u202ec\nd")) == "a?[2Jb?c?d"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "localhost.", "[::1]"])
def test_loopback_never_goes_through_a_proxy(tmp_path: Path, host: str) -> None:
    network = Network(None, {"http_proxy": "http://proxy:3128", "all_proxy": "http://proxy:3128"}, {})
    given = settings(tmp_path, CACHE_URL=f"http://{host}:8080", CACHE_TOKEN="hush-hush")
    assert module.server(given, network).proxies == {}


def test_another_machine_does(tmp_path: Path) -> None:
    network = Network(None, {"https_proxy": "http://proxy:3128"}, {})
    given = settings(tmp_path, CACHE_URL="https://cache.example.org", CACHE_TOKEN="hush-hush")
    assert module.server(given, network).proxies == {"https": "http://proxy:3128"}


def test_the_second_try_after_other_bytes_asks_past_caches(tmp_path: Path) -> None:
    with hostile(honest(content=Answer(body=b"x" * len(GOOD)))) as server:
        scene(tmp_path, server.url).find()
    asked = ["cache-control: no-cache" in head.lower() for head in server.heads if content_path() in head]
    assert asked == [False, True]


def test_truncated_content_spoils_itself_only_and_is_replaced_by_what_was_built(tmp_path: Path) -> None:
    def rule(method: str, path: str, before: int) -> Answer:
        if method == "HEAD":
            return Answer(length=len(GOOD))
        return Answer(204) if method == "PUT" else cut(method, path, before)

    cut = honest(content=Answer(body=GOOD[:20]))
    with hostile(rule) as server:
        here = scene(tmp_path, server.url, writes=True)
        here.expect(here.find(), "truncated")
        here.keep()
        assert server.bodies[content_path()] == GOOD
        here.find(stage("3.12.1"))
        assert len(here.warnings) == 1
