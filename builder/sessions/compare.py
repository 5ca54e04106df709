"""The session that compares two artifacts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from builder.artifacts import report
from builder.artifacts.contents import read
from builder.artifacts.difference import compare
from builder.console import say
from builder.sessions.opening import reported


@reported
def differ(args: Sequence[str]) -> None:
    """Show how two artifacts differ: versions, properties, sizes, files; `-- OLD NEW`. `-- --help` names the rest."""
    wanted = _arguments(args)
    found = compare(read(wanted.old), read(wanted.new))
    if wanted.json:
        print(json.dumps(found.as_json, indent=2))
    else:
        say(report.markdown(found) if wanted.markdown else report.text(found))


def _arguments(args: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s diff --", description="Show how two artifacts differ.")
    parser.add_argument("old", type=Path, help="an archive, a Debian package, or a folder with an unpacked runtime")
    parser.add_argument("new", type=Path, help="another one")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything, for programs")
    form.add_argument("--markdown", action="store_true", help="for the notes of a release")
    return parser.parse_args(args)
