"""PGP keys made for a test, and what they sign: by the real gpg."""

from __future__ import annotations

import subprocess
import weakref
from pathlib import Path


class Keys:
    """Keys in a folder of their own, each for NAME@example.org.

    `at` is when something is done, such as `20250601T000000`: later than what was done to that key before.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o700)
        # gpg starts an agent in the background, which nothing else ends.
        end = ("gpgconf", f"--homedir={home}", "--kill", "all")
        weakref.finalize(self, subprocess.run, end, check=False, capture_output=True)

    def make(self, name: str, at: str = "") -> None:
        """Make a key."""
        self.gpg("--quick-generate-key", f"{name}@example.org", "ed25519", "sign", "never", at=at)

    def fingerprint(self, name: str) -> str:
        """That of a key."""
        lines = self.gpg("--with-colons", "--list-keys", f"{name}@example.org").decode().splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr:"))

    def expire(self, name: str, when: str, at: str) -> None:
        """Give a key the time of its end."""
        self.gpg("--quick-set-expire", self.fingerprint(name), when, at=at)

    def public(self, *names: str) -> bytes:
        """Some keys' public parts, in armour as upstreams publish them."""
        return self.gpg("--armor", "--export", *(f"{one}@example.org" for one in names))

    def sign(self, content: bytes, *names: str, how: str = "--detach-sign", options: str = "", at: str = "") -> bytes:
        """What these keys' signature of something is, in armour."""
        users = (f"--local-user={one}@example.org" for one in names)
        return self.gpg(*options.split(), "--armor", *users, how, content=content, at=at)

    def bare(self, content: bytes, name: str, options: str = "") -> bytes:
        """The same of one key, without armour: what is joined is several signatures."""
        return self.gpg("--dearmor", content=self.sign(content, name, options=options))

    def gpg(self, *args: str, content: bytes = b"", at: str = "") -> bytes:
        """What gpg says."""
        quiet = ("gpg", "--batch", "--quiet", f"--homedir={self.home}", "--pinentry-mode=loopback", "--passphrase=")
        time = (f"--faked-system-time={at}!",) if at else ()
        return subprocess.run((*quiet, *time, *args), check=True, input=content, capture_output=True).stdout
