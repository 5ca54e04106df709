"""A download ends, whatever is at the other end: servers that speak raw bytes, and files that are none."""

from __future__ import annotations

import io
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from builder.inputs.network import Network
from builder.sources import download

DIRECT = Network(None, {}, {})
HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of a server that says what it likes, once it was asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with client, suppress(OSError):
                        client.recv(65536)
                        talk(client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/file"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        assert not thread.is_alive()


def endless(first: bytes, then: bytes, pause: float = 0) -> Callable[[socket.socket], None]:
    """A talk that has no end but the client's."""

    def talk(client: socket.socket) -> None:
        client.sendall(first)
        while True:
            client.sendall(then)
            time.sleep(pause)

    return talk


def failure(url: str, most: int = 1 << 20) -> str:
    """Why the download fails; nothing else may come of it."""
    try:
        download.download_to(url, io.BytesIO(), DIRECT, most)
    except download.FAILURES as problem:
        return download.reason(problem)
    return "no failure"


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.sources.download._patiently.retry.sleep", lambda seconds: None)


@pytest.mark.parametrize(
    "first",
    [HEAD + b"\r\n", HEAD + b"Content-Length: 99999999999\r\n\r\n"],
    ids=["of no length", "of a great length"],
)
def test_a_body_without_end_is_given_up_at_the_bound_and_nothing_of_it_stays(first: bytes) -> None:
    file = io.BytesIO()
    with server(endless(first, b"x" * 65536)) as url, pytest.raises(OSError, match="more than 3 MiB, given up"):
        download.download_to(url, file, DIRECT, most=3 << 20)
    assert file.getvalue() == b""


def test_a_compressed_body_is_taken_as_it_is() -> None:
    file = io.BytesIO()
    body = b"\x1f\x8b no gzip at all"
    with server(lambda client: client.sendall(HEAD + b"Content-Encoding: gzip\r\n\r\n" + body)) as url:
        download.download_to(url, file, DIRECT)
    assert file.getvalue() == body


@pytest.mark.parametrize(
    "talk",
    [
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
        endless(HEAD, b"x", 0.01),
        endless(HEAD + b"Content-Length: 999999\r\n\r\n", b"x", 0.01),
        endless(HEAD + b"\r\n", b"x", 0.01),
        endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.01),
        endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n", 0.01),
    ],
    ids=["100 Continue", "header", "body", "body of no length", "chunks", "trailers"],
)
def test_a_server_that_drips_is_given_up(
    monkeypatch: pytest.MonkeyPatch, talk: Callable[[socket.socket], None]
) -> None:
    monkeypatch.setattr(download, "_GRACE", 0.2)
    started = time.monotonic()
    with server(talk) as url:
        assert failure(url) == "too slow, given up"
    assert time.monotonic() - started < 5


def test_a_download_that_is_slow_but_fast_enough_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_GRACE", 0.2)
    monkeypatch.setattr(download, "_SLOWEST", 1000)

    def talk(client: socket.socket) -> None:
        client.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        for _ in range(10):
            client.sendall(b"x" * 100)
            time.sleep(0.05)

    file = io.BytesIO()
    with server(talk) as url:
        download.download_to(url, file, DIRECT)
    assert file.getvalue() == b"x" * 1000


def moved(place: bytes) -> bytes:
    return b"HTTP/1.1 302 Found\r\nLocation: " + place + b"\r\nContent-Length: 0\r\n\r\n"


def test_a_redirection_is_followed_without_its_body() -> None:
    first = endless(moved(b"/elsewhere").removesuffix(b"Content-Length: 0\r\n\r\n") + b"\r\n", b"x" * 65536)
    asked: list[socket.socket] = []

    def talk(client: socket.socket) -> None:
        asked.append(client)
        if len(asked) == 1:
            first(client)
        client.sendall(HEAD + b"\r\nx")

    file = io.BytesIO()
    started = time.monotonic()
    with server(talk) as url:
        download.download_to(url, file, DIRECT)
    assert file.getvalue() == b"x"
    assert time.monotonic() - started < 5


def test_one_that_moves_forever_is_given_up() -> None:
    with server(lambda client: client.sendall(moved(b"/again"))) as url:
        assert failure(url) == "moved more than 10 times"


@settings(max_examples=60, deadline=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda rest: HEAD + rest) | st.binary().map(moved))
@example(moved(b"http://["))
@example(moved(b"http://a..b/\xff\xfe"))
@example(moved(b"ftp://127.0.0.1/x"))
@example(HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nx")
@example(HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n")
@example(HEAD + b"A: b\r\n" * 300 + b"\r\n")
@example(b"HTTP/1.1 999\r\n\r\n")
@example(b"HTTP/9.9 200 OK\r\n\r\n")
def test_any_answer_is_a_body_or_a_failure_with_a_reason(answer: bytes) -> None:
    with server(lambda client: client.sendall(answer)) as url:
        assert failure(url).isprintable()


def test_what_a_server_says_of_its_refusal_is_not_repeated() -> None:
    with server(lambda client: client.sendall(b"HTTP/1.1 404 \x1b[31m::add-mask::x\r\n\r\n")) as url:
        assert failure(url) == "404 Not Found"


def test_a_fifo_a_folder_a_device_and_a_socket_are_no_sources(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        found = {name: failure(f"file://{tmp_path}/{name}") for name in ("fifo", "folder", "device", "socket")}
    assert found.pop("socket") == "No such device or address"
    assert {*found.values()} == {"not a regular file"}


def test_a_file_of_a_folder_has_the_same_bound(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert failure(str(tmp_path / "sparse")) == "more than 1 MiB, given up"


def asked(question: bytes, *answers: bytes) -> tuple[list[bytes], bytes]:
    """What a server receives, request by request, and what comes of its answers."""
    received, left = [], [*answers]
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for answer in left:
                client, _ = listener.accept()
                with client:
                    text = client.recv(65536)
                    while b"\r\n\r\n" not in text or not text.endswith(question):
                        text += client.recv(65536)
                    received.append(text)
                    client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        file = io.BytesIO()
        download.download_to(f"http://127.0.0.1:{listener.getsockname()[1]}/ask", file, DIRECT, question=question)
        thread.join(5)
    return received, file.getvalue()


def test_a_question_is_posted_as_json() -> None:
    ((request,), answer) = asked(b'{"a": 1}', HEAD + b"Content-Length: 2\r\n\r\n{}")
    assert request.startswith(b"POST /ask HTTP/1.1\r\n")
    assert b"\r\nContent-Type: application/json\r\n" in request
    assert request.endswith(b'\r\n\r\n{"a": 1}')
    assert answer == b"{}"


def test_an_answer_that_broke_off_is_asked_for_again_from_the_beginning() -> None:
    broken = HEAD + b"Content-Length: 9\r\n\r\nabc"
    requests, answer = asked(b"[1]", broken, HEAD + b"Content-Length: 9\r\n\r\n123456789")
    assert len(requests) == 2
    assert all(b"\r\nRange:" not in one for one in requests)
    assert answer == b"123456789"


def test_a_question_follows_to_where_the_server_moved() -> None:
    moved = b"HTTP/1.1 308 Permanent Redirect\r\nLocation: /other\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    requests, answer = asked(b"[1]", moved, HEAD + b"Content-Length: 2\r\n\r\n{}")
    assert requests[1].startswith(b"POST /other HTTP/1.1\r\n")
    assert answer == b"{}"
