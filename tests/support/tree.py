"""An artifact, unpacked on this machine to be looked at: its ELF files, and programs that we plant next to them."""

from __future__ import annotations

import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.targets import Arch

BOTH = [Arch.AMD64, pytest.param(Arch.ARM64, marks=pytest.mark.needs("arm64"))]


@dataclass(frozen=True)
class Tree:
    """The content of a tarball, at `root`."""

    arch: Arch
    tarball: Path
    root: Path

    @property
    def elf_files(self) -> list[Path]:
        """Every program and library in it."""
        return elf_files(self.root)

    @property
    def own_elf_files(self) -> list[Path]:
        """Those that we compiled; the others came in wheels, as their makers linked them."""
        return [path for path in self.elf_files if "site-packages" not in path.parts]

    def name(self, path: Path) -> str:
        """A file's path in the tree."""
        return str(path.relative_to(self.root))


def extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Unpack an archive as tar does. `filter=` is unknown to the 3.11.2 of Debian 12, and 3.12 warns without one."""
    archive.extraction_filter = getattr(tarfile, "tar_filter", None)
    archive.extractall(folder)


def unpack(tarball: Path, arch: Arch, folder: Path) -> Tree:
    """Unpack a tarball."""
    with tarfile.open(tarball) as archive:
        extract(archive, folder)
    return Tree(arch, tarball, folder)


def elf_files(root: Path) -> list[Path]:
    """Every program and library below a folder."""
    return [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink() and _is_elf(path)]


def _is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def plant(path: Path, source: str, *flags: str) -> Path:
    """Compile a program or library with this machine's own compiler: what our runtime must not contain."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler = ["gcc", *flags, "-x", "c", "-", "-o", str(path)]
    subprocess.run(compiler, input=source, text=True, check=True)
    return path
