"""Whose signatures are trusted, for what, and from when until when: OpenSSH's file `allowed_signers`.

The format is described in https://man.openbsd.org/ssh-keygen#ALLOWED_SIGNERS
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from builder import files
from builder.errors import UserError
from builder.trust.sshsig import Signature, fingerprint

FILE = "allowed_signers"
_LARGEST = 1 << 20  # bytes
_QUOTED = r'"[^"]*"'
_OPTION = rf"[a-z-]+(?:={_QUOTED})?"
_LINE = re.compile(
    rf"(?P<name>{_QUOTED}|[^\s\"#]\S*)[ \t]+(?:(?P<options>{_OPTION}(?:,{_OPTION})*)[ \t]+)?"
    r"(?P<key>ssh-ed25519[ \t]+[A-Za-z0-9+/]{68}=*)(?:[ \t].*)?"
)
_DAY, _MINUTE, _SECOND = "%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S"
_FORMS = {8: _DAY, 12: _MINUTE, 14: _SECOND}
_EXPECTED = 'each line is: NAME [valid-after="YYYYMMDD",valid-before="YYYYMMDD"] ssh-ed25519 KEY'


class Untrusted(Exception):
    """Why a signature is not trusted, in one sentence."""


@dataclass(frozen=True)
class Signer:
    """A key that is trusted: by its owner's name, for these purposes (none: for all), from and until these times."""

    name: str
    key: Ed25519PublicKey
    namespaces: tuple[str, ...] = ()
    after: datetime | None = None
    before: datetime | None = None

    def __str__(self) -> str:
        return f"{self.name} ({fingerprint(self.key)})"

    def objection(self, namespace: str, now: datetime) -> str:
        """Why a signature by this key is not trusted for a purpose, now; empty if it is."""
        if self.namespaces and namespace not in self.namespaces:
            return f"{self}, who is trusted for {', '.join(self.namespaces)} only"
        if self.after and now < self.after:
            return f"{self}, whose key is trusted from {_shown(self.after)} on only"
        if self.before and now > self.before:
            return f"{self}, whose key expired: it was trusted until {_shown(self.before)}"
        return ""


def read(path: Path) -> tuple[Signer, ...]:
    """The trusted keys of a file; none if it is not there. UserError with the line that can't be read."""
    try:
        text = files.read(path, _LARGEST).decode()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as problem:
        raise UserError(f"{path} can't be read: {getattr(problem, 'strerror', problem)}", _EXPECTED) from None
    return tuple(_signers(text, path))


def trusted(signers: Iterable[Signer], signature: Signature, content: bytes, namespace: str, now: datetime) -> Signer:
    """Who has signed a content for a purpose; Untrusted where none of the signers has, or is trusted for it now."""
    if signature.namespace != namespace:
        raise Untrusted(f"is for another purpose: {signature.namespace}")
    known = [one for one in signers if one.key == signature.key]
    if not known:
        raise Untrusted(f"is by a key that is not trusted: {fingerprint(signature.key)}")
    if not signature.fits(content):
        raise Untrusted(f"does not fit: it, or what {known[0]} signed, was altered")
    objections = [(one.objection(namespace, now), one) for one in known]
    accepted = [one for objection, one in objections if not objection]
    if not accepted:
        raise Untrusted(f"is by {objections[0][0]}")
    return accepted[0]


def _signers(text: str, path: Path) -> Iterator[Signer]:
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip(" \t\r")
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        try:
            if not match:
                raise ValueError("this line is none of a trusted key")
            yield _signer(match["name"].strip('"'), match["options"] or "", match["key"])
        except (ValueError, OverflowError) as problem:
            raise UserError(f"{path}:{number}: {problem}", _EXPECTED) from None


def _signer(name: str, options: str, key: str) -> Signer:
    public = load_ssh_public_key(key.encode())
    assert isinstance(public, Ed25519PublicKey), "as its kind says"
    given = {}
    for option in re.findall(_OPTION, options):
        word, _, value = option.partition("=")
        if word not in ("namespaces", "valid-after", "valid-before") or word in given or not value.strip('"'):
            raise ValueError(f"can't take the option {word}")
        given[word] = value.strip('"')
    return Signer(
        name,
        public,
        tuple(given["namespaces"].split(",")) if "namespaces" in given else (),
        _time(given["valid-after"]) if "valid-after" in given else None,
        _time(given["valid-before"]) if "valid-before" in given else None,
    )


def _time(text: str) -> datetime:
    """A time as OpenSSH writes it: of this machine's zone, unless it ends with Z."""
    digits = text.removesuffix("Z")
    if len(digits) not in _FORMS or not re.fullmatch("[0-9]+", digits):
        raise ValueError(f"{text} is no time: YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS")
    time = datetime.strptime(digits, _FORMS[len(digits)])
    return time.replace(tzinfo=UTC) if text.endswith("Z") else time.astimezone()


def _shown(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M %Z}"
