"""What the ELF files of a tree ask of a system, read by pyelftools: a place to prove in has no tool that could."""

from __future__ import annotations

import io
import pathlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

Version = tuple[int, ...]

_SYMBOL_VERSION = re.compile(r"([A-Z]+)_(\d+(?:\.\d+)*)")
_ARCHITECTURES = {"EM_X86_64": "amd64", "EM_AARCH64": "arm64"}


class SymbolVersion(NamedTuple):
    """A version of a library's symbols, such as GLIBC_2.31: of the `set` GLIBC."""

    set: str
    numbers: Version

    def __str__(self) -> str:
        return f"{self.set}_{dotted(self.numbers)}"


class Needs(NamedTuple):
    """Architecture, as Debian names it where it does; libraries, by file name; versions of their symbols.

    `paths` say where it has the loader look for libraries first, by the place of each in the file.
    """

    arch: str
    libraries: list[str]
    symbols: set[SymbolVersion]
    paths: dict[int, str]

    @property
    def glibc(self) -> set[Version]:
        """The versions of glibc that its symbols are of."""
        return {one.numbers for one in self.symbols if one.set == "GLIBC"}

    @property
    def folders(self) -> list[str]:
        """The folders of its search paths."""
        return [folder for path in self.paths.values() for folder in path.split(":") if folder]


def needs(root: pathlib.Path) -> Iterator[tuple[pathlib.Path, Needs]]:
    """Every ELF file below a folder, in the order of names, with what it needs.

    Links are skipped, and so is what only begins like an ELF file: no loader can read it.
    """
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                if stream.read(4) != b"\x7fELF":
                    continue
            try:
                found = _needs(ELFFile(io.BytesIO(path.read_bytes())))
            except (ELFError, ValueError, OverflowError):  # the latter two for offsets that lead nowhere
                continue
            yield path, found


def names(content: bytes) -> list[str]:
    """Every name that one ELF file gives the loader, but its search paths."""
    elf = ELFFile(io.BytesIO(content))
    needed = _needs(elf)
    symbols = (symbol.name for segment in _dynamic(elf) for symbol in segment.iter_symbols())
    return [*needed.libraries, *map(str, sorted(needed.symbols)), *symbols]


def symbol_version(text: str) -> SymbolVersion | None:
    """What `GLIBC_2.31` names; None for a name without a number, which says nothing of how new a library is."""
    if text == "GLIBC_ABI_DT_RELR":  # packed relocations: an older loader refuses the file
        return SymbolVersion("GLIBC", (2, 36))
    numbered = _SYMBOL_VERSION.fullmatch(text)
    return SymbolVersion(numbered[1], tuple(map(int, numbered[2].split(".")))) if numbered else None


def dotted(version: Version) -> str:
    """`2.31` of (2, 31)."""
    return ".".join(map(str, version))


def _needs(elf: ELFFile) -> Needs:
    machine = str(elf["e_machine"])
    libraries: list[str] = []
    paths: dict[int, str] = {}
    for segment in _dynamic(elf):
        _, strings = segment.get_table_offset("DT_STRTAB")
        for tag in segment.iter_tags():
            # The attributes get the tags' names while the file is read.
            libraries += [tag.needed] if hasattr(tag, "needed") else []
            for path in (getattr(tag, name) for name in ("rpath", "runpath") if hasattr(tag, name)):
                paths[strings + tag.entry.d_val] = path
    return Needs(_ARCHITECTURES.get(machine, machine), libraries, {*_symbols(elf)}, paths)


def _dynamic(elf: ELFFile) -> Iterator[DynamicSegment]:
    return (segment for segment in elf.iter_segments() if isinstance(segment, DynamicSegment))


def _symbols(elf: ELFFile) -> Iterator[SymbolVersion]:
    sections = (section for section in elf.iter_sections() if isinstance(section, GNUVerNeedSection))
    names = (version.name for section in sections for _, versions in section.iter_versions() for version in versions)
    return filter(None, map(symbol_version, names))
