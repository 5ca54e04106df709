"""Publishing with a key and without: what is signed, in which order it is put, and what stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from builder.cache.entry import Entry, entry_name
from builder.cache.signatures import Signatures
from builder.cache.store import Hit, Store
from builder.cache.upload import upload_entries
from builder.inputs.choices import Signing
from builder.trust.signers import Signer
from tests.support.hostile import Answer, Hostile, hostile
from tests.support.scene import BUILT, GOOD, content_path, entry, entry_path, scene, signature_path
from tests.support.signing import key_of

KEY, NEXT = key_of(1), key_of(2)
SIGNING, KEYLESS = Signatures(key=KEY), Signatures()
READING = Signatures((Signer("ci", KEY.public_key()),), Signing.REQUIRE)
ANOTHERS = replace(entry(), built={**BUILT, "seconds": 7})  # the same result, made by another builder


def signature(of: Entry | None = None, by: Signatures = SIGNING) -> bytes:
    """The signature of an entry by a builder."""
    of = of or entry()
    made = by.sign(entry_name(of.kind, of.key), of.encode())
    assert made
    return made


@contextmanager
def memory(**there: bytes) -> Iterator[tuple[Hostile, dict[str, bytes]]]:
    """An honest server that keeps what it is given, and what it has; at first an `entry` and a `signature`."""

    def rule(method: str, path: str, before: int) -> Answer:
        if method == "PUT":
            return Answer(201)
        return Answer(body=has[path]) if path in has else Answer(404)

    with hostile(rule) as server:
        has = server.bodies
        has.update({{"entry": entry_path(), "signature": signature_path()}[of]: there[of] for of in there})
        yield server, has


def test_an_entry_is_put_after_its_signature_and_another_builder_uses_it(tmp_path: Path) -> None:
    with memory() as (server, has):
        here = scene(tmp_path, server.url, writes=True, signatures=SIGNING)
        here.keep()
        assert server.requests[-3:] == [
            ("PUT", signature_path()), ("PUT", entry_path()), ("GET", signature_path()),
        ]  # fmt: skip
        assert has == {content_path(): GOOD, entry_path(): entry().encode(), signature_path(): signature()}
        (tmp_path / "other").mkdir()
        assert isinstance(scene(tmp_path / "other", server.url, signatures=READING).find(), Hit)
    assert here.shown == []
    assert here.cache.report.published == 1


def test_without_a_key_nothing_is_signed(tmp_path: Path) -> None:
    with memory() as (server, has):
        scene(tmp_path, server.url, writes=True, signatures=READING).keep()
        assert has.keys() == {content_path(), entry_path()}


def test_without_a_key_a_signed_entry_is_not_replaced(tmp_path: Path) -> None:
    with memory(entry=ANOTHERS.encode(), signature=signature(ANOTHERS)) as (server, has):
        here = scene(tmp_path, server.url, writes=True)
        here.keep()
        assert has[entry_path()] == ANOTHERS.encode()
        assert here.shown == []
        assert not here.cache.store.owes(entry().key)


def test_with_a_key_it_is(tmp_path: Path) -> None:
    with memory(entry=ANOTHERS.encode(), signature=signature(ANOTHERS)) as (server, has):
        scene(tmp_path, server.url, writes=True, signatures=SIGNING).keep()
        assert (has[entry_path()], has[signature_path()]) == (entry().encode(), signature())


def test_of_two_builders_at_once_the_last_one_puts_both_again(tmp_path: Path) -> None:
    with memory() as (server, has):
        kept = server.rule

        def rule(method: str, path: str, before: int) -> Answer:
            if (method, path, before) == ("PUT", entry_path(), 0):  # the other builder is as far
                has[entry_path()], has[signature_path()] = ANOTHERS.encode(), signature(ANOTHERS)
            return kept(method, path, before)

        server.rule = rule
        here = scene(tmp_path, server.url, writes=True, signatures=SIGNING)
        here.keep()
        assert (has[entry_path()], has[signature_path()]) == (entry().encode(), signature())
        assert here.shown == []


def test_who_never_finds_its_own_signature_gives_up_and_says_so(tmp_path: Path) -> None:
    with memory() as (server, has):
        kept = server.rule

        def rule(method: str, path: str, before: int) -> Answer:
            has[signature_path()] = signature(ANOTHERS)
            return kept(method, path, before)

        server.rule = rule
        here = scene(tmp_path, server.url, writes=True, signatures=SIGNING)
        here.keep()
        assert server.requests.count(("PUT", entry_path())) == 4
        assert len(set(here.slept)) == 4, "each waits for a time of its own"
        assert here.cache.report.troubles == {"contested": 1}
        assert f"{signature_path()} is not the one that was written" in here.warnings[0]
        assert here.cache.store.owes(entry().key), "the next build that has it publishes it"
        assert here.cache.remote
        assert here.cache.remote.writes


def test_a_server_that_takes_no_signatures_gets_no_entry(tmp_path: Path) -> None:
    with memory() as (server, has):
        kept = server.rule
        server.rule = lambda method, path, before: (
            Answer(404) if path == signature_path() else kept(method, path, before)
        )
        here = scene(tmp_path, server.url, writes=True, signatures=SIGNING)
        here.keep()
        assert entry_path() not in has
        assert f"{signature_path()} answers 404; nothing more is published" in here.warnings[0]


def outcomes(folder: Path, url: str, signatures: Signatures) -> dict[str, str]:
    """What upload-cache does with the entry and its content, by the end of their names."""
    remote = scene(folder, url, writes=True, signatures=signatures).cache.remote
    assert remote
    uploads = upload_entries(Store(folder / "cache"), remote, lambda *_: ())
    return {"entry" if one.name.endswith(".json") else "content": one.outcome for one in uploads}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder whose local cache has the result."""
    scene(tmp_path, "http://127.0.0.1:9").keep()
    return tmp_path


def test_upload_cache_signs_what_was_published_without_and_then_finds_it(here: Path) -> None:
    with memory() as (server, has):
        assert outcomes(here, server.url, KEYLESS) == {"content": "new", "entry": "new"}
        assert outcomes(here, server.url, SIGNING) == {"content": "present", "entry": "replaced"}
        assert has[signature_path()] == signature()
        assert outcomes(here, server.url, SIGNING) == {"content": "present", "entry": "present"}
        assert outcomes(here, server.url, KEYLESS) == {"content": "present", "entry": "present"}


def test_upload_cache_signs_again_with_a_new_key(here: Path) -> None:
    with memory(entry=entry().encode(), signature=signature()) as (server, has):
        assert outcomes(here, server.url, Signatures(key=NEXT))["entry"] == "replaced"
        assert has[signature_path()] == signature(by=Signatures(key=NEXT))


def test_upload_cache_without_a_key_keeps_what_somebody_signed(here: Path) -> None:
    with memory(entry=ANOTHERS.encode(), signature=signature(ANOTHERS)) as (server, has):
        assert outcomes(here, server.url, KEYLESS) == {"content": "new", "entry": "kept"}
        assert has[entry_path()] == ANOTHERS.encode()


def test_upload_cache_replaces_a_signature_that_is_none(here: Path) -> None:
    with memory(entry=entry().encode(), signature=b"x" * 100_000) as (server, has):
        assert outcomes(here, server.url, SIGNING)["entry"] == "replaced"
        assert has[signature_path()] == signature()
