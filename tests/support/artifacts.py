"""Small artifacts in every form that a real one has, each at a path, of files by their names."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from tests.support.made_debs import deb, file


def as_archive(path: Path, files: dict[str, bytes], top: str = "") -> Path:
    """An archive, in a folder of its own if it has a top."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{top}{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def as_archive_with_a_folder(path: Path, files: dict[str, bytes]) -> Path:
    """An archive whose files are below one folder."""
    return as_archive(path, files, "prt_v1_amd64/")


def as_package(path: Path, files: dict[str, bytes]) -> Path:
    """A Debian package of the files."""
    path = path.with_suffix(".deb")
    others = [file("usr/share/doc/prt/changelog.gz", b"x")]
    path.write_bytes(deb([*others, *(file(f"prt/{name}", content) for name, content in files.items())]))
    return path


def as_folder(path: Path, files: dict[str, bytes]) -> Path:
    """An unpacked tree."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def patched(*cves: str) -> dict[str, object]:
    """The pedigree of a component whose patches fix CVEs."""
    return {"patches": [{"resolves": [{"type": "security", "id": cve} for cve in cves]}]}
