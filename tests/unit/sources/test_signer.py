"""Upstream's own signature of a tarball: with keys made here, by the real gpg, as Debian keeps them."""

from __future__ import annotations

import datetime
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from builder.errors import BuildError
from builder.inputs.pins import Source
from builder.sources.bump import Bump, bumped
from builder.sources.releases import Indexes, newer, revised
from builder.sources.shelf import SourceShelf
from builder.sources.signer import endorsed
from tests.support.debian_mirror import DebianMirror, tarball
from tests.support.factories import NO_NETWORK
from tests.support.pgp import Keys

pytestmark = pytest.mark.needs("gpg", "gpgv")

TODAY = datetime.date(2026, 11, 28)
OLD, NEW = tarball("xz-5.8.1"), tarball("xz-5.8.3")
XZ = Source(
    "xz", "5.8.1", "xz-5.8.1.tar.xz", hashlib.sha256(OLD).hexdigest(),
    ("debian:pool/main/x/xz-utils/xz-utils_5.8.1.orig.tar.xz",), license="0BSD",
)  # fmt: skip


@pytest.fixture
def mirror(tmp_path: Path) -> DebianMirror:
    """One that has nothing yet."""
    return DebianMirror(tmp_path / "mirror")


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Those of an upstream and of a stranger."""
    made = Keys(tmp_path / "gnupg")
    made.make("upstream", at="20250101T000000")
    made.make("stranger", at="20250101T000000")
    return made


def shelf_of(mirror: DebianMirror) -> SourceShelf:
    """The sources of a mirror, as it is now."""
    mirror.publish()
    return SourceShelf(mirror.root / "sources", NO_NETWORK, "", str(mirror.root), print)


def bump(mirror: DebianMirror, signed_by: str = "") -> Bump:
    """What becomes of a source that is pinned with a key."""
    shelf, source = shelf_of(mirror), replace(XZ, signed_by=signed_by)
    return bumped(source, newer([source], Indexes(shelf))[source], shelf, TODAY)


def taken(mirror: DebianMirror, signed_by: str = "") -> str | None:
    """The key that the newer release is pinned with; None if it is passed over."""
    new = bump(mirror, signed_by).new
    return new.signed_by if new else None


def why_not(mirror: DebianMirror, signed_by: str = "") -> str:
    """Why the newer release is passed over."""
    found = bump(mirror, signed_by)
    assert found.new is None
    (reason,) = found.passed
    return reason


def test_the_key_of_a_good_signature_is_pinned_and_stays(mirror: DebianMirror, keys: Keys) -> None:
    mirror.add("5.8.3", NEW, signature=keys.sign(NEW, "upstream"), key=keys.public("stranger", "upstream"))
    assert taken(mirror) == taken(mirror, keys.fingerprint("upstream")) == keys.fingerprint("upstream")


def test_without_a_signature_a_release_is_taken_only_if_there_never_was_one(mirror: DebianMirror, keys: Keys) -> None:
    mirror.add("5.8.3", NEW, key=keys.public("upstream"))
    assert taken(mirror) == ""
    assert why_not(mirror, "A" * 40) == f"5.8.3: Debian has no signature of upstream, and 5.8.1 is signed by {'A' * 40}"


def test_a_signature_by_another_key_is_passed_over_even_if_debian_has_that_key(
    mirror: DebianMirror, keys: Keys
) -> None:
    one, other = (keys.fingerprint(name) for name in ("upstream", "stranger"))
    mirror.add("5.8.3", NEW, signature=keys.sign(NEW, "stranger"), key=keys.public("upstream", "stranger"))
    assert why_not(mirror, one) == f"5.8.3: it is signed by {other}, and 5.8.1 by {one}"


def test_a_signature_by_a_key_that_debian_does_not_have_counts_as_none(mirror: DebianMirror, keys: Keys) -> None:
    mirror.add("5.8.3", NEW, signature=keys.sign(NEW, "stranger"), key=keys.public("upstream"))
    assert taken(mirror) == ""
    reason = why_not(mirror, keys.fingerprint("upstream"))
    assert reason.startswith(f"5.8.3: it is signed by the key {keys.fingerprint('stranger')[-16:]}, which Debian's pa")


def test_a_signature_without_a_key_to_check_it_counts_as_none(mirror: DebianMirror, keys: Keys) -> None:
    mirror.add("5.8.3", NEW, signature=keys.sign(NEW, "upstream"), patches={})
    assert taken(mirror) == ""
    assert why_not(mirror, "A" * 40).startswith("5.8.3: Debian has its signature, but not upstream's key, and 5.8.1 ")


def test_a_signature_that_the_index_names_and_no_place_has_counts_as_none(mirror: DebianMirror, keys: Keys) -> None:
    mirror.add("5.8.3", NEW, signature=keys.sign(NEW, "upstream"), key=keys.public("upstream"))
    next(mirror.root.glob("pool/**/*.asc")).unlink()
    assert taken(mirror) == ""
    assert why_not(mirror, "A" * 40).startswith("5.8.3: its signature can't be checked: no place has xz-utils_5.8.3")


def test_a_machine_that_can_t_check_takes_nothing_that_must_be_signed(
    mirror: DebianMirror, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.add("5.8.3", NEW, signature=keys.sign(NEW, "upstream"), key=keys.public("upstream"))
    which = shutil.which
    for missing in ("gpg", "gpgv"):
        monkeypatch.setattr(shutil, "which", lambda name, without=missing: None if name == without else which(name))
        assert taken(mirror) == ""
        assert "this machine can't check its signature" in why_not(mirror, keys.fingerprint("upstream"))


BAD: dict[str, Callable[[Keys], bytes]] = {
    "of other bytes": lambda keys: keys.sign(OLD, "upstream"),
    "of another kind: it holds what it signs": lambda keys: keys.sign(NEW, "upstream", how="--sign"),
    "of another kind: it holds another text": lambda keys: keys.sign(b"hello", "upstream", how="--clearsign"),
    "of the file as a text": lambda keys: keys.sign(NEW, "upstream", options="--textmode"),
    "by a digest that can be forged": lambda keys: keys.sign(NEW, "upstream", options="--digest-algo=SHA1"),
    "no longer valid": lambda keys: keys.sign(NEW, "upstream", options="--default-sig-expire=1", at="20250601T000000"),
    "of two keys": lambda keys: keys.sign(NEW, "upstream", "stranger"),
    "two in one file": lambda keys: keys.bare(OLD, "upstream") + keys.bare(NEW, "stranger"),
    "two, one by a digest that can be forged": lambda keys: (
        keys.bare(NEW, "stranger", options="--digest-algo=SHA1") + keys.bare(NEW, "upstream")
    ),
    "none": lambda keys: b"<html>",
}


@pytest.mark.parametrize("what", BAD)
def test_a_signature_that_is_not_good_is_passed_over_even_if_there_never_was_one(
    mirror: DebianMirror, keys: Keys, what: str
) -> None:
    mirror.add("5.8.3", NEW, signature=BAD[what](keys), key=keys.public("upstream", "stranger"))
    expected = "5.8.3: xz-utils_5.8.3.orig.tar.xz.asc is no good signature of xz-5.8.3.tar.xz"
    assert [why_not(mirror), why_not(mirror, keys.fingerprint("upstream"))] == [expected] * 2


def test_a_signature_that_is_larger_than_any_is_not_read(mirror: DebianMirror, keys: Keys) -> None:
    mirror.add("5.8.3", NEW, signature=bytes(100_000), key=keys.public("upstream"))
    assert why_not(mirror) == "5.8.3: xz-utils_5.8.3.orig.tar.xz.asc has more than 65,536 bytes"


def test_a_key_that_has_expired_since_it_signed_is_good_and_one_that_had_before_is_not(
    mirror: DebianMirror, keys: Keys
) -> None:
    signature = keys.sign(NEW, "upstream", at="20250601T000000")
    keys.expire("upstream", "20250602T000000", at="20250102T000000")
    mirror.add("5.8.3", NEW, signature=signature, key=keys.public("upstream"))
    assert taken(mirror) == keys.fingerprint("upstream")
    keys.expire("upstream", "20250531T000000", at="20250103T000000")
    mirror.index = ""
    mirror.add("5.8.3", NEW, signature=signature, key=keys.public("upstream"))
    expected = "5.8.3: xz-utils_5.8.3.orig.tar.xz.asc was made with a key that had expired"
    assert [why_not(mirror), why_not(mirror, keys.fingerprint("upstream"))] == [expected] * 2


def test_a_key_that_was_revoked_signs_nothing(mirror: DebianMirror, keys: Keys) -> None:
    signature = keys.sign(NEW, "upstream")
    certificate = keys.home / "openpgp-revocs.d" / f"{keys.fingerprint('upstream')}.rev"
    keys.gpg("--import", content=certificate.read_bytes().replace(b":-----BEGIN", b"-----BEGIN"))
    mirror.add("5.8.3", NEW, signature=signature, key=keys.public("upstream"))
    assert why_not(mirror).endswith("is no good signature of xz-5.8.3.tar.xz")


def pinned(mirror: DebianMirror) -> str:
    """The key that the pinned release is found to be signed with."""
    shelf = shelf_of(mirror)
    return endorsed(XZ, revised([XZ], Indexes(shelf))[XZ], shelf).signed_by


def test_the_signature_of_what_is_pinned_is_found_at_any_revision(mirror: DebianMirror, keys: Keys) -> None:
    mirror.add("5.8.1", OLD, revision="2", patches={})
    assert pinned(mirror) == ""
    mirror.add("5.8.1", OLD, signature=keys.sign(OLD, "upstream"), key=keys.public("upstream"))
    assert pinned(mirror) == keys.fingerprint("upstream")


def test_a_signature_of_what_debian_repacked_says_nothing_of_what_is_pinned(mirror: DebianMirror, keys: Keys) -> None:
    mirror.add("5.8.1", NEW, signature=keys.sign(NEW, "upstream"), key=keys.public("upstream"))
    assert pinned(mirror) == ""


def test_what_is_pinned_and_has_a_signature_of_other_bytes_is_an_error(mirror: DebianMirror, keys: Keys) -> None:
    mirror.add("5.8.1", OLD, signature=keys.sign(NEW, "upstream"), key=keys.public("upstream"))
    with pytest.raises(BuildError, match=r"orig\.tar\.xz\.asc is no good signature of xz-5\.8\.1\.tar\.xz"):
        pinned(mirror)
