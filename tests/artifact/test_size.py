"""What the archive weighs, and what it must not carry."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.checkout import Checkout
from tests.support.default_python import LIB, TAG
from tests.support.tree import Tree

MB = 1_000_000
BUDGETS = {"bare": 24 * MB, "example": 31 * MB}  # libpython has 3 MB of each
NEEDLESS = re.compile(
    r"lib/python3\.\d+/(test|idlelib|turtledemo)/|.*\.(a|o|exe)$|.*\.opt-[12]\.pyc$|.*/lib-dynload/_\w*test"
)


def again(checkout: Checkout, folder: Path) -> Checkout:
    """The same commit again, with the compiled results and none of the artifacts."""
    ignored = shutil.ignore_patterns("out", ".nox", "__pycache__")
    shutil.copytree(checkout.root, folder, dirs_exist_ok=True, ignore=ignored)
    twin = Checkout(folder, checkout.env)
    twin.take_cache(checkout)
    return twin


def test_nothing_needless_is_carried(tree: Tree) -> None:
    names = [tree.name(path) for path in tree.root.rglob("*")]
    assert [name for name in names if NEEDLESS.match(name)] == []
    assert NEEDLESS.match(f"{LIB}/test/")
    assert NEEDLESS.match(f"{LIB}/lib-dynload/_testcapi.{TAG}-x86_64-linux-gnu.so")


def test_the_examples_archive_is_within_its_budget(tree: Tree) -> None:
    assert tree.tarball.stat().st_size <= BUDGETS["example"]


@pytest.fixture(scope="module")
def bare(docker_checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose recipe asks for nothing, with its runtime built."""
    checkout = again(docker_checkout, tmp_path_factory.mktemp("bare"))
    for kind in ("requirements", "scripts", "checks", "post-patch"):
        for path in (checkout.root / "recipes" / "runtime" / kind).iterdir():
            path.unlink()
    checkout.unlock()
    checkout.nox("runtime").succeeds()
    return checkout


def test_a_bare_interpreters_archive_is_within_its_budget(bare: Checkout) -> None:
    assert (bare.out / "prt_v0_amd64.tgz").stat().st_size <= BUDGETS["bare"]
