"""Publishing while a build continues: content before its entry, and a server that refuses never fails the build."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from builder.cache.store import Hit, Miss
from builder.stages.stage import File
from tests.support.hostile import Answer, Rule, hostile
from tests.support.scene import GOOD, QUICK, content_path, entry, entry_path, scene, signature_path, stage, tgz


def taking(**others: Answer) -> Rule:
    """A server that takes what it is given; `entry`, `content` or HEAD answers otherwise to PUT or HEAD."""
    sizes: dict[str, int] = {}

    def rule(method: str, path: str, before: int) -> Answer:
        kind = "entry" if path.endswith(".json") else "content"
        if method == "HEAD":
            if path not in sizes:
                return Answer(404)
            return others.get("HEAD") or Answer(length=sizes[path])
        if method != "PUT":
            return Answer(404)
        answer = others.get(kind) or Answer(201)
        if answer.code < 300:
            sizes[path] = len(GOOD)
        return answer

    return rule


def test_content_is_put_first_and_its_size_confirmed_before_the_entry(tmp_path: Path) -> None:
    with hostile(taking()) as server:
        here = scene(tmp_path, server.url, writes=True)
        hit = here.keep()
        assert server.requests == [
            ("HEAD", content_path()), ("PUT", content_path()), ("HEAD", content_path()),
            ("HEAD", signature_path()), ("PUT", entry_path()),
        ]  # fmt: skip
        assert server.bodies == {content_path(): GOOD, entry_path(): entry().encode()}
    assert hit.path.read_bytes() == GOOD
    assert here.shown == []
    assert (here.cache.report.published, here.cache.report.bytes_written) == (1, len(GOOD))


def test_read_only_mode_puts_nothing_on_the_wire(tmp_path: Path) -> None:
    with hostile(taking()) as server:
        scene(tmp_path, server.url).keep()
        assert server.requests == []


@pytest.mark.parametrize("code", [401, 403, 405])
def test_put_401_403_405_warns_and_uploads_no_entry(tmp_path: Path, code: int) -> None:
    with hostile(taking(content=Answer(code))) as server:
        here = scene(tmp_path, server.url, writes=True)
        assert here.keep().path.read_bytes() == GOOD
        here.keep(tgz(), stage("3.12.1"))
        assert server.asked("PUT") == 1
        assert here.cache.remote
        assert here.cache.remote.reads
        assert server.url in here.warnings[0]
    assert len(here.warnings) == 1
    assert "nothing more is published" in here.warnings[0]


def test_413_names_the_size_and_the_limit_and_the_server_is_used_on(tmp_path: Path) -> None:
    with hostile(taking(content=Answer(413))) as server:
        here = scene(tmp_path, server.url, writes=True)
        here.keep()
        assert server.requests[-1] == ("PUT", content_path()), "no entry"
        assert here.cache.remote
        assert (here.cache.remote.reads, here.cache.remote.writes) == (True, True)
    assert "0.0 MB" in here.warnings[0]
    assert "client_max_body_size" in here.warnings[0]


@pytest.mark.parametrize("code", [507, 500])
def test_507_and_nginx_500_on_a_full_disk_end_writes_and_not_reads(tmp_path: Path, code: int) -> None:
    with hostile(taking(content=Answer(code))) as server:
        here = scene(tmp_path, server.url, writes=True)
        here.keep()
        assert server.asked("PUT") == 3
        assert here.cache.remote
        assert (here.cache.remote.reads, here.cache.remote.writes) == (True, False)
    assert "the server's disk may be full" in here.warnings[0]
    assert entry_path() not in server.bodies


def test_connection_reset_in_mid_upload_is_retried_from_byte_0(tmp_path: Path) -> None:
    def rule(method: str, path: str, before: int) -> Answer:
        return Answer(reset=True, cut=0) if method == "PUT" and not before else taking_once(method, path, before)

    taking_once = taking()
    big = tgz() + bytes(3_000_000)
    with hostile(rule) as server:
        here = scene(tmp_path, server.url, writes=True)
        hit = here.keep(big)
        assert isinstance(hit, Hit)
        assert server.bodies[content_path(big)] == big
    assert len(here.slept) >= 1


def test_a_server_that_keeps_a_part_gets_no_entry(tmp_path: Path) -> None:
    with hostile(taking(HEAD=Answer(length=3))) as server:
        here = scene(tmp_path, server.url, writes=True)
        here.keep()
        assert entry_path() not in server.bodies
    assert "has 3 bytes after" in here.warnings[0]


@pytest.mark.parametrize("code", [409, 412])
def test_409_and_412_on_content_that_is_there_go_on_with_the_entry(tmp_path: Path, code: int) -> None:
    asked = []

    def rule(method: str, path: str, before: int) -> Answer:
        asked.append(method)
        if method == "HEAD":  # another builder was quicker
            return Answer(length=len(GOOD)) if path == content_path() and "PUT" in asked else Answer(404)
        return Answer(code) if path == content_path() else Answer(201)

    with hostile(rule) as server:
        here = scene(tmp_path, server.url, writes=True)
        here.keep()
        assert server.bodies[entry_path()] == entry().encode()
    assert here.shown == []


def test_content_that_is_there_is_not_sent_again(tmp_path: Path) -> None:
    def rule(method: str, path: str, before: int) -> Answer:
        if method == "HEAD":
            return Answer(length=len(GOOD)) if path == content_path() else Answer(404)
        return Answer(204)

    with hostile(rule) as server:
        scene(tmp_path, server.url, writes=True).keep()
        assert [path for method, path in server.requests if method == "PUT"] == [entry_path()]


def test_content_the_server_has_altered_is_replaced_by_what_was_built(tmp_path: Path) -> None:
    def rule(method: str, path: str, before: int) -> Answer:
        if method == "GET":
            return Answer(body=entry().encode()) if path == entry_path() else Answer(body=b"x" * len(GOOD))
        return (
            Answer(204, length=len(GOOD) if method == "HEAD" else -1) if method == "PUT" else Answer(length=len(GOOD))
        )

    with hostile(rule) as server:
        here = scene(tmp_path, server.url, writes=True)
        here.find()
        here.keep()
        assert server.bodies[content_path()] == GOOD


def test_a_server_that_is_down_is_reported_once_and_what_was_built_is_kept(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    here = scene(tmp_path, url, writes=True, patience=QUICK)
    here.find()
    here.keep()
    assert len(here.warnings) == 1
    assert isinstance(here.find(), Hit)


def test_a_redirected_put_is_not_followed(tmp_path: Path) -> None:
    with hostile(taking(content=Answer(302, headers=("Location: /elsewhere",)))) as server:
        here = scene(tmp_path, server.url, writes=True)
        here.keep()
        assert "/elsewhere" not in {path for _, path in server.requests}
    assert here.cache.report.troubles == {"unexpected": 1}


def test_what_could_not_be_published_is_by_the_next_build_that_has_it(tmp_path: Path) -> None:
    with hostile(taking(entry=Answer(503))) as server:
        here = scene(tmp_path, server.url, writes=True)
        here.keep()
    with hostile(taking()) as server:
        assert isinstance(scene(tmp_path, server.url).find(), Hit)
        assert server.requests == [], "a builder that is not allowed to write does not"
        again = scene(tmp_path, server.url, writes=True)
        assert isinstance(again.find(), Hit)
        assert server.bodies == {content_path(): GOOD, entry_path(): entry().encode()}
        asked = server.asked()
        assert isinstance(scene(tmp_path, server.url, writes=True).find(), Hit)
        assert server.asked() == asked, "once"


def test_an_entry_stays_readable_however_many_files_a_stage_has(tmp_path: Path) -> None:
    many = replace(stage(), files=tuple(File(f"pre-patch/{number:04}.patch", b"x") for number in range(2000)))
    here = scene(tmp_path, "http://127.0.0.1:9")
    here.keep(of=many)
    assert isinstance(here.find(many), Hit)
    found = here.find(replace(many, files=many.files[1:]))
    assert isinstance(found, Miss)
    assert found.reason == "changed: files"


def test_an_entry_too_large_to_be_read_is_not_written_and_the_result_handed_out(tmp_path: Path) -> None:
    huge = replace(stage(), inputs={f"input {number}": "x" * 1000 for number in range(100)})
    with hostile(taking()) as server:
        here = scene(tmp_path, server.url, writes=True)
        assert here.keep(of=huge).path.read_bytes() == GOOD
        assert server.asked() == 0
    assert here.cache.report.troubles == {"entry": 1}
