"""An index is read only if Debian signed it, wherever this machine can tell: with keys made here, by the real gpg."""

from __future__ import annotations

import functools
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.errors import BuildError
from builder.inputs.pins import Source
from builder.sources import signature
from builder.sources.releases import INDEX, Indexes, newer, revised
from builder.sources.shelf import SourceShelf
from tests.support.debian_mirror import DebianMirror, tarball
from tests.support.factories import NO_NETWORK
from tests.support.pgp import Keys

pytestmark = pytest.mark.needs("gpg")

XZ = Source("xz", "5.8.1", "xz-5.8.1.tar.xz", "0" * 64, ("debian:pool/main/x/xz-utils/xz-utils_5.8.1.orig.tar.xz",))
Sign = Callable[..., bytes]


@pytest.fixture
def mirror(tmp_path: Path) -> DebianMirror:
    """One with a newer xz, not signed yet."""
    made = DebianMirror(tmp_path / "mirror")
    made.add("5.8.3", tarball("xz-5.8.3"))
    made.publish()
    return made


@pytest.fixture
def sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sign:
    """Signs a text as Debian, or as others as well; this machine has Debian's key."""
    keys = Keys(tmp_path / "gnupg")
    for name in ("debian", "stranger"):
        keys.make(name)
    keyring = tmp_path / "keyring.gpg"
    keyring.write_bytes(keys.gpg("--export", "debian@example.org"))
    monkeypatch.setattr(signature, "KEYRING", keyring)
    return functools.partial(keys.sign, how="--clearsign")


def release(mirror: DebianMirror) -> bytes:
    """What a suite's InRelease says before it is signed."""
    index = (mirror.root / INDEX).read_bytes()
    return (
        f"Suite: sid\nSHA256:\n {hashlib.sha256(index).hexdigest()} {len(index):>8} main/source/Sources.xz\n".encode()
    )


def versions(mirror: DebianMirror, signed: bytes | None) -> list[str]:
    """The newer versions a mirror is believed to have, when its suite is signed so."""
    if signed is not None:
        (mirror.root / "dists" / "sid" / "InRelease").write_bytes(signed)
    said: list[str] = []
    shelf = SourceShelf(mirror.root / "sources", NO_NETWORK, "", str(mirror.root), said.append)
    found = [one.version for one in newer([XZ], Indexes(shelf))[XZ]]
    return found + said


@pytest.mark.parametrize("names", [("debian",), ("debian", "stranger"), ("stranger", "debian")])
def test_what_debian_signed_is_read_whoever_signed_it_too(
    mirror: DebianMirror, sign: Sign, names: tuple[str, ...]
) -> None:
    assert versions(mirror, sign(release(mirror), *names)) == ["5.8.3"]


def test_what_a_stranger_signed_is_refused(mirror: DebianMirror, sign: Sign) -> None:
    with pytest.raises(BuildError, match="no good signature of Debian"):
        versions(mirror, sign(release(mirror), "stranger"))


def test_a_text_that_was_altered_is_refused(mirror: DebianMirror, sign: Sign) -> None:
    with pytest.raises(BuildError, match="no good signature of Debian"):
        versions(mirror, sign(release(mirror), "debian").replace(b"Suite: sid", b"Suite: sad"))


@pytest.mark.parametrize("unsigned", [b"", b"<html>", b"SHA256:\n"])
@pytest.mark.usefixtures("sign")
def test_what_is_not_signed_is_refused(mirror: DebianMirror, unsigned: bytes) -> None:
    with pytest.raises(BuildError, match="no good signature of Debian"):
        versions(mirror, unsigned)


def test_what_precedes_the_signed_text_does_not_count(mirror: DebianMirror, sign: Sign) -> None:
    with pytest.raises(BuildError):
        versions(mirror, release(mirror) + sign(b"Suite: sid\n", "debian"))


def test_an_index_that_is_not_the_signed_one_is_refused(mirror: DebianMirror, sign: Sign) -> None:
    signed = sign(release(mirror), "debian")
    mirror.add("5.8.4", tarball("xz-5.8.4"))
    mirror.publish()
    with pytest.raises(BuildError, match=r"main/source/Sources\.xz is not what Debian signed"):
        versions(mirror, signed)


@pytest.mark.usefixtures("sign")
def test_a_mirror_that_keeps_the_signature_to_itself_is_refused(mirror: DebianMirror) -> None:
    with pytest.raises(BuildError, match="no mirror has dists/sid/InRelease"):
        versions(mirror, None)


def test_a_bad_signature_of_a_suite_that_need_not_be_there_is_refused_too(mirror: DebianMirror, sign: Sign) -> None:
    (mirror.root / "dists" / "sid" / "InRelease").write_bytes(sign(release(mirror), "debian"))
    shelf = SourceShelf(mirror.root / "sources", NO_NETWORK, "", str(mirror.root), print)
    assert revised([XZ], Indexes(shelf)) == {XZ: []}
    stable = mirror.root / "dists" / "stable"
    shutil.copytree(mirror.root / "dists" / "sid", stable)
    (stable / "InRelease").write_bytes(sign(release(mirror), "stranger"))
    with pytest.raises(BuildError, match="no good signature of Debian"):
        revised([XZ], Indexes(shelf))


def test_without_keys_it_is_said(mirror: DebianMirror) -> None:
    found, note = versions(mirror, None)
    assert found == "5.8.3"
    assert note == f"note: {INDEX}: Debian's signature is not checked; apt-get install gpgv debian-archive-keyring"
