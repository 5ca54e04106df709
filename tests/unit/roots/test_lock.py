"""Locks of root file systems: what is read is what was written, and nothing else is taken."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.errors import UserError
from builder.roots.lock import Lock, read_lock, read_root, wanted
from builder.targets import Arch

RECIPES = Path(__file__).parents[3] / "recipes"
LOCKS = sorted(RECIPES.glob("*/*.lock"))
PACKAGES = {
    "pool/main/m/make-dfsg/make_4.3-4.1_amd64.deb": "a" * 64,
    "pool/main/x/xz-utils/xz-utils_5.4.1-1+deb12u1_amd64.deb": "b" * 64,
}
LOCK = Lock("bookworm", "20261127T000000Z", ("make", "xz-utils"), {Arch.AMD64: PACKAGES, Arch.ARM64: {}})


def written(folder: Path, lock: Lock = LOCK, listed: str = "make\nxz-utils  # for tar\n") -> tuple[Path, Path]:
    """A list and its lock."""
    (folder / "builder.txt").write_text(listed)
    (folder / "builder.lock").write_text(lock.encode("builder.txt"))
    return folder / "builder.txt", folder / "builder.lock"


def test_a_lock_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_lock(written(tmp_path)[1]) == LOCK


def test_a_package_is_looked_for_at_the_mirror_and_where_debian_keeps_everything(tmp_path: Path) -> None:
    make, xz = read_root(*written(tmp_path), Arch.AMD64).packages
    assert (make.name, make.version, make.file) == ("make", "4.3-4.1", "make_4.3-4.1_amd64.deb")
    assert xz.places == (
        "debian:pool/main/x/xz-utils/xz-utils_5.4.1-1+deb12u1_amd64.deb",
        "https://snapshot.debian.org/archive/debian/20261127T000000Z/"
        "pool/main/x/xz-utils/xz-utils_5.4.1-1%2Bdeb12u1_amd64.deb",
    )


def test_the_digest_is_over_what_is_unpacked_and_nothing_else(tmp_path: Path) -> None:
    root = read_root(*written(tmp_path), Arch.AMD64)
    (tmp_path / "b").mkdir()
    later = read_root(*written(tmp_path / "b", replace(LOCK, snapshot="20270101T000000Z")), Arch.AMD64)
    assert later.digest == root.digest
    changed = {path: sha256.replace("a", "c") for path, sha256 in PACKAGES.items()}
    other = read_root(*written(tmp_path / "b", replace(LOCK, packages={Arch.AMD64: changed})), Arch.AMD64)
    assert other.digest != root.digest


def test_a_lock_of_another_list_is_refused_with_what_differs(tmp_path: Path) -> None:
    listed, lock = written(tmp_path, listed="make\nlibpq-dev\n")
    with pytest.raises(UserError, match=r"not made from this builder\.txt: libpq-dev, xz-utils differ") as refused:
        read_root(listed, lock, Arch.AMD64)
    assert refused.value.hint == "nox -s builder-lock"


def test_an_architecture_without_packages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no packages for arm64"):
        read_root(*written(tmp_path), Arch.ARM64)


@pytest.mark.parametrize(
    "change",
    [
        ("pool/main/m/make-dfsg", "pool/main/../make-dfsg"),
        ("pool/main/m/make-dfsg/", "/etc/"),
        ("a" * 64, "A" * 64),
        ("a" * 64, "a" * 63),
        ("bookworm", "book/worm"),
        ("20261127T000000Z", "today"),
        ("[amd64]", "[riscv64]"),
        ("wanted", "wished"),
        ("_amd64.deb", "_amd64.rpm"),
    ],
)
def test_what_none_of_our_locks_has_is_refused_with_the_file(tmp_path: Path, change: tuple[str, str]) -> None:
    _, lock = written(tmp_path)
    lock.write_text(lock.read_text().replace(*change))
    with pytest.raises(UserError, match=r"builder\.lock: ") as refused:
        read_lock(lock)
    assert refused.value.hint == "nox -s builder-lock"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000), st.binary(max_size=20))
def test_any_file_is_a_lock_or_the_users_error(tmp_path: Path, position: int, more: bytes) -> None:
    _, lock = written(tmp_path)
    good = LOCK.encode("builder.txt").encode()
    at = position % len(good)
    lock.write_bytes(good[:at] + more + good[at + len(more) :])
    with suppress(UserError):
        read_lock(lock).root("builder", Arch.AMD64)


@pytest.mark.parametrize("line", ["make; rm", "-o", "Make", "a b", "../x"])
def test_what_is_no_package_is_refused_with_the_list(tmp_path: Path, line: str) -> None:
    (tmp_path / "builder.txt").write_text(f"{line}\n")
    with pytest.raises(UserError, match=r"builder\.txt: .* is not the name of a Debian package"):
        wanted(tmp_path / "builder.txt")


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_shipped_locks_fit_their_lists(path: Path) -> None:
    listed = path.with_suffix(".txt") if path.parent.name == "builder" else path.with_name("packages.txt")
    for arch in Arch:
        assert {one.file.rpartition("_")[2] for one in read_root(listed, path, arch).packages} == {
            f"{arch.value}.deb",
            "all.deb",
        }
    assert read_lock(path).encode(listed.name) == path.read_text()
