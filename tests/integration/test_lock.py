"""Locks made by the real resolver from the index that pip uses, and what a build makes of them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from builder.inputs import package_lock
from tests.support.checkout import Checkout, copy_of_this

RUNTIME = "recipes/runtime"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout in which nothing was built."""
    return copy_of_this(tmp_path)


def versions(checkout: Checkout, recipe: str = RUNTIME) -> dict[str, str]:
    """The releases that a lock has."""
    lock = package_lock.parse(Path("pylock.toml"), (checkout.root / recipe / "pylock.toml").read_bytes())
    return {one.name: str(one.version) for one in lock.content.packages}


def test_the_locks_of_the_example_fit_it_and_an_index_still_has_what_they_name(checkout: Checkout) -> None:
    shown = checkout.nox("lock").succeeds()
    assert f"{RUNTIME}/pylock.toml: unchanged" in shown
    assert "recipes/dev/pylock.toml: unchanged" in shown
    assert "recipes/dev/venvs/ansible/pylock.toml: unchanged" in shown
    assert "every package has a file for every platform" in shown


def test_a_requirement_more_is_refused_until_it_is_locked_and_what_was_locked_stays(checkout: Checkout) -> None:
    before = versions(checkout)
    checkout.write(f"{RUNTIME}/requirements/20-six.txt", "\ufeffsix  # any\r\n--no-binary PyYAML\r\n")
    shown = checkout.nox("runtime").fails()
    assert "pylock.toml was made for other requirements: + --no-binary PyYAML, + six  # any" in shown
    assert "nox -s lock" in shown
    assert "  + six " in checkout.nox("lock").succeeds()
    after = versions(checkout)
    assert {name: version for name, version in after.items() if name != "six"} == before
    assert before.items() <= versions(checkout, "recipes/dev").items()
    content = tomllib.loads((checkout.root / RUNTIME / "pylock.toml").read_text())
    (yaml,) = (one for one in content["packages"] if one["name"] == "pyyaml")
    assert "sdist" in yaml, "it is to be compiled"


def test_what_is_no_release_or_has_no_file_is_said_at_once_and_no_build_takes_it(checkout: Checkout) -> None:
    wheel = "six @ https://files.pythonhosted.org/packages/b7/ce/149a00dd41f10bc29e5921b496af8b574d8413afcd5e30dfa0ed46c2cc5e/six-1.17.0-py2.py3-none-any.whl"
    checkout.write(f"{RUNTIME}/requirements/20-six.txt", f"{wheel}\n")
    assert "six is no release on an index" in checkout.nox("lock").succeeds()
    assert "six is no release on an index" in checkout.nox("runtime").fails()


def test_what_excludes_each_other_is_named_and_the_locks_stay(checkout: Checkout) -> None:
    before = (checkout.root / RUNTIME / "pylock.toml").read_bytes()
    checkout.write(f"{RUNTIME}/requirements/20-old.txt", "pydantic==2.13.0\n")
    shown = checkout.nox("lock").fails()
    assert "pydantic==2.13.0" in shown
    assert "pydantic==2.14.3" in shown
    assert (checkout.root / RUNTIME / "pylock.toml").read_bytes() == before
