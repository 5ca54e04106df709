"""Reading from a server that is down, slow, busy or unwilling: a warning, a miss, and the build continues."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from builder.cache.credentials import Credentials
from builder.cache.store import Hit, Miss
from builder.errors import BuildError
from tests.support.hostile import Answer, hostile
from tests.support.scene import GOOD, QUICK, entry, entry_path, honest, scene, stage

OTHER = stage("3.12.1")


def test_what_the_server_has_is_fetched_proved_kept_and_then_found_here(tmp_path: Path) -> None:
    with hostile(honest()) as server:
        here = scene(tmp_path, server.url)
        found = here.find()
        assert isinstance(found, Hit)
        assert found.path.read_bytes() == GOOD
        assert found.built == entry().built
        assert here.proved == [GOOD]
        assert here.find() == found
        assert server.asked() == 2
    assert here.shown == []
    report = here.cache.report
    assert (report.remote, report.local, report.bytes_read, report.seconds_saved) == (1, 1, len(GOOD), 600)


def test_404_on_an_entry_is_a_silent_miss(tmp_path: Path) -> None:
    for code in (404, 410):
        with hostile(lambda *request, code=code: Answer(code)) as server:
            here = scene(tmp_path, server.url)
            assert isinstance(here.find(), Miss)
            assert (here.shown, here.cache.report.misses, server.asked()) == ([], 1, 1)


def test_server_down_connection_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    here = scene(tmp_path, f"http://127.0.0.1:{port}")
    here.expect(here.find(), "unreachable")
    assert "Connection refused" in here.warnings[0]
    assert len(here.slept) == 2
    assert isinstance(here.find(OTHER), Miss)
    assert len(here.slept) == 2, "the second lookup asks nobody"


def test_dns_failure(tmp_path: Path) -> None:
    here = scene(tmp_path, "http://nowhere.localhost.invalid")
    found = here.find()
    assert isinstance(found, Miss)
    assert len(here.warnings) == 1
    assert "http://nowhere.localhost.invalid" in here.warnings[0]
    assert here.cache.report.troubles == {"unreachable": 1}


def test_accepts_then_never_answers(tmp_path: Path) -> None:
    started = time.monotonic()
    with hostile(lambda *request: Answer(silent=True)) as server:
        here = scene(tmp_path, server.url)
        here.expect(here.find(), "timeout")
        assert server.asked() == 3
    assert time.monotonic() - started < 3 * QUICK.idle + 1


@pytest.mark.parametrize("which", ["entry", "content"])
def test_drip_slower_than_the_deadline_though_faster_than_the_idle_time(tmp_path: Path, which: str) -> None:
    body = entry().encode() if which == "entry" else GOOD
    with hostile(honest(GOOD, **{which: Answer(body=body, drip=0.2)})) as server:
        here = scene(tmp_path, server.url)
        started = time.monotonic()
        here.expect(here.find(), "timeout")
    assert time.monotonic() - started < QUICK.grace * 2 + 2


def test_500_twice_then_200_is_a_hit_without_a_warning(tmp_path: Path) -> None:
    def rule(method: str, path: str, before: int) -> Answer:
        return Answer(500) if before < 2 else honest()(method, path, before)

    with hostile(rule) as server:
        here = scene(tmp_path, server.url)
        assert isinstance(here.find(), Hit)
        assert server.requests.count(("GET", entry_path())) == 3
    assert here.shown == []
    assert len(here.slept) == 4
    assert len(set(here.slept)) > 1, "the waits are jittered"


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
def test_503_forever(tmp_path: Path, code: int) -> None:
    with hostile(lambda *request: Answer(code)) as server:
        here = scene(tmp_path, server.url)
        here.expect(here.find(), "unavailable")
        assert server.asked() == 3
        here.find(OTHER)
        assert server.asked() == 3


def test_retry_after_86400_gives_up_at_once(tmp_path: Path) -> None:
    with hostile(lambda *request: Answer(503, headers=("Retry-After: 86400",))) as server:
        here = scene(tmp_path, server.url)
        here.expect(here.find(), "unavailable")
        assert (server.asked(), here.slept) == (1, [])


def test_429_with_retry_after_1_waits_that_long_then_hits(tmp_path: Path) -> None:
    def rule(method: str, path: str, before: int) -> Answer:
        return honest()(method, path, before) if before else Answer(429, headers=("Retry-After: 1",))

    with hostile(rule) as server:
        here = scene(tmp_path, server.url)
        assert isinstance(here.find(), Hit)
    assert all(wait >= 1 for wait in here.slept)
    assert len(here.slept) == 2


@pytest.mark.parametrize("code", [401, 403])
@pytest.mark.parametrize(
    "who", [Credentials("CACHE_TOKEN", token="hush-hush"), Credentials("netrc", user="me", password="hush-hush")]
)
def test_401_and_403_on_get_are_not_retried_and_name_the_credentials_source(
    tmp_path: Path, code: int, who: Credentials
) -> None:
    with hostile(lambda *request: Answer(code)) as server:
        here = scene(tmp_path, server.url, who=who, writes=True)
        here.expect(here.find(), "forbidden")
        assert who.source in here.warnings[0]
        here.keep()
        here.find(OTHER)
        assert server.requests == [("GET", entry_path())], "nothing more is read, and nothing written"
    assert "hush" not in "".join(here.shown) + repr(here.cache)


@pytest.mark.parametrize("code", [405, 413, 415, 501])
def test_what_will_not_pass_is_not_retried(tmp_path: Path, code: int) -> None:
    with hostile(lambda *request: Answer(code)) as server:
        here = scene(tmp_path, server.url)
        here.expect(here.find(), "unexpected")
        assert server.asked() == 1


def test_entry_there_but_content_404_is_dangling_and_the_next_key_still_hits(tmp_path: Path) -> None:
    def rule(method: str, path: str, before: int) -> Answer:
        if path == entry_path(OTHER):
            return Answer(body=replace(entry(b"gone"), key=OTHER.key, inputs=OTHER.key_inputs).encode())
        return honest()(method, path, before)

    with hostile(rule) as server:
        here = scene(tmp_path, server.url)
        here.expect(here.find(OTHER), "dangling")
        assert isinstance(here.find(), Hit)


def test_strict_makes_an_error_of_trouble(tmp_path: Path) -> None:
    with hostile(lambda *request: Answer(503)) as server, pytest.raises(BuildError) as problem:
        scene(tmp_path, server.url, strict=True).find()
    assert "unavailable (503)" in problem.value.message
    assert "CACHE_STRICT" in problem.value.hint


def test_one_warning_per_cause_and_every_trouble_counted(tmp_path: Path) -> None:
    with hostile(lambda *request: Answer(body=b"<html>")) as server:
        here = scene(tmp_path, server.url)
        for wanted in (stage(), OTHER):
            here.find(wanted)
    assert len(here.warnings) == 1
    assert here.cache.report.troubles == {"entry": 2}


def test_what_is_sent_asks_for_the_plain_bytes(tmp_path: Path) -> None:
    with hostile(honest()) as server:
        scene(tmp_path, server.url, who=Credentials("CACHE_TOKEN", token="abc")).find()
    assert all("Accept-Encoding: identity" in head for head in server.heads)
    assert all("Authorization: Bearer abc" in head for head in server.heads)
