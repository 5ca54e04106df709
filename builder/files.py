"""Files written completely or not at all, and read up to a limit, without waiting for anything."""

from __future__ import annotations

import errno
import hashlib
import io
import lzma
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_XZ_MEMORY = 256 << 20  # bytes; `xz -9` asks for 65 MiB to unpack


def make_public(folder: Path) -> None:
    """Make a folder with the mode that it has in an archive, whatever the user's umask; OSError if it is there."""
    folder.mkdir()
    folder.chmod(0o755)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file next to its place and rename it; its folder is made. On a full disk nothing is left of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def write_sealed(path: Path, line: str) -> None:
    """Write one line, with the digest that shows later that it is still this line, of this file."""
    write_whole(path, f"{line} {_seal(path, line)}\n")


def read_sealed(path: Path) -> str | None:
    """The line of a sealed file; None if there is none, or it is not as it was written."""
    try:
        line, _, seal = read(path, 4096).decode(errors="replace").removesuffix("\n").rpartition(" ")
    except OSError:
        return None
    return line if seal == _seal(path, line) else None


def _seal(path: Path, line: str) -> str:
    return hashlib.sha256(f"{path.name} {line}".encode()).hexdigest()


@contextmanager
def whole(path: Path) -> Iterator[io.BufferedRandom]:
    """A new file to write; at the end it takes the place of `path`, or nothing is left of it where that fails."""
    file, part = new_part(path)
    try:
        with file:
            yield file
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def new_part(path: Path, word: str = "") -> tuple[io.BufferedRandom, Path]:
    """Make a new file next to `path`, to write and read, under a name that nobody else has or can guess."""
    part = path.with_name(f".{path.name}.{word}{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    return os.fdopen(descriptor, "r+b"), part


def again(part: Path) -> io.BufferedRandom | None:
    """Open a file that `new_part` made in an earlier run; None for what can't be that: a link, another user's file."""
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid == os.geteuid():
        return os.fdopen(descriptor, "r+b")
    os.close(descriptor)
    return None


def opened(path: Path) -> io.BufferedReader:
    """Open a regular file to read it; OSError for anything else: a FIFO may never be written, a device never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read(path: Path, most: int) -> bytes:
    """The content of a regular file of at most so many bytes; OSError for anything else."""
    with opened(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"has more than {most:,} bytes", str(path))
    return content


def digest(path: Path) -> str:
    """The sha256 of a regular file, as hex digits."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpacked(xz: bytes, most: int) -> bytes:
    """The content of an xz stream of at most so many bytes; lzma.LZMAError for anything else."""
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    content = unpacker.decompress(xz, max_length=most + 1)
    if len(content) > most:
        raise lzma.LZMAError(f"more than {most:,} bytes come out")
    if not unpacker.eof:
        raise lzma.LZMAError("cut off")
    if unpacker.unused_data:
        raise lzma.LZMAError("more follows its end")
    return content
