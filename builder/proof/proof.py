"""The vocabulary of a proof: how a package is installed, and what is checked then."""

from __future__ import annotations

from dataclasses import dataclass

from builder.stages.stage import File, Step

# Names in WORK of what the prover brings along.
PACKAGE = "package.deb"  # or an archive: what reads it goes by content
OTHER = "other.deb"  # that of the other variant, where the proof exchanges the two
MANIFEST = "published-manifest.json"
TLS = "tls"  # folder of the certificates of inside/proof/tls.py


@dataclass(frozen=True)
class Proof:
    """`install` must succeed, or nothing is checked; of `checks` each runs, whatever the others came to.

    `files` are put into WORK first.
    """

    files: tuple[File, ...]
    install: tuple[Step, ...]
    checks: tuple[Step, ...]
