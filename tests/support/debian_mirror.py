"""A Debian mirror with source packages of one tarball, made in a folder."""

from __future__ import annotations

import datetime
import hashlib
import io
import lzma
import tarfile
from collections.abc import Mapping
from pathlib import Path

from builder.sources.releases import INDEX, PACKAGES_INDEX

LONG_AGO = datetime.date(2026, 6, 1)


def tarball(*tops: str, date: datetime.date = LONG_AGO) -> bytes:
    """A source tarball with these folders at its top."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        for top in tops:
            info = tarfile.TarInfo(f"{top}/configure")
            info.mtime = datetime.datetime(*date.timetuple()[:3], tzinfo=datetime.UTC).timestamp()
            archive.addfile(info)
    return packed.getvalue()


def packaging(patches: Mapping[str, str], key: bytes = b"") -> bytes:
    """What Debian adds to upstream's tarball: these patches, in this order, and the key that upstream signs with."""
    series = {"series": "# ours\n" + "".join(f"{name}\n" for name in patches)}
    files = {f"debian/patches/{name}": text.encode() for name, text in {**patches, **series}.items()}
    files |= {"debian/upstream/signing-key.asc": key} if key else {}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


class DebianMirror:
    """A Debian mirror below a folder; each release is added with its tarball, or without."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.index = self.packages = ""

    def add(
        self,
        version: str,
        content: bytes,
        *,
        package: str = "xz-utils",
        there: bool = True,
        revision: str = "1",
        patches: Mapping[str, str] | None = None,
        signature: bytes = b"",
        key: bytes = b"",
    ) -> None:
        """Put a release into the index, and its tarball into the pool; `patches` are Debian's, by their names.

        `signature` is upstream's of the tarball, by `key`.
        """
        folder = f"pool/main/x/{package}"
        name = f"{package}_{version}.orig.tar.xz"
        digest = hashlib.sha256(content).hexdigest()
        added = f"{package}_{version}-{revision}.debian.tar.xz"
        changes = packaging(patches or {}, key)
        signed = f" {hashlib.sha256(signature).hexdigest()} {len(signature)} {name}.asc\n" if signature else ""
        self.index += (
            f"Package: {package}\nVersion: {version}-{revision}\nChecksums-Sha256:\n"
            f" {digest} {len(content)} {name}\n{signed}"
            f" {hashlib.sha256(changes).hexdigest()} {len(changes)} {added}\nDirectory: {folder}\n\n"
        )
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        if signature:
            (self.root / folder / f"{name}.asc").write_bytes(signature)
        if there:
            (self.root / folder / name).write_bytes(content)
        if patches is not None or key:
            (self.root / folder / added).write_bytes(changes)

    def add_package(self, version: str, content: bytes, *, package: str = "pyenv") -> None:
        """Put a package for all architectures into its index and the pool."""
        path = f"pool/main/p/{package}/{package}_{version}_all.deb"
        digest = hashlib.sha256(content).hexdigest()
        self.packages += f"Package: {package}\nVersion: {version}\nFilename: {path}\nSHA256: {digest}\n\n"
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)

    def publish(self) -> None:
        """Write the indexes."""
        for name, text in ((INDEX, self.index), (PACKAGES_INDEX, self.packages)):
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(lzma.compress(text.encode()))
