"""Keys that sign, made for a test, and what OpenSSH's own program says of signatures."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from builder.trust.sums import NAMESPACE


def key_of(number: int) -> Ed25519PrivateKey:
    """A key, the same for the same number."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def private_text(key: Ed25519PrivateKey) -> str:
    """A private key as ssh-keygen writes its file."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def public_text(key: Ed25519PrivateKey) -> str:
    """Its public key, as in a line of allowed_signers."""
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def line(name: str, key: Ed25519PrivateKey, options: str = "") -> str:
    """A line of allowed_signers."""
    return f"{name} {options}{' ' if options else ''}{public_text(key)}\n"


def ssh_keygen_verifies(
    folder: Path, allowed: str, content: bytes, signature: bytes, namespace: str = NAMESPACE
) -> bool:
    """Whether ssh-keygen trusts a signature of a content by the signer `releases`."""
    (folder / "allowed_signers").write_text(allowed)
    (folder / "signature").write_bytes(signature)
    command = "ssh-keygen -Y verify -f allowed_signers -I releases -s signature -n".split()
    done = subprocess.run([*command, namespace], cwd=folder, input=content, capture_output=True, check=False)
    return done.returncode == 0


def ssh_keygen_signs(folder: Path, key_file: Path, content: bytes, *options: str) -> bytes:
    """What ssh-keygen signs a content with, for our purpose."""
    (folder / "content").write_bytes(content)
    (folder / "content.sig").unlink(missing_ok=True)
    command = ["ssh-keygen", "-Y", "sign", "-f", str(key_file), "-n", NAMESPACE, *options, "content"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / "content.sig").read_bytes()
