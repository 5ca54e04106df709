"""pyenv's python-build: where it is, which versions it knows, and what of it a build needs."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.errors import UserError
from builder.pins import Pins
from builder.sources import PSF, Source, SourceShelf
from builder.versions import minor

_PLUGIN = "plugins/python-build"
_CPYTHON = re.compile(r"3\.\d+\.\d+((a|b|rc)\d+)?t?")
_PACKAGE = re.compile(
    r'install_package "(?P<name>Python-[^"]+)" "(?P<url>https://[^"#]+\.tar\.xz)#(?P<sha>[0-9a-f]{64})"'
)


@dataclass(frozen=True)
class PythonBuild:
    """A python-build plugin in `folder`, with the pins that know more versions than it does."""

    folder: Path
    pins: Pins

    @property
    def script(self) -> bytes:
        """The program itself."""
        return (self.folder / "bin" / "python-build").read_bytes()

    @property
    def version(self) -> str:
        """Its version, as its first lines name it."""
        found = re.search(rb'^PYTHON_BUILD_VERSION="(.+)"', self.script, re.MULTILINE)
        return found[1].decode() if found else "unknown"

    def as_source(self) -> Source:
        """Itself, as a source a build used: the digest is the program's own."""
        return Source(
            "python-build", self.version, "python-build", hashlib.sha256(self.script).hexdigest(), (), licence="MIT"
        )

    def versions(self) -> list[str]:
        """The CPython releases that can be built, in no order."""
        known = {path.name for path in self._definitions.iterdir() if _CPYTHON.fullmatch(path.name)}
        return [*known | self.pins.pythons.keys()]

    def source(self, version: str) -> Source:
        """The source tarball of a version: as pinned, else as python-build's definition names it."""
        version = version.removesuffix("t")
        if version in self.pins.pythons:
            return self.pins.pythons[version]
        found = _PACKAGE.search(self._definition(version))
        if not found:
            raise UserError(f"python-build's definition of {version} names no digest", "pin it in recipes/pins.toml")
        return Source("CPython", version, f"{found['name']}.tar.xz", found["sha"], (found["url"],), licence=PSF)

    def definitions(self, version: str) -> dict[str, str]:
        """The definition files a build of this version reads; a free-threaded one builds on the plain one."""
        return {name: self._definition(name) for name in sorted({version, version.removesuffix("t")})}

    def _definition(self, version: str) -> str:
        """python-build's own definition of a version, else one made from the pins."""
        path = self._definitions / version
        if path.is_file():
            return path.read_text()
        if version.endswith("t"):
            plain = version.removesuffix("t")
            return f'export PYTHON_BUILD_FREE_THREADING=1\nsource "$(dirname "${{BASH_SOURCE[0]}}")"/{plain}\n'
        source = self.pins.pythons[version]
        verify = f"verify_py{minor(version).replace('.', '')}"
        steps = (
            f"standard {verify} ensurepip"
            if f"build_package_{verify}()".encode() in self.script
            else "standard ensurepip"
        )
        return f'install_package "Python-{version}" "{source.places[0]}#{source.sha256}" {steps}\n'

    def patches(self, version: str) -> Iterator[tuple[str, bytes]]:
        """The patches python-build itself has for a version: path below its `patches` folder, and content."""
        patches = self._definitions / "patches"
        for path in sorted((patches / version).rglob("*")):
            if path.is_file():
                yield str(path.relative_to(patches)), path.read_bytes()

    @property
    def _definitions(self) -> Path:
        return self.folder / "share" / "python-build"


def locate(pyenv_root: str, pins: Pins, shelf: SourceShelf, unpacked: Path) -> PythonBuild:
    """The python-build of PYENV_ROOT where that is set, else the pinned one, unpacked below `unpacked`."""
    if pyenv_root:
        folder = Path(pyenv_root) / _PLUGIN
        if not (folder / "bin" / "python-build").is_file():
            raise UserError(f"PYENV_ROOT={pyenv_root}: no {_PLUGIN}/bin/python-build there", "unset it, or mend it")
        return PythonBuild(folder, pins)
    source = pins.python_build
    folder = unpacked / source.sha256[:16]
    if not folder.is_dir():
        _unpack(shelf.fetch(source), folder)
    return PythonBuild(folder, pins)


def _unpack(package: Path, folder: Path) -> None:
    """Unpack the plugin's folder of pyenv's package; it appears under its name only when it is complete."""
    # Imported here: needed once, and it takes longer to import than the rest of us.
    from debian.arfile import ArError
    from debian.debfile import DebFile

    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch, DebFile(str(package)) as deb:
            deb.data.tgz().extractall(scratch, filter="data")
            next(Path(scratch).glob(f"**/pyenv/{_PLUGIN}")).rename(folder)
    except (ArError, StopIteration):
        raise UserError(
            f"{package} is not Debian's package of pyenv", "mend python-build in recipes/pins.toml"
        ) from None
