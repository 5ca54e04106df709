"""The locks: the noxfile's own block is what requirements.txt comes from, and every file is named by its digest."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.txt", "tests/requirements.txt")
# A pin, its digests, and who wants it.
PIN = re.compile(r"^(\S+)==(\S+)(?: ; .+)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n((?:    #.*\n)*)", re.MULTILINE)


def block() -> dict[str, object]:
    """The noxfile's PEP 723 block."""
    found = re.search(r"^# /// script\n((?:#.*\n)+?)# ///\n", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    assert found
    return tomllib.loads(re.sub(r"^# ?", "", found[1], flags=re.MULTILINE))


def wanted() -> dict[str, SpecifierSet]:
    """What the block asks for."""
    dependencies = block()["dependencies"]
    assert isinstance(dependencies, list)
    return {canonicalize_name(one.name): one.specifier for one in map(Requirement, dependencies)}


def differences(lock: str) -> list[str]:
    """In what a lock is not what the block asks for."""
    pins = {name: (version, via) for name, version, _, via in PIN.findall(lock)}
    missing = [name for name, known in wanted().items() if name not in pins or pins[name][0] not in known]
    return missing + [name for name, (_, via) in pins.items() if not via and name not in wanted()]


def test_requirements_txt_is_what_the_noxfiles_block_asks_for() -> None:
    assert differences((ROOT / "requirements.txt").read_text()) == [], "run ./nox -s requirements"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("\ntqdm==", "\ntqdm-other==", ["tqdm", "tqdm-other"]),
        ("\npyelftools==0.33", "\npyelftools==0.32", ["pyelftools"]),
    ],
)
def test_a_difference_is_seen(old: str, new: str, named: list[str]) -> None:
    lock = (ROOT / "requirements.txt").read_text()
    assert old in lock
    assert differences(lock.replace(old, new)) == named


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_an_exact_version_with_digests(lock: str) -> None:
    rest = re.sub(r"^#.*\n", "", PIN.sub("", (ROOT / lock).read_text()), flags=re.MULTILINE)
    assert rest == ""


def test_the_tests_run_with_the_very_versions_the_suite_runs_with() -> None:
    suite, for_tests = ({one[0]: one[1] for one in PIN.findall((ROOT / lock).read_text())} for lock in LOCKS)
    assert suite.items() <= for_tests.items()


def test_what_the_tests_ask_for_is_in_their_lock() -> None:
    asked = [(ROOT / name).read_text() for name in ("tests/requirements.in", "benchmarks/requirements.txt")]
    exact = {canonicalize_name(name): version for name, version in re.findall(r"^(\S+)==(\S+)$", "".join(asked), re.M)}
    locked = {one[0]: one[1] for one in PIN.findall((ROOT / "tests" / "requirements.txt").read_text())}
    assert len(exact) > 15
    assert exact.items() <= locked.items(), "run ./nox -s requirements"


def test_the_start_script_can_be_run_and_takes_the_pythons_that_the_block_allows() -> None:
    script = ROOT / "nox"
    assert os.access(script, os.X_OK)
    assert block()["requires-python"] == ">=3.11"
    assert "sys.version_info < (3, 11)" in script.read_text()
