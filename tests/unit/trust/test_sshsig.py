"""Signatures: OpenSSH's own program makes and takes the same, and no altered one is taken."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies

from builder.trust.sshsig import fingerprint, parsed, sign
from builder.trust.sums import NAMESPACE
from tests.support.signing import (
    key_of,
    line,
    private_text,
    public_text,
    ssh_keygen_signs,
    ssh_keygen_verifies,
)

KEY, CONTENT = key_of(1), b"0" * 64 + b"  prt_v1_amd64.tgz\n"
SIGNED = sign(KEY, CONTENT, NAMESPACE)


@pytest.mark.needs("ssh-keygen")
def test_openssh_takes_what_we_sign_and_no_other_content(tmp_path: Path) -> None:
    allowed = line("releases", KEY)
    assert ssh_keygen_verifies(tmp_path, allowed, CONTENT, SIGNED)
    assert not ssh_keygen_verifies(tmp_path, allowed, CONTENT + b"\n", SIGNED)
    assert not ssh_keygen_verifies(tmp_path, line("releases", key_of(2)), CONTENT, SIGNED)
    assert not ssh_keygen_verifies(tmp_path, allowed, CONTENT, SIGNED, "file")


@pytest.mark.needs("ssh-keygen")
def test_openssh_makes_the_same_signature(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.touch(mode=0o600)
    key_file.write_text(private_text(KEY))
    assert ssh_keygen_signs(tmp_path, key_file, CONTENT) == SIGNED


@pytest.mark.needs("ssh-keygen")
def test_a_key_is_named_as_openssh_names_it(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(public_text(KEY))
    said = subprocess.run(["ssh-keygen", "-l", "-f", tmp_path / "key.pub"], check=True, capture_output=True, text=True)
    assert said.stdout.split()[1] == fingerprint(KEY.public_key())


def test_a_signature_has_its_key_its_purpose_and_fits_its_content_only() -> None:
    signature = parsed(SIGNED)
    assert (signature.key, signature.namespace) == (KEY.public_key(), NAMESPACE)
    assert signature.fits(CONTENT)
    assert not signature.fits(CONTENT.replace(b"0", b"1", 1))


def test_no_bit_of_a_signature_can_be_flipped() -> None:
    first, *middle, last, _ = SIGNED.decode().split("\n")
    blob = base64.b64decode("".join(middle))

    def taken(altered: bytes) -> bool:
        text = "\n".join((first, base64.b64encode(altered).decode(), last, ""))
        try:
            signature = parsed(text.encode())
        except ValueError:
            return False
        return signature.namespace == NAMESPACE and signature.key == KEY.public_key() and signature.fits(CONTENT)

    assert taken(blob)
    flipped = (bytes(byte ^ (1 << bit) * (at == place) for at, byte in enumerate(blob))
               for place in range(len(blob)) for bit in range(8))  # fmt: skip
    assert [one for one in flipped if taken(one)] == []


@pytest.mark.needs("ssh-keygen")
@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [("rsa", (), "not made with Ed25519"), ("ed25519", ("-O", "hashalg=sha256"), "not made with SHA-512")],
)
def test_what_is_made_in_another_way_is_not_taken(
    tmp_path: Path, kind: str, options: tuple[str, ...], said: str
) -> None:
    key_file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", key_file], check=True)
    with pytest.raises(ValueError, match=said):
        parsed(ssh_keygen_signs(tmp_path, key_file, CONTENT, *options))


def armored(blob: bytes) -> bytes:
    """Some bytes in the form of a signature."""
    return b"-----BEGIN SSH SIGNATURE-----\n" + base64.b64encode(blob) + b"\n-----END SSH SIGNATURE-----\n"


BLOB = base64.b64decode(b"".join(SIGNED.split(b"\n")[1:-2]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "begin and end"),
        (b"\xff" * 100, "begin and end"),
        (SIGNED + SIGNED, "base64"),
        (SIGNED[:-2], "begin and end"),
        (SIGNED.replace(b"U1NI", b"U1*I"), "base64"),
        (armored(b""), "version"),
        (armored(BLOB[:6] + b"\0\0\0\2" + BLOB[10:]), "version"),
        (armored(BLOB[:-1]), "cut off"),
        (armored(BLOB + b"\0"), "more follows"),
        (armored(BLOB[:10] + b"\xff" * 20), "cut off"),
    ],
)
def test_what_is_no_signature_is_one_kind_of_error(text: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parsed(text)


@hypothesis.given(strategies.binary(max_size=300))
def test_whatever_it_is_there_is_one_kind_of_error(blob: bytes) -> None:
    with pytest.raises(ValueError, match=" "):
        parsed(armored(BLOB[:10] + blob))
