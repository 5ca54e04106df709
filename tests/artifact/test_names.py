"""No name of the standard library is missing that Debian's Python of the same series has, except with a reason.

Debian's names are in a file, since a suite keeps one version only, and for some time. `tests/support/probes/names.py`
makes it and says how.
"""

from __future__ import annotations

from pathlib import Path

from docker.models.containers import Container

from tests.support.container import execute
from tests.support.default_python import SERIES
from tests.support.probes import probe

FOLDER = Path(__file__).with_name("names")
# A series that is new here wants a list of its own.
DEBIAN = FOLDER / f"debian-{SERIES}.txt"


def names(text: str) -> set[str]:
    """Each name in what the probe printed, after that of its module."""
    found, module = set(), ""
    for line in text.splitlines():
        module, _, rest = (module, "", line) if line.startswith(" ") else line.partition(":")
        found |= {f"{module} {name}" for name in rest.split()}
    return found


def test_every_name_that_debians_python_has_is_there_or_missing_for_a_reason(amd64_machine: Container) -> None:
    there = names(execute(amd64_machine, "/prt/bin/python", "-I", "-c", probe("names")))
    missing = [line.partition("  # ") for line in (FOLDER / "missing.txt").read_text().splitlines()]
    assert names(DEBIAN.read_text()) - there == {name for name, _, _ in missing}
    assert all(reason for _, _, reason in missing)
