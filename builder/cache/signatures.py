"""Signatures of entries: made by those who publish, and checked before anything of a server's entry is believed.

Next to an entry, `<key>.json.sig` has a line as `sha256sum` writes it, which names the entry by its whole place and the
digest of its bytes, and then OpenSSH's signature of that line. The place has the entry's kind and key, so that a
signature is worth nothing at any other; and where the two do not fit, the line shows which was exchanged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from builder.inputs.choices import Signing
from builder.trust import sshsig, sums
from builder.trust.signers import Signer, Untrusted, trusted

NAMESPACE = "cache@python-runtime-builder"  # what a signature of an entry is for: one of anything else is none
LARGEST = sshsig.LARGEST  # bytes, with the line


def signature_name(name: str) -> str:
    """Where the signature of an entry is, below the cache's base."""
    return f"{name}.sig"


@dataclass(frozen=True)
class Signatures:
    """What is trusted of a server's entries: those that one of the `signers` has signed, as far as `signing` says.

    `key` signs what is published. What is made from a result nobody signed must not be signed, so that with a key
    `prefer` is as strict as `require`. `now` is the time that counts for a key's end.
    """

    signers: tuple[Signer, ...] = ()
    signing: Signing = Signing.PREFER
    key: Ed25519PrivateKey | None = field(default=None, repr=False)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def checks(self) -> bool:
        """Whether signatures are looked at; without a trusted key nobody has asked for them."""
        return self.signing is Signing.REQUIRE or (self.signing is Signing.PREFER and bool(self.signers))

    def sign(self, name: str, entry: bytes) -> bytes | None:
        """The signature of an entry, which is at that place; None without a key."""
        if not self.key:
            return None
        line = sums.listed({name: _sha256(entry)})
        return line + sshsig.sign(self.key, line, NAMESPACE)

    def check(self, name: str, entry: bytes, signature: bytes | None) -> bool:
        """Whether the entry at that place is signed; Untrusted if it must not be used, with the reason."""
        if signature is None:
            return self._unsigned()
        line, newline, armored = signature.partition(b"\n")
        line += newline
        try:
            ((of, sha256),) = sums.parsed(line).items()
            found = sshsig.parsed(armored)
        except ValueError as problem:
            raise Untrusted(f"its signature is none: {problem}") from None
        try:
            signer = trusted(self.signers, found, line, NAMESPACE, self.now())
        except Untrusted as problem:
            raise Untrusted(f"its signature {problem}") from None
        same = sha256 == _sha256(entry)
        if of != name:
            what = "it is another entry, put here with its signature:" if same else "its signature is of another entry:"
            raise Untrusted(f"{what} {signer} signed {of}")
        if not same:
            raise Untrusted(f"it was altered: {signer} signed other bytes")
        return True

    def _unsigned(self) -> bool:
        if self.signing is Signing.REQUIRE:
            raise Untrusted("it has no signature, and SIGNING=require wants one")
        if self.key:
            raise Untrusted("it has no signature, and what is made from it would get that of SIGNING_KEY")
        return False


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
