"""Real artifacts are checked by the session: the files of a build, and what was unpacked from its archive."""

from __future__ import annotations

import subprocess
from pathlib import Path

from builder.targets import Arch
from tests.support.checkout import Checkout
from tests.support.tree import unpack


def test_what_a_build_left_and_its_tree_are_right_until_something_is_altered(
    docker_checkout: Checkout, tmp_path: Path
) -> None:
    endings = ("tgz", "symbols.tgz", "manifest.json", "cdx.json")
    files = [docker_checkout.out / f"prt_v0_amd64.{end}" for end in (*endings, "provenance.json")]
    tree = unpack(files[0], Arch.AMD64, tmp_path / "a b").root
    asked = ("verify", "--", *map(str, files), str(tree))
    shown = docker_checkout.nox(*asked).succeeds()
    assert shown.count("ok: ") == 2 * len(endings) + 2  # the provenance is not of itself; the tree is one
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=docker_checkout.out, check=True)
    (tree / "lib" / "evil.pth").write_text("import os\n")
    (tree / "manifest.json").write_text("{}\n")
    failed = docker_checkout.nox(*asked).fails()
    assert f"{tree}/lib/evil.pth is not in sha256sums: it was added since" in failed
    assert f"{tree}/manifest.json was altered: its sha256 is not the one that sha256sums lists" in failed
