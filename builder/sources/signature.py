"""What Debian's archive has signed of a suite: the digests of its indexes."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from builder.errors import BuildError
from builder.sources import gpgv

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")  # of Debian's package debian-archive-keyring


def can_check() -> bool:
    """Whether this machine has Debian's keys, and the program that checks signatures."""
    return KEYRING.is_file() and gpgv.is_there()


def check(release: bytes, name: str, index: bytes) -> None:
    """Raise BuildError unless a suite's InRelease file is signed by Debian, and has this index under this name."""
    digest = hashlib.sha256(index).hexdigest()
    if [digest, str(len(index)), name] not in [line.split() for line in _signed(release).splitlines()]:
        raise BuildError(f"the Debian mirror's {name} is not what Debian signed", "set DEBIAN_MIRROR, or try again")


def _signed(release: bytes) -> str:
    """The signed text, without what may stand around it."""
    with tempfile.TemporaryDirectory() as folder:
        given, text = Path(folder, "InRelease"), Path(folder, "text")
        given.write_bytes(release)
        # A suite has several signatures, and an older keyring may lack the key of one.
        words = {line.split()[0] for line in gpgv.status(KEYRING, f"--output={text}", str(given)) if line.strip()}
        if "GOODSIG" not in words or "BADSIG" in words or not text.is_file():
            raise BuildError("the Debian mirror's InRelease has no good signature of Debian", "set DEBIAN_MIRROR")
        return text.read_text(errors="replace")
