"""The private key that signs, read from its file or from the environment, and shown by no message."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from builder.errors import UserError
from builder.files import read
from builder.inputs.parsers import PRIVATE_KEY

_LARGEST = 16 << 10  # bytes of a key, which has about 400
_HINT = "make one: ssh-keygen -t ed25519 -N '' -f FILE"


def load(setting: str) -> Ed25519PrivateKey | None:
    """The key that SIGNING_KEY is or whose file it names; None if it is empty. UserError for any other key."""
    if not setting:
        return None
    try:
        text = setting.encode() if setting.startswith(PRIVATE_KEY) else read(Path(setting), _LARGEST)
    except OSError as problem:
        raise UserError(f"SIGNING_KEY can't be read: {problem.strerror}", _HINT) from None
    try:
        key = load_ssh_private_key(text.strip() + b"\n", password=None)
    except TypeError:  # https://cryptography.io/en/latest/hazmat/primitives/asymmetric/serialization/
        raise UserError("SIGNING_KEY has a passphrase, which nobody can enter here", _HINT) from None
    except (ValueError, UnsupportedAlgorithm):
        raise UserError("SIGNING_KEY is not a private key of OpenSSH", _HINT) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UserError("SIGNING_KEY is not an Ed25519 key", _HINT)
    return key
