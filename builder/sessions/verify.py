"""The session that checks finished files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from builder.artifacts.verification import Finding, Kind, Verifier
from builder.console import say
from builder.sessions.opening import fail_for, read_project, reported
from builder.trust import signers


@reported
def check(args: Sequence[str]) -> None:
    """Check finished files, `-- FILE...`: by sums, signature and provenance; an unpacked runtime by its own list."""
    project = read_project()
    trusted = signers.read(project.recipes_folder / signers.FILE)
    verifier = Verifier(trusted, project.settings.signing, datetime.now(UTC))
    found: list[Finding] = []
    by_folder: dict[Path, list[Path]] = {}
    for path in _arguments(args):
        if path.is_dir():
            found += verifier.tree(path)
        else:
            by_folder.setdefault(path.parent, []).append(path)
    for paths in by_folder.values():
        found += verifier.files(paths)
    for one in found:
        if one.kind is not Kind.WRONG:
            say(f"{one.kind.value}: {one.text}")
    fail_for(
        (one.text for one in found if one.kind is Kind.WRONG),
        f"don't use what is named here; the trusted keys are those of recipes/{signers.FILE}",
    )


def _arguments(args: Sequence[str]) -> list[Path]:
    parser = argparse.ArgumentParser(prog="nox -s verify --", description="Check finished files.")
    wanted = "a file next to its SHA256SUMS, or a folder with an unpacked runtime"
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=wanted)
    files: list[Path] = parser.parse_args(args).files
    return files
