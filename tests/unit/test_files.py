"""A file is there whole or not at all, nothing half-written stays next to it, and reading one comes to an end."""

from __future__ import annotations

import hashlib
import lzma
import os
import stat
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from builder import files
from builder.files import write_whole

SPECIAL = {
    "a fifo": os.mkfifo,
    "a folder": os.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
}


def test_a_file_is_written_with_its_folder_and_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.json"
    write_whole(path, "one")
    write_whole(path, "two")
    assert path.read_text() == "two"
    assert [*path.parent.iterdir()] == [path]


def test_trouble_leaves_what_was_there_and_nothing_next_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    path.write_text("before")

    def fail(part: Path, *args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "after")
    monkeypatch.undo()
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("file.json", "before")]


def test_trouble_while_writing_leaves_nothing_next_to_it(tmp_path: Path) -> None:
    def fail() -> None:
        with files.whole(tmp_path / "file") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [*tmp_path.iterdir()] == []


def test_two_who_write_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with files.whole(path) as one, files.whole(path) as other:
        one.write(b"one")
        other.write(b"other")
    assert path.read_bytes() == b"one"  # the last to end
    assert [*tmp_path.iterdir()] == [path]


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("before")
    (tmp_path / "file").symlink_to("victim")
    write_whole(tmp_path / "file", "after")
    assert (tmp_path / "victim").read_text() == "before"
    assert not (tmp_path / "file").is_symlink()


def test_a_name_that_is_taken_is_not_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda size: "guessed")
    victim = tmp_path / "victim"
    victim.touch()
    (tmp_path / ".file.guessed.part").symlink_to(victim)
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "file", "content")
    assert victim.read_bytes() == b""


def test_what_we_write_no_other_user_can_write(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_whole(tmp_path / "file", "content")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


@pytest.mark.parametrize("spoil", [lambda text: text[:-2], lambda text: text.replace("o", "0", 1), lambda text: ""])
def test_a_sealed_line_is_taken_only_as_it_was_written(tmp_path: Path, spoil: Callable[[str], str]) -> None:
    path = tmp_path / "note"
    assert files.read_sealed(path) is None
    files.write_sealed(path, "one line")
    assert files.read_sealed(path) == "one line"
    (tmp_path / "another").write_text(path.read_text())
    assert files.read_sealed(tmp_path / "another") is None
    path.write_text(spoil(path.read_text()))
    assert files.read_sealed(path) is None


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("reader", [files.opened, files.digest, lambda path: files.read(path, 10)])
def test_only_a_regular_file_is_read(tmp_path: Path, kind: str, reader: Callable[[Path], object]) -> None:
    path = tmp_path / "special"
    SPECIAL[kind](path)
    with pytest.raises(OSError, match="not a regular file"):
        reader(path)


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert files.read(tmp_path / "file", 5) == b"12345"
    with pytest.raises(OSError, match="has more than 4 bytes"):
        files.read(tmp_path / "file", 4)


def test_a_digest_is_the_sha256_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert files.digest(tmp_path / "file") == hashlib.sha256(b"content").hexdigest()


def test_what_xz_packed_is_unpacked_up_to_the_bound() -> None:
    packed = lzma.compress(b"x" * 1000, preset=9)
    assert files.unpacked(packed, 1000) == b"x" * 1000
    with pytest.raises(lzma.LZMAError, match="more than 999 bytes"):
        files.unpacked(packed, 999)


@pytest.mark.parametrize(
    "content",
    [b"", b"no xz", lzma.compress(b"x" * 99)[:-10], lzma.compress(b"x") + b"y", lzma.compress(b"x", lzma.FORMAT_ALONE)],
)
def test_what_xz_did_not_pack_or_not_to_its_end_is_refused(content: bytes) -> None:
    with pytest.raises(lzma.LZMAError):
        files.unpacked(content, 1000)


def test_an_xz_stream_that_asks_for_gigabytes_is_refused() -> None:
    stream = bytearray(lzma.compress(b"x"))
    block, dictionary = slice(12, 12 + stream[12] * 4), 16  # https://tukaani.org/xz/xz-file-format.txt, 3.1 and 5.3.1
    stream[dictionary] = 38  # 2 GiB
    stream[block.stop : block.stop + 4] = zlib.crc32(stream[block]).to_bytes(4, "little")
    with pytest.raises(lzma.LZMAError, match="Memory usage limit"):
        files.unpacked(bytes(stream), 1000)
