"""What is checked of an archive is what is unpacked: compared with what GNU tar makes of it, whatever is in it."""

from __future__ import annotations

import gzip
import io
import os
import resource
import subprocess
import tarfile
import time
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.cache.archive import Unsafe, check
from builder.engines.base import fill
from builder.stages.stage import pack
from tests.support.scene import file, tgz

LONG = "x" * 120


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A tree with every kind of member we have, packed as a stage packs it."""
    root, work = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("work")
    (root / "bin").mkdir()
    (root / "bin" / "python3").write_bytes(os.urandom(3000))
    (root / "bin" / "python3").chmod(0o755)
    (root / "bin" / "python").symlink_to("python3")
    (root / "bin" / "hard").hardlink_to(root / "bin" / "python3")
    (root / LONG).write_text("a long name")
    (root / "to").symlink_to(LONG)
    (root / "empty").touch()
    (root / "ünï").write_text("x" * 512)
    args, _, _ = fill(pack("pack", str(root), "out.tgz", 1_000_000_000), PurePosixPath(work), 1)
    subprocess.run(args, check=True)
    return (work / "out.tgz").read_bytes()


def accepts(folder: Path, body: bytes) -> bool:
    """Whether the check lets it pass; nothing but Unsafe comes out."""
    (folder / "x.tgz").write_bytes(body)
    try:
        check(folder / "x.tgz")
    except Unsafe:
        return False
    return True


def looks(root: Path) -> dict[str, tuple[int, str, bytes]]:
    """Every file of a tree: mode, where a link leads, content."""
    found = {}
    for path in sorted(root.rglob("*")):
        mode = path.lstat().st_mode
        link = str(path.readlink()) if path.is_symlink() else ""
        found[str(path.relative_to(root))] = mode, link, path.read_bytes() if path.is_file() and not link else b""
    return found


def by_tar(folder: Path, body: bytes) -> dict[str, tuple[int, str, bytes]]:
    """What GNU tar unpacks."""
    (folder / "out").mkdir()
    subprocess.run(["tar", "-xpf", "-", "-z", "-C", folder / "out"], input=body, check=True)
    return looks(folder / "out")


def by_us(folder: Path, body: bytes) -> dict[str, tuple[int, str, bytes]]:
    """What the members say that were checked."""
    (folder / "ours").mkdir()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        archive.extraction_filter = lambda member, path: member
        archive.extractall(folder / "ours")
    return looks(folder / "ours")


@pytest.mark.needs("tar")
def test_what_a_stage_packs_passes(tmp_path: Path, packed: bytes) -> None:
    assert accepts(tmp_path, packed)


def recompressed(tar: bytes) -> bytes:
    return gzip.compress(tar, mtime=0)


def headed(name: bytes, kind: bytes = b"0", size: int = 0) -> bytes:
    """A header that Python would not write, with a right sum."""
    member = tarfile.TarInfo("x")
    member.size = size
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    block[0:100] = name.ljust(100, b"\0")
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


SETUID = headed(b"./root", size=0).replace(b"0000644", b"0004755")
HIDDEN = SETUID.ljust(512, b"\0")
END = bytes(10240)
ODD: dict[str, bytes] = {
    "a file named as a folder, whose content tar takes for members": headed(b"./a/", size=512) + HIDDEN + END,
    "old tar's file named as a folder": headed(b"./a/", b"\0", size=512) + HIDDEN + END,
    "a folder with content": headed(b"./a/", b"5", size=512) + HIDDEN + END,
    "a contiguous file": headed(b"./a", b"7") + END,
    "a sparse file": headed(b"./a", b"S") + END,
    "a cut sparse header": headed(b"./a", b"S", size=512)[:400],
    "more volumes": headed(b"./a", b"M") + END,
    "a volume's name": headed(b"./a", b"V") + END,
    "a pax header": headed(b"./a", b"x", size=512) + b"11 path=/b\n".ljust(512, b"\0") + headed(b"./a") + END,
    "a global pax header": headed(b"./a", b"g", size=512) + b"11 path=/b\n".ljust(512, b"\0") + headed(b"./a") + END,
    "a dump's folder": headed(b"./a", b"D") + END,
    "members behind the end": headed(b"./a") + bytes(1024) + HIDDEN + END,
    "members far behind the end": headed(b"./a") + bytes(20480) + HIDDEN + END,
    "no end": headed(b"./a"),
    "something behind a file": headed(b"./a", size=1) + b"x" + b"y" * 511 + END,
    "two slashes": headed(b"./a//b") + END,
    "a dot inside": headed(b"./a/./b") + END,
    "no dot": headed(b"a") + END,
    "bytes behind the name's end": headed(b"./a\0b") + END,
    "thousands of long names' headers": headed(b"././@LongLink", b"L", size=1) * 20000 + END,
    "a name of folders without end": headed(b"././@LongLink", b"L", size=400_000) + b"a/" * 200_000 + bytes(128) + END,
}


@pytest.mark.parametrize("which", ODD)
def test_what_two_programs_may_read_in_two_ways_is_refused_at_once_and_in_little_memory(
    tmp_path: Path, which: str
) -> None:
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    assert not accepts(tmp_path, recompressed(ODD[which]))
    assert time.process_time() - started < 3
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 64 * 1024**2


def test_a_name_longer_than_any_header_is_not_read(tmp_path: Path) -> None:
    size = 2 << 20
    (tmp_path / "x.tgz").write_bytes(recompressed(headed(b"././@LongLink", b"L", size=size) + bytes(size) + END))
    with pytest.raises(Unsafe, match="a header of impossible length"):
        check(tmp_path / "x.tgz")


def test_the_same_without_the_oddity_passes(tmp_path: Path) -> None:
    assert accepts(tmp_path, recompressed(headed(b"./a", size=512) + bytes(512) + END))
    assert accepts(tmp_path, tgz(file("a", 3), file("b", type=b"2", linkname="a")))


@pytest.mark.needs("tar")
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_passes_is_what_tar_unpacks(
    tmp_path_factory: pytest.TempPathFactory, packed: bytes, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("mangled")
    tar = bytearray(gzip.decompress(packed))
    for _ in range(data.draw(st.integers(1, 3))):
        block = data.draw(st.integers(0, len(tar) // 512 - 1)) * 512
        kind = data.draw(st.sampled_from(["flip", "fix", "cut", "copy", "drop"]))
        if kind in {"flip", "fix"}:
            tar[block + data.draw(st.integers(0, 344))] = data.draw(st.integers(0, 255))
            if kind == "fix":  # with a right sum, so that it is read
                tar[block + 148 : block + 156] = b" " * 8
                tar[block + 148 : block + 156] = b"%06o\0 " % sum(tar[block : block + 512])
        elif kind == "cut":
            del tar[block:]
            tar += bytes(1024)
        elif kind == "copy":
            tar[block:block] = tar[block : block + 512]
        else:
            del tar[block : block + 512]
    body = recompressed(bytes(tar))
    if accepts(folder, body):
        assert by_us(folder, body) == by_tar(folder, body)


def test_a_name_of_more_folders_than_any_we_make_is_refused_at_once(tmp_path: Path) -> None:
    member = tarfile.TarInfo("./" + "a/" * 2000 + "b")
    (tmp_path / "x.tgz").write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(10240)))
    with pytest.raises(Unsafe, match="has a name that none of our files has"):
        check(tmp_path / "x.tgz")


def test_a_hard_link_to_no_file_before_it_is_refused(tmp_path: Path) -> None:
    assert accepts(tmp_path, tgz(file("a", 3), file("b", type=b"1", linkname="./a")))
    assert not accepts(tmp_path, tgz(file("a", 3), file("b", type=b"1", linkname="./c")))
    assert not accepts(tmp_path, tgz(file("b", type=b"1", linkname="./a"), file("a", 3)))
