"""Root file systems unpacked: once, whole, plain files only, and again if anything in them was changed."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from builder.errors import BuildError
from builder.inputs.pins import Source
from builder.roots import tree as module
from builder.roots.lock import Root
from builder.roots.tree import RootShelf
from builder.sources.shelf import SourceShelf
from builder.targets import Arch
from tests.support.factories import NO_NETWORK
from tests.support.made_debs import deb, file, folder, link

CONTROL = "Package: {name}\nVersion: 1\nArchitecture: amd64\nMulti-Arch: same\nMaintainer: m <m@x>\nDescription: d\n"
DPKG = deb([folder("var/lib/dpkg"), file("usr/bin/mawk", b"awk", 0o755)], CONTROL.format(name="dpkg"))
BASH = deb([folder("bin"), file("bin/bash", b"bash", 0o4755), link("bin/sh", "/bin/bash")], CONTROL.format(name="bash"))


def root(mirror: Path, *packages: bytes) -> Root:
    """A root file system of packages that a folder has."""
    mirror.mkdir(exist_ok=True)
    sources = []
    for number, package in enumerate(packages):
        name = f"p{number}_1_amd64.deb"
        (mirror / name).write_bytes(package)
        sources.append(Source(f"p{number}", "1", name, hashlib.sha256(package).hexdigest(), (str(mirror / name),)))
    return Root("builder", "bookworm", Arch.AMD64, tuple(sources))


def shelf(folder: Path, said: list[str] | None = None) -> RootShelf:
    """A shelf in that folder."""
    say = (said if said is not None else []).append
    return RootShelf(folder / "roots", SourceShelf(folder / "sources", NO_NETWORK, "", "", say), say)


def test_packages_are_unpacked_on_each_other_as_on_a_system_where_usr_is_merged(tmp_path: Path) -> None:
    tree = shelf(tmp_path).tree(root(tmp_path / "mirror", DPKG, BASH))
    assert (tree / "bin").readlink() == Path("usr/bin")
    assert (tree / "usr/bin/bash").read_bytes() == b"bash"
    assert (tree / "usr/bin/sh").readlink() == Path("/bin/bash")


def test_no_file_has_special_bits(tmp_path: Path) -> None:
    tree = shelf(tmp_path).tree(root(tmp_path / "mirror", DPKG, BASH))
    assert oct((tree / "usr/bin/bash").stat().st_mode & 0o7777) == "0o755"


def test_what_maintainer_scripts_would_make_is_there(tmp_path: Path) -> None:
    tree = shelf(tmp_path).tree(root(tmp_path / "mirror", DPKG))
    assert (tree / "usr/bin/awk").readlink() == Path("mawk")
    assert "root:x:0:0" in (tree / "etc/passwd").read_text()


def test_dpkg_knows_every_package_as_installed(tmp_path: Path) -> None:
    tree = shelf(tmp_path).tree(root(tmp_path / "mirror", DPKG, BASH))
    status = (tree / "var/lib/dpkg/status").read_text()
    assert status.count("Status: install ok installed") == 2
    assert "/bin/bash\n" in (tree / "var/lib/dpkg/info/bash:amd64.list").read_text()


def test_the_second_time_nothing_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = root(tmp_path / "mirror", DPKG)
    tree = shelf(tmp_path).tree(wanted)
    monkeypatch.setattr(module, "unpack", None)
    assert shelf(tmp_path).tree(wanted) == tree


@pytest.mark.parametrize("change", ["content", "mode", "more", "less"])
def test_what_was_changed_is_unpacked_again(tmp_path: Path, change: str) -> None:
    wanted, said = root(tmp_path / "mirror", DPKG), list[str]()
    changed = shelf(tmp_path).tree(wanted) / "usr/bin/mawk"
    if change == "content":  # of the same size, and dated as before
        before = changed.stat()
        changed.write_bytes(b"AWK")
        os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif change == "mode":
        changed.chmod(0o4755)
    elif change == "more":
        changed.with_name("python3").touch()
    else:
        changed.unlink()
    tree = shelf(tmp_path, said).tree(wanted)
    assert (tree / "usr/bin/mawk").read_bytes() == b"awk"
    assert not (tree / "usr/bin/python3").exists()
    assert said[-2:] == [
        f"{tree} was changed: unpacked again",
        "builder root file system for amd64: 1 packages to be unpacked",
    ]


def test_a_package_with_one_byte_changed_is_asked_for_elsewhere_and_named(tmp_path: Path) -> None:
    wanted = root(tmp_path / "mirror", DPKG)
    good, bad = tmp_path / "good.deb", tmp_path / "bad.deb"
    good.write_bytes(DPKG)
    bad.write_bytes(DPKG[:-1] + b"x")
    (package,) = wanted.packages
    tree = shelf(tmp_path).tree(replace(wanted, packages=(replace(package, places=(str(bad), str(good))),)))
    assert (tree / "usr/bin/mawk").read_bytes() == b"awk"
    with pytest.raises(BuildError, match=r"no place has p0_1_amd64\.deb .*\n.*bad\.deb: wrong digest"):
        shelf(tmp_path / "b").tree(replace(wanted, packages=(replace(package, places=(str(bad),)),)))


def test_a_package_that_leads_out_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    evil = deb([file("../../outside", b"x")], CONTROL.format(name="evil"))
    with pytest.raises(BuildError, match=r"can't be unpacked: .*lies outside"):
        shelf(tmp_path).tree(root(tmp_path / "mirror", DPKG, evil))
    assert not (tmp_path / "outside").exists()
    assert [path.suffix for path in (tmp_path / "roots").iterdir()] == [".lock"]


def test_on_a_full_disk_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "makefile", full)
    with pytest.raises(OSError, match="No space left"):
        shelf(tmp_path).tree(root(tmp_path / "mirror", DPKG))
    assert [path.suffix for path in (tmp_path / "roots").iterdir()] == [".lock"]


def _unpack_slowly(folder: Path, wanted: Root, began: str) -> None:
    unpack = module.unpack

    def slow(packages: list[Path], tree: Path) -> None:
        with open(began, "a") as log:
            log.write("unpacks\n")
        tree.mkdir()
        (tree / "half").touch()
        time.sleep(1)
        (tree / "half").unlink()
        tree.rmdir()
        unpack(packages, tree)

    module.unpack = slow
    shelf(folder).tree(wanted)


def test_of_two_builds_that_want_it_at_once_one_unpacks(tmp_path: Path) -> None:
    wanted, began = root(tmp_path / "mirror", DPKG), tmp_path / "began"
    fork = multiprocessing.get_context("fork")
    both = [fork.Process(target=_unpack_slowly, args=(tmp_path, wanted, str(began))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, 0]
    assert began.read_text() == "unpacks\n"


def test_what_a_killed_build_was_unpacking_is_unpacked_by_the_next(tmp_path: Path) -> None:
    wanted, began = root(tmp_path / "mirror", DPKG), tmp_path / "began"
    one = multiprocessing.get_context("fork").Process(target=_unpack_slowly, args=(tmp_path, wanted, str(began)))
    one.start()
    while not list((tmp_path / "roots").glob("*.part/half")):
        time.sleep(0.01)
    assert one.pid
    os.kill(one.pid, signal.SIGKILL)
    one.join()
    assert (shelf(tmp_path).tree(wanted) / "usr/bin/mawk").is_file()
    assert not list((tmp_path / "roots").glob("*.part"))
