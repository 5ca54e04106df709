"""Entries and content that are not what they should be: nothing of them is believed, unpacked or kept."""

from __future__ import annotations

import gzip
import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.cache.entry import LARGEST_ENTRY
from builder.cache.store import Hit
from builder.errors import BuildError
from tests.support.hostile import Answer, hostile
from tests.support.scene import GOOD, content_path, entry, entry_path, file, honest, scene, tgz


def tgz_header(name: str, size: int, **fields: object) -> bytes:
    """The bare header of a member."""
    return file(name, size, **fields).tobuf()


def edited(**changes: Any) -> bytes:
    """The entry with other fields, written as entries are."""
    return json.dumps({**json.loads(entry().encode()), **changes}, sort_keys=True, indent=1).encode()


ENTRIES: dict[str, bytes] = {
    "empty": b"",
    "HTML with 200": b"<html><title>Welcome to our network</title></html>",
    "invalid JSON": entry().encode()[:-5],
    "no UTF-8": b"\xff\xfe{}",
    "a list": b"[]",
    "duplicate keys": entry().encode().replace(b'"kind"', b'"key": "x",\n "kind"'),
    "NaN": entry().encode().replace(b"300", b"NaN"),
    "deep nesting": b"[" * 60_000,
    "nested as deep as can be read": edited(inputs={"x": 0}).replace(b"0\n", b"[" * 900 + b"]" * 900 + b"\n"),
    "not canonical": entry().encode() + b"\n",
    "compact": json.dumps(json.loads(entry().encode()), sort_keys=True).encode(),
    "wrong schema": edited(schema=2),
    "schema true": edited(schema=True),
    "a field more": edited(more=1),
    "inputs not hashing to the key": edited(inputs={"version": "3.13.4"}),
    "another key": edited(key="0" * 64),
    "another kind": edited(kind="build-python"),
    "no record of how it was built": edited(built={}),
    "digest with a path": edited(digest="../../../../etc/passwd"),
    "digest in capitals": edited(digest=entry().digest.upper()),
    "size -1": edited(size=-1),
    "size 0": edited(size=0),
    "size 10^18": edited(size=10**18),
    "size as a string": edited(size=str(len(GOOD))),
    "size as a bool": edited(size=True),
    "seconds of 4,299 digits": edited(built={"compiled": "native", "seconds": 1}).replace(
        b" 1\n", b" " + b"9" * 4299 + b"\n"
    ),
    "a float in its record": edited(built={"compiled": "native", "seconds": 1.5}),
    "a record with escape sequences": edited(built={"compiled": "\x1b[2J"}),
    "a nested record": edited(built={"compiled": "native", "more": [[]]}),
    "size as a float": edited(size=float(len(GOOD))),
}


@pytest.mark.parametrize("which", ENTRIES)
def test_an_entry_that_is_not_ours(tmp_path: Path, which: str) -> None:
    with hostile(honest(entry=Answer(body=ENTRIES[which]))) as server:
        here = scene(tmp_path, server.url)
        here.expect(here.find(), "entry")
        assert server.asked() == 1, "no content is asked for"


def test_an_entry_larger_than_64_kib_or_endless_stops_at_the_cap(tmp_path: Path) -> None:
    for body, length in ((b" " * (LARGEST_ENTRY + 1), -1), (b" " * 5_000_000, None)):
        with hostile(honest(entry=Answer(body=body, length=length))) as server:
            here = scene(tmp_path, server.url)
            here.expect(here.find(), "entry")


CONTENT: dict[str, tuple[Answer, str, int]] = {
    "truncated with its true length in the header": (Answer(body=GOOD, cut=20), "truncated", 3),
    "truncated by a reset": (Answer(body=GOOD, cut=20, reset=True), "truncated", 3),
    "reset before any answer": (Answer(body=GOOD, cut=0, reset=True), "unreachable", 3),
    "truncated without a length": (Answer(body=GOOD[:20], length=None), "truncated", 3),
    "truncated with a length that fits": (Answer(body=GOOD[:20]), "truncated", 3),
    "empty": (Answer(body=b""), "truncated", 3),
    "longer than promised": (Answer(body=GOOD + b"x" * 5_000_000), "oversized", 1),
    "other bytes of that size": (Answer(body=b"x" * len(GOOD)), "corrupt", 2),
    "HTML with 200": (Answer(body=b"<html>".ljust(len(GOOD))), "corrupt", 2),
    "206 unasked": (Answer(206, body=GOOD), "unexpected", 1),
    "304 unasked": (Answer(304), "unexpected", 1),
    "204": (Answer(204), "unexpected", 1),
    "redirect to another server": (Answer(302, headers=("Location: http://127.0.0.1:9/x",)), "unexpected", 1),
    "redirect to http of the same name": (Answer(302, headers=("Location: ftp://127.0.0.1/x",)), "unexpected", 1),
    "redirect in a circle": (Answer(302, headers=(f"Location: {content_path()}",)), "unexpected", 4),
}


@pytest.mark.parametrize("which", CONTENT)
def test_content_that_is_not_what_the_entry_promises(tmp_path: Path, which: str) -> None:
    answer, cause, requests = CONTENT[which]
    with hostile(honest(content=answer)) as server:
        here = scene(tmp_path, server.url)
        here.expect(here.find(), cause)
        assert server.requests.count(("GET", content_path())) == requests
    assert here.proved == []


def test_corrupt_once_and_whole_the_second_time_is_a_hit(tmp_path: Path) -> None:
    def rule(method: str, path: str, before: int) -> Answer:
        spoiled = path == content_path() and not before
        return Answer(body=b"x" * len(GOOD)) if spoiled else honest()(method, path, before)

    with hostile(rule) as server:
        assert isinstance(scene(tmp_path, server.url).find(), Hit)


def test_corrupt_content_is_put_aside_and_the_server_is_asked_on(tmp_path: Path) -> None:
    with hostile(honest(content=Answer(body=b"x" * len(GOOD)))) as server:
        here = scene(tmp_path, server.url)
        here.find()
        assert here.cache.remote
        assert here.cache.remote.reads
    assert (tmp_path / "cache" / "quarantine" / entry().digest).read_bytes() == b"x" * len(GOOD)
    assert "DELETE" not in {method for method, _ in server.requests}


def test_a_redirect_on_the_same_server_is_followed(tmp_path: Path) -> None:
    def rule(method: str, path: str, before: int) -> Answer:
        if path.startswith("/moved"):
            return honest()(method, path.removeprefix("/moved"), before)
        return Answer(307, headers=(f"Location: /moved{path}",))

    with hostile(rule) as server:
        assert isinstance(scene(tmp_path, server.url).find(), Hit)


def test_a_proxy_that_packs_what_was_asked_for_plain_is_corrupt(tmp_path: Path) -> None:
    packed = Answer(body=gzip.compress(GOOD)[: len(GOOD)].ljust(len(GOOD)), headers=("Content-Encoding: gzip",))
    with hostile(honest(content=packed)) as server:
        here = scene(tmp_path, server.url)
        here.expect(here.find(), "corrupt")


def test_a_gzip_bomb_is_refused_in_little_memory(tmp_path: Path) -> None:
    bomb = gzip.compress(tgz_header("bomb", 5 * 1024**3) + bytes(64 * 1024**2))
    assert len(bomb) < 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with hostile(honest(bomb)) as server:
        here = scene(tmp_path, server.url)
        here.expect(here.find(), "unfit")
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 64 * 1024**2


ARCHIVES: dict[str, bytes] = {
    "no archive": gzip.compress(b"something else" * 100),
    "a corrupt frame": GOOD[:30] + bytes(8) + GOOD[38:],
    "cut off inside": gzip.compress(gzip.decompress(tgz(file("a", 2000)))[:1000]),
    "../x": tgz(file("../x", 3)),
    "a/../../x": tgz(file("a/../../x", 3)),
    "absolute": tgz(file("/etc/x", 3)),
    "symlink to an absolute path": tgz(file("a", type=b"2", linkname="/etc")),
    "symlink escape": tgz(file("a/b", type=b"2", linkname="../../etc")),
    "symlink escape behind a folder": tgz(file("a/b", type=b"2", linkname="c/../../../etc")),
    "a name below a link": tgz(file("a", type=b"2", linkname="b"), file("a/x", 3)),
    "hard link escape": tgz(file("a", type=b"1", linkname="../../etc/passwd")),
    "hard link to an absolute path": tgz(file("a", type=b"1", linkname="/etc/passwd")),
    "hard link through a link": tgz(file("l", type=b"2", linkname="m"), file("a", type=b"1", linkname="l/x")),
    "a character device": tgz(file("a", type=b"3")),
    "a block device": tgz(file("a", type=b"4")),
    "a pipe": tgz(file("a", type=b"6")),
    "setuid": tgz(file("a", 3, mode=0o4755)),
    "setgid": tgz(file("a", 3, mode=0o2755)),
    "duplicate names": tgz(file("a", 3), file("a", 4)),
    "a name with a newline": tgz(file("a\nb", 3)),
    "a header of two gigabytes": gzip.compress(tgz_header("x", 2 * 1024**3, type=b"x") + bytes(2000)),
}


@pytest.mark.parametrize("which", ARCHIVES)
def test_an_archive_that_must_not_be_unpacked(tmp_path: Path, which: str) -> None:
    body = ARCHIVES[which]
    with hostile(honest(body)) as server:
        here = scene(tmp_path, server.url)
        here.expect(here.find(), "unfit")
    assert here.proved == []


def test_an_archive_of_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.cache.archive._MOST_MEMBERS", 3)
    with hostile(honest(tgz(*(file(str(number)) for number in range(4))))) as server:
        here = scene(tmp_path, server.url)
        here.expect(here.find(), "unfit")


def test_an_archive_as_ours_is_has_links_that_stay_inside(tmp_path: Path) -> None:
    body = tgz(
        file("./", type=b"5", mode=0o755), file("./bin/python3.13", 9, mode=0o755),
        file("./bin/python", type=b"2", linkname="python3"),
        file("./bin/python3", type=b"2", linkname="python3.13"),
        file("./lib/a/b", type=b"2", linkname="../../bin/python"),
        file("./hard", type=b"1", linkname="./bin/python3.13"),
    )  # fmt: skip
    with hostile(honest(body)) as server:
        assert isinstance(scene(tmp_path, server.url).find(), Hit)


def test_a_restored_python_that_does_not_start_is_put_aside_and_bad_for_this_run(tmp_path: Path) -> None:
    def fails(path: Path) -> None:
        raise BuildError("step 'check modules' failed with exit code 126\nmore lines")

    with hostile(honest()) as server:
        here = scene(tmp_path, server.url)
        here.expect(here.find(prove=fails), "unfit")
        assert "check modules" in here.warnings[0]
        assert "more lines" not in here.warnings[0]
        here.find(prove=fails)
        assert server.requests.count(("GET", content_path())) == 1
    assert (tmp_path / "cache" / "quarantine" / entry().digest).read_bytes() == GOOD


Spoil = Callable[[Path], object]


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


LOCAL_DAMAGE: dict[str, Spoil] = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "a folder": as_folder,
    "a dangling symlink": dangling,
    "unreadable": lambda path: path.chmod(0),
}


@pytest.mark.parametrize("how", LOCAL_DAMAGE)
@pytest.mark.parametrize("which", [entry_path, content_path])
def test_what_is_damaged_here_is_healed_from_the_server(tmp_path: Path, how: str, which: Callable[[], str]) -> None:
    with hostile(honest()) as server:
        here = scene(tmp_path, server.url)
        first = here.find()
        LOCAL_DAMAGE[how](tmp_path / "cache" / which()[1:])
        assert here.find() == first
        server.closed = True
        again = here.find()
    assert again == first
    assert isinstance(again, Hit)
    assert again.path.read_bytes() == GOOD


def test_an_entry_built_in_the_future_or_in_1970_is_used(tmp_path: Path) -> None:
    for at in ("1970-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"):
        body = edited(built={"compiled": "native", "seconds": 1, "at": at})
        with hostile(honest(entry=Answer(body=body))) as server:
            (tmp_path / at[:4]).mkdir()
            here = scene(tmp_path / at[:4], server.url)
            assert isinstance(here.find(), Hit)
            assert here.shown == []
