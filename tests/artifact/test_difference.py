"""Real artifacts are compared by the session: an archive, what was unpacked from it, and the other variant."""

from __future__ import annotations

import json

from tests.support.checkout import Checkout
from tests.support.tree import Tree


def test_an_archive_and_its_tree_do_not_differ_and_another_variant_does(docker_checkout: Checkout, amd64: Tree) -> None:
    same = docker_checkout.nox("diff", "--", str(amd64.tarball), str(amd64.root)).succeeds()
    assert "no difference" in same
    other = docker_checkout.out / "prt-dev_v0_amd64.tgz"
    shown = docker_checkout.nox("diff", "--", "--json", str(amd64.tarball), str(other)).succeeds()
    found = json.loads(shown[shown.index("{") : shown.rindex("}") + 1])
    components = {one["name"]: one for one in found["components"]}
    assert components["ruff"]["old"] is None
    assert any(name.startswith("ansible: ") for name in components)
    assert {"name": "variant", "old": "runtime", "new": "runtime-dev"} in found["facts"]
    assert "ruff" in {one["name"] for one in found["sizes"]}
