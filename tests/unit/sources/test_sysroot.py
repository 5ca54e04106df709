"""The sysroot: what of Debian's packages gets into it, and that its links stay inside."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from debian.arfile import ArError

from builder.sources.sysroot import pack
from tests.support.made_debs import deb, file, folder, link

LIB = "usr/lib/x86_64-linux-gnu"
Member = tuple[tarfile.TarInfo, bytes]


def packed(tmp_path: Path, *packages: list[Member]) -> Path:
    """The archive of these packages."""
    paths = []
    for number, members in enumerate(packages):
        paths.append(tmp_path / f"{number}.deb")
        paths[-1].write_bytes(deb(members))
    archive = tmp_path / "amd64.tar"
    archive.write_bytes(pack(paths))
    return archive


def unpacked(archive: Path) -> Path:
    """The archive as a build unpacks it."""
    target = archive.parent / "sysroot"
    target.mkdir()
    subprocess.run(["tar", "--extract", f"--file={archive}", f"--directory={target}"], check=True)
    return target


def names(archive: Path) -> list[str]:
    """What is in the archive."""
    with tarfile.open(archive) as opened:
        return opened.getnames()


@pytest.mark.needs("tar")
def test_the_files_of_every_package_are_in_it(tmp_path: Path) -> None:
    root = unpacked(packed(tmp_path, [file(f"{LIB}/crt1.o", b"crt")], [file("usr/include/stdio.h", b"stdio")]))
    assert (root / LIB / "crt1.o").read_bytes() == b"crt"
    assert (root / "usr/include/stdio.h").read_bytes() == b"stdio"


@pytest.mark.parametrize(
    "name",
    ["usr/share/doc/libc6/copyright", "usr/bin/ldd", "usr/sbin/zic", "sbin/ldconfig", "etc/ld.so.conf",
     "lib/systemd/system/x.service"],
)  # fmt: skip
def test_documents_programs_and_configuration_are_left_out(tmp_path: Path, name: str) -> None:
    assert names(packed(tmp_path, [folder("usr/lib"), file(name), file(f"{LIB}/libc.a")])) == [f"{LIB}/libc.a"]


def test_of_a_package_of_headers_nothing_can_be_linked(tmp_path: Path) -> None:
    package, arch = tmp_path / "headers.deb", "usr/include/x86_64-linux-gnu/asm"
    header = "usr/include/bluetooth/bluetooth.h"
    inside = [
        file(header),
        file(f"{LIB}/libbluetooth.a"),
        file("usr/bin/ldd"),
        link(arch, "../../lib/linux/uapi/x86/asm"),
    ]
    package.write_bytes(deb([*inside, file("usr/lib/linux/uapi/x86/asm/errno.h")]))
    archive = tmp_path / "amd64.tar"
    archive.write_bytes(pack([], [package]))
    assert names(archive) == [header, arch, "usr/lib/linux/uapi/x86/asm/errno.h"]


def test_the_program_that_makes_headers_of_probes_comes_with_them(tmp_path: Path) -> None:
    package = tmp_path / "headers.deb"
    package.write_bytes(deb([file("usr/bin/dtrace", b"probes", 0o755), file("usr/include/sys/sdt.h")]))
    archive = tmp_path / "amd64.tar"
    archive.write_bytes(pack([], [package]))
    assert names(archive) == ["usr/bin/dtrace", "usr/include/sys/sdt.h"]


@pytest.mark.needs("tar")
@pytest.mark.parametrize("name", [f"{LIB}/libdl.so", "lib64/ld.so", "top.so"])
def test_an_absolute_link_leads_to_the_same_file_inside(tmp_path: Path, name: str) -> None:
    library = "lib/x86_64-linux-gnu/libdl.so.2"
    root = unpacked(packed(tmp_path, [link(name, f"/{library}"), file(library, b"dl")]))
    assert not os.readlink(root / name).startswith("/")
    assert (root / name).resolve() == (root / library).resolve()
    assert (root / name).read_bytes() == b"dl"


@pytest.mark.needs("tar")
def test_a_relative_link_stays_as_it_is(tmp_path: Path) -> None:
    root = unpacked(packed(tmp_path, [link("lib/libc.so.6", "libc-2.31.so"), file("lib/libc-2.31.so")]))
    assert os.readlink(root / "lib/libc.so.6") == "libc-2.31.so"


@pytest.mark.needs("tar")
def test_a_hard_link_has_the_same_content(tmp_path: Path) -> None:
    hard = tarfile.TarInfo(f"./{LIB}/b.a")
    hard.type, hard.linkname = tarfile.LNKTYPE, f"./{LIB}/a.a"
    root = unpacked(packed(tmp_path, [file(f"{LIB}/a.a", b"same"), (hard, b"")]))
    assert (root / LIB / "b.a").read_bytes() == b"same"


@pytest.mark.needs("tar")
def test_a_program_of_the_compiler_stays_executable(tmp_path: Path) -> None:
    root = unpacked(packed(tmp_path, [file("lib/ld-2.31.so", b"ld", 0o755)]))
    assert os.access(root / "lib/ld-2.31.so", os.X_OK)


def test_the_same_packages_make_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("one", "another"):
        (tmp_path / name).mkdir()
        made.append(packed(tmp_path / name, [file(f"{LIB}/libc.a", b"x"), link(f"{LIB}/l.so", "/lib/l.so")]))
    assert made[0].read_bytes() == made[1].read_bytes()


@pytest.mark.parametrize("spoil", [lambda content: b"<html>", lambda content: content[:-100]], ids=["other", "cut"])
def test_of_a_broken_package_there_is_no_archive(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    package = tmp_path / "broken.deb"
    package.write_bytes(spoil(deb([file(f"{LIB}/libc.a", os.urandom(5000))])))
    with pytest.raises((ArError, OSError, EOFError, tarfile.TarError)):
        pack([package])
