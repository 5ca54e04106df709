"""Every ELF file of the tree is for its architecture, and none needs a newer C library than the manifest says.

It reads the files itself: a test image has no readelf. Argument: PRT_ROOT.
"""

from __future__ import annotations

import json
import pathlib
import re
import struct
import sys
from collections.abc import Iterator

from builder.inside.proof.report import differs, end

_MACHINES = {62: "amd64", 183: "arm64"}
_SECTION = struct.Struct("<IIQQQQIIQQ")  # name, type, flags, address, offset, size, link, info, alignment, entry size
_NEEDED = struct.Struct("<HHIII")  # version, count, file, first, next: one library whose symbol versions are needed
_VERSION = struct.Struct("<IHHII")  # hash, flags, other, name, next: one of them
_VERNEED = 0x6FFFFFFE  # type of the section that lists them

Version = tuple[int, ...]


def machine(content: bytes) -> str:
    """The architecture a file is for."""
    number = struct.unpack_from("<H", content, 18)[0] if len(content) >= 20 else 0
    return _MACHINES.get(number, f"machine {number}")


def glibc(content: bytes) -> Iterator[Version]:
    """The glibc symbol versions a 64-bit file needs."""
    if len(content) < 64 or content[4] != 2:
        return
    (start,) = struct.unpack_from("<Q", content, 40)
    size, count = struct.unpack_from("<HH", content, 58)
    sections = [_SECTION.unpack_from(content, start + size * position) for position in range(count)]
    for section in sections:
        if section[1] == _VERNEED:
            for name in names(content, section[4], sections[section[6]][4]):
                found = re.fullmatch(rb"GLIBC_(\d[\d.]*)", name)
                if found:
                    yield tuple(map(int, found[1].split(b".")))
                elif name == b"GLIBC_ABI_DT_RELR":
                    yield (2, 36)


def names(content: bytes, library: int, strings: int) -> Iterator[bytes]:
    """The names of the versions in a section that begins at `library`; names stand from `strings` on."""
    while True:
        _, _, _, first, following = _NEEDED.unpack_from(content, library)
        version = library + first
        while True:
            *_, name, after = _VERSION.unpack_from(content, version)
            yield content[strings + name : content.index(b"\0", strings + name)]
            if not after:
                break
            version += after
        if not following:
            return
        library += following


def differences(root: pathlib.Path) -> Iterator[str]:
    """Where the files differ from the manifest."""
    manifest = json.loads((root / "manifest.json").read_text())
    needed: set[Version] = {(2, 0)}
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as stream:
            if stream.read(4) != b"\x7fELF":
                continue
        content = path.read_bytes()
        yield from differs(f"architecture of {path.relative_to(root)}", manifest["arch"], machine(content))
        needed.update(glibc(content))
    yield from differs("manifest: libc_floor", "glibc " + ".".join(map(str, max(needed))), manifest["libc_floor"])


end(differences(pathlib.Path(sys.argv[1])))
