"""Locks made by apt itself, from the mirror that apt uses here."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import BuildError
from builder.inputs import network
from builder.inputs.environment import whole_environment
from builder.roots import apt
from builder.roots.lock import Lock, read_root
from builder.roots.renewal import renew
from builder.sources.shelf import debian_mirrors
from builder.targets import Arch

pytestmark = pytest.mark.needs("debian")


def resolve(folder: Path, *names: str) -> dict[str, str]:
    """What these bring along on arm64."""
    mirror = next(one for one in debian_mirrors() if "security" not in one)
    folder.mkdir()
    here = network.read(whole_environment(), None)
    return apt.resolve(names, "bookworm", Arch.ARM64, mirror, here, folder)


def test_apt_resolves_for_any_architecture_without_rights_or_traces(tmp_path: Path) -> None:
    found = resolve(tmp_path / "apt", "make")
    assert any(path.startswith("pool/main/m/make-dfsg/make_4.3-") and path.endswith("_arm64.deb") for path in found)
    assert any("/libc6_" in path for path in found)
    assert not any("/base-files_" in path for path in found)


def test_a_package_that_is_not_in_the_suite_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="Unable to locate package no-such-package") as failed:
        resolve(tmp_path / "apt", "make", "no-such-package")
    assert "does bookworm have all of them for arm64?" in failed.value.hint


def test_a_list_with_one_package_more_gets_a_lock_that_has_it(tmp_path: Path) -> None:
    folder = tmp_path / "recipes" / "builder"
    folder.mkdir(parents=True)
    (folder / "builder.txt").write_text("make\n")
    stale = Lock("bookworm", "20200101T000000Z", ("gzip",), {arch: {} for arch in Arch})
    (folder / "builder.lock").write_text(stale.encode("builder.txt"))
    said: list[str] = []
    for _ in range(2):
        (tmp_path / "scratch").mkdir(exist_ok=True)
        renew(tmp_path / "recipes", "", network.read(whole_environment(), None), tmp_path / "scratch", said.append)
    assert said[0].startswith("recipes/builder/builder.lock: renewed\n  + ")
    assert said[1] == "recipes/builder/builder.lock: unchanged"
    for arch in Arch:
        assert "make" in {one.name for one in read_root(folder / "builder.txt", folder / "builder.lock", arch).packages}
