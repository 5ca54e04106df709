"""pyenv's python-build: where it is, which versions it knows, and what of it a build needs."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.errors import UserError
from builder.files import read
from builder.inputs.pins import CPYTHON, PSF, Pins, Source
from builder.sources.shelf import SourceShelf
from builder.versions import is_free_threaded, minor, series, without_flags

_PLUGIN = "plugins/python-build"
_SCRIPT = "bin/python-build"
_DEFINITIONS = "share/python-build/"
_FREE_THREADED_SINCE = (3, 13)  # https://peps.python.org/pep-0703/
_LARGEST = 16 << 20  # bytes of one of its files, which has a hundred thousand
_CPYTHON = re.compile(r"3\.\d+\.\d+((a|b|rc)\d+)?t?")
_PACKAGE = re.compile(
    r'install_package "(?P<name>Python-[\w.]+)" "(?P<url>https://[^"#]+\.tar\.xz)#(?P<sha>[0-9a-f]{64})"'
)


@dataclass(frozen=True)
class PythonBuild:
    """A python-build plugin, its files by their path in it, with the pins that know more versions than it does."""

    files: Mapping[str, bytes] = field(repr=False)
    pins: Pins = field(repr=False)

    @property
    def script(self) -> bytes:
        """The program itself."""
        return self.files[_SCRIPT]

    @property
    def version(self) -> str:
        """Its version, as its first lines name it."""
        found = re.search(rb'^PYTHON_BUILD_VERSION="(.+)"', self.script, re.MULTILINE)
        return found[1].decode() if found else "unknown"

    def as_source(self) -> Source:
        """Itself, as a source a build used: the digest is the program's own."""
        return Source(
            "python-build", self.version, "python-build", hashlib.sha256(self.script).hexdigest(), (), license="MIT"
        )

    def versions(self) -> list[str]:
        """What can be built of CPython, in no order. A debug build is an option to python-build."""
        names = (name.removeprefix(_DEFINITIONS) for name in self.files if name.startswith(_DEFINITIONS))
        known = {name for name in names if _CPYTHON.fullmatch(name)}
        free_threaded = {f"{name}t" for name in self.pins.pythons if series(name) >= _FREE_THREADED_SINCE}
        release = known | self.pins.pythons.keys() | free_threaded
        return [*release, *(f"{name}d" for name in release)]

    def source(self, version: str) -> Source:
        """The source tarball of a version: as pinned, else as python-build's definition names it."""
        version = without_flags(version)
        if version in self.pins.pythons:
            return self.pins.pythons[version]
        found = _PACKAGE.search(self._definition(version))
        if not found:
            raise UserError(f"python-build's definition of {version} names no digest", "pin it in recipes/pins.toml")
        return Source(CPYTHON, version, f"{found['name']}.tar.xz", found["sha"], (found["url"],), license=PSF)

    def definitions(self, version: str) -> dict[str, str]:
        """The definition files a build of this version reads; a free-threaded one builds on the plain one."""
        return {name: self._definition(name) for name in sorted({version, without_flags(version)})}

    def _definition(self, version: str) -> str:
        """python-build's own definition of a version, else one made from the pins."""
        own = self.files.get(f"{_DEFINITIONS}{version}")
        if own is not None:
            return own.decode(errors="surrogateescape")
        if is_free_threaded(version):
            plain = without_flags(version)
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
        patches = f"{_DEFINITIONS}patches/"
        for name in sorted(self.files):
            if name.startswith(f"{patches}{version}/"):
                yield name.removeprefix(patches), self.files[name]


def pinned(pins: Pins, shelf: SourceShelf) -> PythonBuild:
    """The pinned python-build. It is read from its package every time: what was unpacked could be altered."""
    # Imported here: needed once, and it takes longer to import than the rest of us.
    from debian.arfile import ArError
    from debian.debfile import DebFile

    package = shelf.fetch(pins.python_build)
    try:
        with DebFile(str(package)) as deb:
            files = dict(_plugin(deb.data.tgz()))
    except ArError:
        files = {}
    if _SCRIPT not in files:
        raise UserError(f"{package} is not Debian's package of pyenv", "fix python-build in recipes/pins.toml")
    return PythonBuild(files, pins)


def _plugin(package: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in package:
        _, found, name = member.name.partition(f"usr/share/pyenv/{_PLUGIN}/")
        content = package.extractfile(member) if found and member.isreg() else None
        if content:
            yield name, content.read()


def of_pyenv(root: str, pins: Pins) -> PythonBuild:
    """The python-build of a PYENV_ROOT; UserError where there is none."""
    folder = Path(root) / _PLUGIN
    if not (folder / _SCRIPT).is_file():
        raise UserError(f"PYENV_ROOT={root}: no {_PLUGIN}/{_SCRIPT} there", "unset it, or fix it")
    paths = (path for path in folder.rglob("*") if path.is_file())
    return PythonBuild({str(path.relative_to(folder)): read(path, _LARGEST) for path in paths}, pins)
