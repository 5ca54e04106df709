"""Signatures of entries on a server: each way in which one may be wrong is a miss with a sentence of its own."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from builder.cache import cache as caching
from builder.cache.entry import Entry, entry_name
from builder.cache.signatures import LARGEST, NAMESPACE, Signatures
from builder.cache.store import Hit
from builder.errors import BuildError, UserError
from builder.inputs.choices import Signing
from builder.trust import sshsig, sums
from builder.trust.signers import Signer
from tests.support.factories import NO_NETWORK, settings
from tests.support.hostile import Answer, Rule, hostile
from tests.support.scene import content_path, entry, entry_path, file, honest, scene, signature_path, stage, tgz
from tests.support.signing import key_of, line, ssh_keygen_verifies

KEY, STRANGER = key_of(1), key_of(2)
CI = f"ci ({sshsig.fingerprint(KEY.public_key())})"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TRUST = Signer("ci", KEY.public_key())
PREFER = Signatures((TRUST,), now=lambda: NOW)
REQUIRE = replace(PREFER, signing=Signing.REQUIRE)
OFF = replace(REQUIRE, signing=Signing.OFF)

OTHER = stage("3.12.1")
OTHERS = replace(entry(), key=OTHER.key, inputs=OTHER.key_inputs)
OTHER_KIND = replace(entry(), kind="profile")
EVIL = tgz(file("bin/python", 8))
POISONED = entry(EVIL)
FLIPPED = entry().encode().replace(b"300", b"301")  # a bit of the seconds that it took


def signature(of: Entry | None = None, key: Ed25519PrivateKey = KEY) -> bytes:
    """The signature of an entry as its builder makes it."""
    of = of or entry()
    made = Signatures(key=key).sign(entry_name(of.kind, of.key), of.encode())
    assert made
    return made


def for_purpose(namespace: str) -> bytes:
    """The signature of the entry, for another purpose."""
    written = signature().partition(b"\n")[0] + b"\n"
    return written + sshsig.sign(KEY, written, namespace)


def flipped(text: bytes) -> bytes:
    """A signature with another last bit of its value."""
    written, _, armored = text.partition(b"\n")
    begin, *lines, end = armored.split(b"\n")[:-1]
    blob = bytearray(base64.b64decode(b"".join(lines)))
    blob[-1] ^= 1
    coded = base64.b64encode(blob)
    return b"\n".join((written, begin, *(coded[at : at + 70] for at in range(0, len(coded), 70)), end, b""))


def server_of(data: bytes, signed: bytes | None) -> Rule:
    """A server that has this entry and this signature, and all content."""

    def rule(method: str, path: str, before: int) -> Answer:
        if path == signature_path():
            return Answer(404) if signed is None else Answer(body=signed)
        if path == content_path(EVIL):
            return Answer(body=EVIL)
        return Answer(body=data) if path == entry_path() else honest()(method, path, before)

    return rule


DATA = entry().encode()
PAST = replace(TRUST, before=NOW - DAY)
# What the server has, who is trusted, what is said of it, and whether an unsigned entry like it would be used.
WRONG: dict[str, tuple[bytes, bytes, Signer, str, bool]] = {
    "a poisoned entry, with the signature of the true one": (
        POISONED.encode(), signature(), TRUST, f"it was altered: {CI} signed other bytes", True),
    "a flipped bit in the entry": (FLIPPED, signature(), TRUST, f"it was altered: {CI} signed other bytes", True),
    "a flipped bit in the signature": (
        DATA, flipped(signature()), TRUST, f"its signature does not fit: it, or what {CI} signed, was altered", True),
    "a poisoned entry, and the line of its signature altered to fit": (
        POISONED.encode(), signature().replace(signature()[:64], signature(POISONED)[:64]), TRUST,
        f"its signature does not fit: it, or what {CI} signed, was altered", True),
    "a poisoned entry, signed by who has no key that is trusted": (
        POISONED.encode(), signature(POISONED, STRANGER), TRUST,
        f"its signature is by a key that is not trusted: {sshsig.fingerprint(STRANGER.public_key())}", True),
    "an expired key": (
        DATA, signature(), PAST, f"its signature is by {CI}, whose key expired: it was trusted until 2026-11-28", True),
    "a key that is not valid yet": (
        DATA, signature(), replace(TRUST, after=NOW + DAY),
        f"its signature is by {CI}, whose key is trusted from 2026-11-30 12:00 UTC on only", True),
    "a key for sums only": (
        DATA, signature(), replace(TRUST, namespaces=(sums.NAMESPACE,)),
        f"its signature is by {CI}, who is trusted for {sums.NAMESPACE} only", True),
    "a signature of sums": (
        DATA, for_purpose(sums.NAMESPACE), TRUST, f"its signature is for another purpose: {sums.NAMESPACE}", True),
    "a signature that would move the cursor": (
        DATA, for_purpose("\x1b[2Jx\n::error::"), TRUST, "its signature is for another purpose: ", True),
    "the signature of another key's entry": (
        DATA, signature(OTHERS), TRUST,
        f"its signature is of another entry: {CI} signed {entry_path(OTHER)[1:]}", True),
    "the signature of the same key's entry of another kind": (
        DATA, signature(OTHER_KIND), TRUST, f"its signature is of another entry: {CI} signed v1/ac/profile/", True),
    "an old entry under a new key": (
        OTHERS.encode(), signature(OTHERS), TRUST,
        f"it is another entry, put here with its signature: {CI} signed {entry_path(OTHER)[1:]}", False),
    "an entry of another kind under this one": (
        OTHER_KIND.encode(), signature(OTHER_KIND), TRUST,
        f"it is another entry, put here with its signature: {CI} signed v1/ac/profile/", False),
    "no signature but HTML": (DATA, b"<html>\n</html>\n", TRUST, "its signature is none: line 1 is none of", True),
    "an empty one": (DATA, b"", TRUST, "its signature is none: ", True),
    "one that is cut off": (DATA, signature()[:200], TRUST, "its signature is none: it does not begin and end", True),
    "one without its line": (
        DATA, signature().partition(b"\n")[2], TRUST, "its signature is none: line 1 is none of", True),
    "one too large": (DATA, signature().ljust(LARGEST + 1, b"\n"), TRUST, "its signature is none: ", True),
    "one that is endless": (DATA, signature() * 50_000, TRUST, "its signature is none: ", True),
}  # fmt: skip


@pytest.mark.parametrize("signatures", [PREFER, REQUIRE], ids=["prefer", "require"])
@pytest.mark.parametrize("which", WRONG)
def test_a_wrong_signature_is_a_miss_in_either_mode_and_says_what_is_wrong(
    tmp_path: Path, which: str, signatures: Signatures
) -> None:
    data, signed, signer, said, _ = WRONG[which]
    with hostile(server_of(data, signed)) as server:
        here = scene(tmp_path, server.url, signatures=replace(signatures, signers=(signer,)))
        here.expect(here.find(), "unsigned")
        assert {path for _, path in server.requests} == {entry_path(), signature_path()}, "no content is asked for"
        place = f"{server.url}{entry_path()}"
        assert here.warnings[0].startswith(f"warning: cache: {place} is not used: {said}")
        assert here.warnings[0].isprintable()
        assert here.cache.remote
        assert here.cache.remote.reads, "other entries may be right"


@pytest.mark.parametrize("which", WRONG)
def test_without_the_check_it_would_be_used(tmp_path: Path, which: str) -> None:
    data, signed, _, _, used = WRONG[which]
    with hostile(server_of(data, signed)) as server:
        here = scene(tmp_path, server.url, signatures=OFF)
        assert isinstance(here.find(), Hit) == used
        assert ("GET", signature_path()) not in server.requests


def test_each_of_them_has_a_sentence_of_its_own() -> None:
    named = (
        "a flipped bit in the entry", "a flipped bit in the signature", "an expired key",
        "a poisoned entry, signed by who has no key that is trusted", "the signature of another key's entry",
        "an old entry under a new key",
    )  # fmt: skip
    assert len({WRONG[one][3] for one in named}) == len(named)


@pytest.mark.parametrize("signatures", [PREFER, REQUIRE], ids=["prefer", "require"])
def test_what_a_trusted_key_has_signed_is_used(tmp_path: Path, signatures: Signatures) -> None:
    with hostile(server_of(DATA, signature())) as server:
        here = scene(tmp_path, server.url, signatures=signatures)
        assert isinstance(here.find(), Hit)
        assert isinstance(here.find(), Hit), "from here, where it needs no signature"
        assert [path for _, path in server.requests] == [entry_path(), signature_path(), content_path()]
    assert here.shown == []


def test_a_new_key_next_to_the_old_one_and_the_old_one_until_its_end(tmp_path: Path) -> None:
    new = Signer("ci", STRANGER.public_key())
    for signed, before, used in (
        (signature(), NOW + DAY, True), (signature(), NOW - DAY, False), (signature(key=STRANGER), NOW - DAY, True),
    ):  # fmt: skip
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        both = replace(REQUIRE, signers=(new, replace(TRUST, before=before)))
        with hostile(server_of(DATA, signed)) as server:
            assert isinstance(scene(folder, server.url, signatures=both).find(), Hit) == used


def test_unsigned_while_require(tmp_path: Path) -> None:
    with hostile(server_of(DATA, None)) as server:
        here = scene(tmp_path, server.url, signatures=REQUIRE)
        here.expect(here.find(), "unsigned")
        assert here.warnings[0].endswith(" is not used: it has no signature, and SIGNING=require wants one")
        assert ("GET", content_path()) not in server.requests


def two(method: str, path: str, before: int) -> Answer:
    """A server with two entries, and no signature."""
    return Answer(body=OTHERS.encode()) if path == entry_path(OTHER) else honest()(method, path, before)


def test_unsigned_while_prefer_is_used_with_one_warning(tmp_path: Path) -> None:
    with hostile(two) as server:
        here = scene(tmp_path, server.url, signatures=PREFER)
        assert isinstance(here.find(), Hit)
        assert isinstance(here.find(OTHER), Hit)
        assert here.warnings == [f"warning: cache: {server.url}{entry_path()} has no signature, and is used without"]
        assert here.cache.report.troubles == {"unverified": 2}
        (tmp_path / "strict").mkdir()
        strict = scene(tmp_path / "strict", server.url, signatures=PREFER, strict=True)
        with pytest.raises(BuildError, match="has no signature"):
            strict.find()


def test_a_warning_of_an_unsigned_entry_hides_none_of_a_wrong_signature(tmp_path: Path) -> None:
    def rule(method: str, path: str, before: int) -> Answer:
        return Answer(body=signature()) if path == signature_path(OTHER) else two(method, path, before)

    with hostile(rule) as server:
        here = scene(tmp_path, server.url, signatures=PREFER)
        assert isinstance(here.find(), Hit)
        assert not isinstance(here.find(OTHER), Hit)
    assert len(here.warnings) == 2


@pytest.mark.parametrize("signatures", [Signatures(), OFF], ids=["nobody is trusted", "off"])
def test_where_nobody_asked_for_signatures_none_is_looked_at(tmp_path: Path, signatures: Signatures) -> None:
    with hostile(server_of(DATA, b"no signature")) as server:
        here = scene(tmp_path, server.url, signatures=signatures)
        assert isinstance(here.find(), Hit)
        assert server.asked() == 2
    assert here.shown == []


def test_who_signs_uses_nothing_unsigned_unless_off(tmp_path: Path) -> None:
    with hostile(server_of(DATA, None)) as server:
        here = scene(tmp_path, server.url, signatures=replace(PREFER, key=KEY))
        here.expect(here.find(), "unsigned")
        assert here.warnings[0].endswith("it has no signature, and what is made from it would get that of SIGNING_KEY")
        assert isinstance(scene(tmp_path, server.url, signatures=replace(OFF, key=KEY)).find(), Hit)


def test_the_signature_is_checked_before_the_entry_is_parsed(tmp_path: Path) -> None:
    with hostile(server_of(b"[" * 60_000, signature())) as server:
        here = scene(tmp_path, server.url, signatures=PREFER)
        here.expect(here.find(), "unsigned")


def test_an_unsigned_entry_that_is_none_is_reported_as_that_alone(tmp_path: Path) -> None:
    with hostile(server_of(b"<html>", None)) as server:
        here = scene(tmp_path, server.url, signatures=PREFER)
        here.expect(here.find(), "entry")


@pytest.mark.parametrize("stale", [entry_path(), signature_path()])
def test_entry_and_signature_of_two_moments_are_read_again_past_caches(tmp_path: Path, stale: str) -> None:
    older = replace(entry(), built={"compiled": "native", "seconds": 1})
    old = {entry_path(): older.encode(), signature_path(): signature(older)}

    def rule(method: str, path: str, before: int) -> Answer:
        return Answer(body=old[path]) if path == stale and not before else server_of(DATA, signature())(method, path, 0)

    with hostile(rule) as server:
        here = scene(tmp_path, server.url, signatures=REQUIRE)
        assert isinstance(here.find(), Hit)
        assert ["no-cache" in head for head in server.heads] == [False, False, True, True, False]
    assert here.shown == []


@pytest.mark.parametrize(("answer", "cause"), [(Answer(503), "unavailable"), (Answer(403), "forbidden")])
def test_a_signature_that_can_not_be_read_is_trouble_and_no_missing_one(
    tmp_path: Path, answer: Answer, cause: str
) -> None:
    def rule(method: str, path: str, before: int) -> Answer:
        return answer if path == signature_path() else honest()(method, path, before)

    with hostile(rule) as server:
        here = scene(tmp_path, server.url, signatures=PREFER)
        here.expect(here.find(), cause)


def test_the_outlook_of_an_entry_that_would_not_be_used_is_a_miss(tmp_path: Path) -> None:
    with hostile(server_of(DATA, None)) as server:
        here = scene(tmp_path, server.url, signatures=REQUIRE)
        assert here.cache.outlook(stage())[0] is False
        assert scene(tmp_path, server.url, signatures=PREFER).cache.outlook(stage())[0] is True


@pytest.mark.needs("ssh-keygen")
def test_openssh_says_the_same_of_a_signature(tmp_path: Path) -> None:
    written, _, armored = signature().partition(b"\n")
    assert written == f"{hashlib.sha256(DATA).hexdigest()}  {entry_path()[1:]}".encode()
    allowed = line("releases", KEY)
    assert ssh_keygen_verifies(tmp_path, allowed, written + b"\n", armored, NAMESPACE)
    assert not ssh_keygen_verifies(tmp_path, allowed, written + b"\n", armored)
    assert not ssh_keygen_verifies(
        tmp_path, allowed, written + b"\n", flipped(signature()).partition(b"\n")[2], NAMESPACE
    )


def opened(folder: Path, signatures: Signatures, **given: str) -> caching.Cache:
    """The cache as settings want it."""
    loaded = settings(folder, CACHE_URL="https://cache.example.org", **given)
    return caching.opened(loaded, NO_NETWORK, folder, print, signatures)


def test_require_without_anybody_who_is_trusted_is_refused_before_anything_starts(tmp_path: Path) -> None:
    nobody = Signatures(signing=Signing.REQUIRE)
    with pytest.raises(
        UserError, match=r"SIGNING=require takes only what is signed .*\n  → add a key to recipes/allowed"
    ):
        opened(tmp_path, nobody)
    for mode in ("local", "refresh", "off"):
        opened(tmp_path, nobody, CACHE_MODE=mode)
    assert opened(tmp_path, REQUIRE).remote


def test_the_key_is_not_shown(tmp_path: Path) -> None:
    assert "Ed25519PrivateKey" not in repr(opened(tmp_path, replace(REQUIRE, key=KEY)))
