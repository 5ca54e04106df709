"""What the programs and libraries of a runtime need of a system: measured by other tools than the build's own check.

Each measure is shown to bite: a program of this machine is planted and must be found.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from auditwheel.lddtree import ldd, load_ld_paths  # type: ignore[import-untyped]
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from builder.targets import Arch
from tests.support.default_python import BINARY
from tests.support.tree import Tree, elf_files, plant

pytestmark = pytest.mark.needs("inspectors")

FLOOR = (2, 31)
SEARCH_PATHS = ("DT_RPATH", "DT_RUNPATH")
# The C library's own, and the compiler's runtime.
SYSTEM = re.compile(r"(libc|libm|libdl|libpthread|librt|libutil|libresolv|libgcc_s|ld-linux[-\w]*)\.so\.\d+")
# glibc 2.36 has it first.
TOO_NEW = "unsigned arc4random(void); int main(void) { return arc4random() == 0; }"


def auditwheel(files: Iterable[Path], root: Path, arch: Arch, folder: Path) -> dict[str, Any]:
    """What auditwheel says of these files, dressed as a wheel."""
    files, platform = list(files), f"linux_{arch.machine}"
    wheel = folder / f"prt-0-py3-none-{platform}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in files:
            archive.write(path, path.relative_to(root))
        archive.writestr("prt-0.dist-info/WHEEL", f"Root-Is-Purelib: false\nTag: py3-none-{platform}\n")
        archive.writestr("prt-0.dist-info/METADATA", "Metadata-Version: 2.1\nName: prt\nVersion: 0\n")
        archive.writestr("prt-0.dist-info/RECORD", "".join(f"{path.relative_to(root)},,\n" for path in files))
    show = [sys.executable, "-m", "auditwheel", "show", "--json", str(wheel)]
    return dict(json.loads(subprocess.run(show, check=True, capture_output=True, text=True).stdout))


def floor_of(tag: str) -> tuple[int, ...]:
    """The glibc version in a tag such as `manylinux_2_31_x86_64`."""
    found = re.match(r"manylinux_(\d+)_(\d+)", tag)
    assert found, tag
    return tuple(map(int, found.groups()))


def readelf_floor(files: Iterable[Path]) -> tuple[int, ...]:
    """The newest glibc symbol version that any of these files asks for."""
    found: set[tuple[int, ...]] = set()
    for path in files:
        readelf = ["readelf", "--version-info", "--wide", str(path)]
        said = subprocess.run(readelf, check=True, capture_output=True, text=True).stdout
        found |= {tuple(map(int, version.split("."))) for version in re.findall(r"Name: GLIBC_([\d.]*\d)", said)}
    return max(found)


def dynamic(path: Path, *tags: str) -> list[str]:
    """The values of some tags of a file's dynamic section."""
    with path.open("rb") as stream:
        sections = [one for one in ELFFile(stream).iter_sections() if isinstance(one, DynamicSection)]
        found = [tag for one in sections for tag in one.iter_tags() if tag.entry.d_tag in tags]
        return [str(getattr(tag, tag.entry.d_tag[3:].lower())) for tag in found]


def foreign(files: list[Path], root: Path) -> dict[str, set[str]]:
    """The libraries each file needs that are neither the C library nor in the tree."""
    own = {path.name for path in elf_files(root)}
    needs = {str(path.relative_to(root)): set(dynamic(path, "DT_NEEDED")) - own for path in files}
    needs = {name: {one for one in libraries if not SYSTEM.fullmatch(one)} for name, libraries in needs.items()}
    return {name: libraries for name, libraries in needs.items() if libraries}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that needs a newer C library and OpenSSL, and looks for libraries in a folder of its own."""
    folder = tmp_path_factory.mktemp("planted")
    plant(folder / "decoys" / "libssl.so.3", "void SSL_new(void) {}", "-shared", "-fPIC", "-Wl,-soname,libssl.so.3")
    ours = ("-Wl,--no-as-needed", str(folder / "decoys" / "libssl.so.3"), "-Wl,-rpath,/usr/src")
    plant(folder / "tree" / "planted", TOO_NEW, *ours)
    return folder


def test_every_file_would_pass_for_a_wheel_of_the_declared_floor(tree: Tree, tmp_path: Path) -> None:
    said = auditwheel(tree.elf_files, tree.root, tree.arch, tmp_path)
    assert floor_of(said["overall_tag"]) <= FLOOR
    assert said["external_libs"] == {}
    assert not said["unsupported_isa"]


def test_auditwheel_finds_a_planted_program_that_needs_a_newer_c_library(planted: Path, tmp_path: Path) -> None:
    said = auditwheel([planted / "tree" / "planted"], planted / "tree", Arch.native(), tmp_path)
    assert floor_of(said["sym_tag"]) > FLOOR


def test_the_newest_symbol_of_the_c_library_is_the_one_in_the_manifest(tree: Tree) -> None:
    manifest = json.loads((tree.root / "manifest.json").read_text())
    floor = readelf_floor(tree.elf_files)
    assert floor <= FLOOR
    assert manifest["libc_floor"] == "glibc " + ".".join(map(str, floor))


def test_readelf_finds_a_planted_program_that_needs_a_newer_c_library(amd64: Tree, planted: Path) -> None:
    assert readelf_floor([*amd64.elf_files, planted / "tree" / "planted"]) == (2, 36)


def test_no_library_is_needed_beyond_the_c_library_and_the_compilers_runtime(tree: Tree) -> None:
    assert foreign(tree.elf_files, tree.root) == {}


def test_what_we_compiled_needs_the_c_library_only(tree: Tree) -> None:
    assert {one for path in tree.own_elf_files for one in dynamic(path, "DT_NEEDED") if "gcc" in one} == set()


def test_a_planted_program_that_needs_openssl_is_found(planted: Path) -> None:
    assert foreign([planted / "tree" / "planted"], planted / "tree") == {"planted": {"libssl.so.3"}}


def test_no_file_has_a_search_path_for_libraries(tree: Tree) -> None:
    assert [tree.name(path) for path in tree.elf_files if dynamic(path, *SEARCH_PATHS)] == []


def test_a_planted_search_path_is_found(planted: Path) -> None:
    assert dynamic(planted / "tree" / "planted", *SEARCH_PATHS) == ["/usr/src"]


@pytest.fixture
def decoys(planted: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that LD_LIBRARY_PATH offers, with libraries of the names a Python of the distribution would need."""
    folder = planted / "decoys"
    for name in ("libcrypto.so.3", "libsqlite3.so.0", f"lib{BINARY}.so.1.0", "libz.so.1", "libffi.so.8"):
        shutil.copy(folder / "libssl.so.3", folder / name)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))
    return folder


def resolved(path: Path) -> set[Path]:
    """The files that the loader would take for what a file needs, as auditwheel's lddtree finds them."""
    libraries = ldd(str(path), ldpaths=load_ld_paths(None)).libraries.values()
    return {Path(one.realpath) if one.realpath else Path(one.soname) for one in libraries}


def test_no_file_takes_a_library_that_is_offered_to_it(amd64: Tree, decoys: Path) -> None:
    taken = {tree_file for path in amd64.elf_files for tree_file in resolved(path)}
    assert [path for path in taken if path.is_relative_to(decoys) or not path.is_absolute()] == []
    assert all(SYSTEM.fullmatch(path.name) for path in taken)


def test_a_planted_program_that_needs_openssl_takes_the_decoy(planted: Path, decoys: Path) -> None:
    assert decoys / "libssl.so.3" in resolved(planted / "tree" / "planted")
