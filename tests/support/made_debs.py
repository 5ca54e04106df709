"""Small Debian packages, made as dpkg would."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable


def file(name: str, content: bytes = b"", mode: int = 0o644) -> tuple[tarfile.TarInfo, bytes]:
    """A file of a package."""
    info = tarfile.TarInfo(f"./{name}")
    info.size, info.mode = len(content), mode
    return info, content


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    """A symbolic link of a package."""
    info = tarfile.TarInfo(f"./{name}")
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info, b""


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    """A folder of a package."""
    info = tarfile.TarInfo(f"./{name}")
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return info, b""


def deb(members: Iterable[tuple[tarfile.TarInfo, bytes]], control: str = "") -> bytes:
    """A package with these members, and where it matters this control file."""
    about = (file("control", control.encode()),) if control else ()
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": _tar(about), "data.tar.xz": _tar(members)}
    package = b"!<arch>\n"
    for name, content in parts.items():
        package += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        package += b"\n" * (len(content) % 2)
    return package


def _tar(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()
