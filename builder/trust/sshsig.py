"""Signatures that `ssh-keygen -Y verify` checks, made with Ed25519.

The format is OpenSSH's: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LARGEST = 4096  # bytes of a signature, which has about 300
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_MAGIC, _VERSION, _HASH, _KIND = b"SSHSIG", b"\0\0\0\1", b"sha512", b"ssh-ed25519"
_WIDTH = 70  # characters of a line, as ssh-keygen has it


@dataclass(frozen=True)
class Signature:
    """A signature, with the key that it says it was made by, and what it is for (`namespace`)."""

    key: Ed25519PublicKey
    namespace: str
    value: bytes

    def fits(self, content: bytes) -> bool:
        """Whether the key has signed this content, for this purpose."""
        try:
            self.key.verify(self.value, _to_sign(content, self.namespace))
        except InvalidSignature:
            return False
        return True


def sign(key: Ed25519PrivateKey, content: bytes, namespace: str) -> bytes:
    """The signature of a content as a text; the same content has the same one."""
    value = key.sign(_to_sign(content, namespace))
    parts = (public_blob(key.public_key()), namespace.encode(), b"", _HASH, _string(_KIND) + _string(value))
    text = base64.b64encode(_MAGIC + _VERSION + b"".join(map(_string, parts))).decode()
    lines = (text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH))
    return "".join(f"{line}\n" for line in (_BEGIN, *lines, _END)).encode()


def parsed(text: bytes) -> Signature:
    """Read a signature; ValueError for anything else, and for one that is not made with Ed25519."""
    lines = text.decode(errors="replace").split("\n")
    if lines[:1] != [_BEGIN] or lines[-2:] != [_END, ""]:
        raise ValueError("it does not begin and end as a signature of ssh-keygen")
    try:
        blob = base64.b64decode("".join(lines[1:-2]), validate=True)
    except binascii.Error:
        raise ValueError("it is not base64") from None
    if blob[:10] != _MAGIC + _VERSION:
        raise ValueError("it is of another version")
    public, namespace, reserved, hashed_by, value = _strings(blob[10:], 5)
    if not (public.startswith(_string(_KIND)) and value.startswith(_string(_KIND))):
        raise ValueError("it is not made with Ed25519")
    (_, raw), (_, value) = _strings(public, 2), _strings(value, 2)
    if (reserved, hashed_by) != (b"", _HASH):
        raise ValueError("it is not made with SHA-512")
    return Signature(Ed25519PublicKey.from_public_bytes(raw), namespace.decode(errors="replace"), value)


def public_blob(key: Ed25519PublicKey) -> bytes:
    """A public key as OpenSSH encodes it."""
    return base64.b64decode(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])


def fingerprint(key: Ed25519PublicKey) -> str:
    """A public key's name, as `ssh-keygen -l` prints it."""
    return f"SHA256:{base64.b64encode(hashlib.sha256(public_blob(key)).digest()).decode().rstrip('=')}"


def _to_sign(content: bytes, namespace: str) -> bytes:
    parts = (namespace.encode(), b"", _HASH, hashlib.sha512(content).digest())
    return _MAGIC + b"".join(map(_string, parts))


def _string(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def _strings(blob: bytes, count: int) -> list[bytes]:
    """So many strings, and nothing after them."""
    found = []
    for _ in range(count):
        size = int.from_bytes(blob[:4], "big")
        found.append(blob[4 : 4 + size])
        if len(blob) < 4 + size:
            raise ValueError("it is cut off")
        blob = blob[4 + size :]
    if blob:
        raise ValueError("more follows its end")
    return found
