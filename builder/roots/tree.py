"""Root file systems unpacked: by digest, once, completely, and checked at each use.

No package's script runs: what a maintainer script would have made, and a build needs, is made here.
"""

from __future__ import annotations

import copy
import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import filelock

from builder.errors import BuildError
from builder.files import write_whole
from builder.roots.lock import Root
from builder.sources.shelf import SourceShelf

if TYPE_CHECKING:
    from debian.debfile import DebFile

# Every Debian since 12 is laid out so, and an older one may be.
_MERGED = ("bin", "sbin", "lib", "lib64")
# What nobody reads in a build.
_LEFT_OUT = tuple(f"./usr/share/{name}/" for name in ("doc", "doc-base", "info", "lintian", "locale", "man"))
# Made by update-alternatives elsewhere: the name, and the file in the same folder that it leads to.
_ALTERNATIVES = {
    "usr/bin/aclocal": "aclocal-1.*",
    "usr/bin/automake": "automake-1.*",
    "usr/bin/awk": "mawk",
    "usr/bin/c++": "g++",
    "usr/bin/cc": "gcc",
    "usr/bin/which": "which.debianutils",
}
# Made by base-passwd, netbase and the like elsewhere. A network step has this machine's resolv.conf and hosts there.
_FILES = {
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "etc/resolv.conf": "",
}
_CERTIFICATES, _BUNDLE = "usr/share/ca-certificates", "etc/ssl/certs/ca-certificates.crt"  # by update-ca-certificates
_AT_A_TIME = 6  # downloads


@dataclass(frozen=True)
class RootShelf:
    """The folder that keeps unpacked root file systems; `say` gets a line about what takes long."""

    folder: Path
    sources: SourceShelf
    say: Callable[[str], None]

    def tree(self, root: Root) -> Path:
        """The unpacked root file system; made the first time, and again if anything in it was changed since."""
        tree = self.folder / f"{root.name}-{root.arch.value}-{root.digest[:16]}"
        self.folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{tree}.lock"):
            if not _intact(tree):
                self._make(root, tree)
        return tree

    def _make(self, root: Root, tree: Path) -> None:
        if tree.exists():
            self.say(f"{tree} was changed: unpacked again")
        part = tree.with_name(f"{tree.name}.part")
        for old in (tree, part):
            if old.exists():
                shutil.rmtree(old)
        self.say(f"{root.name} root file system for {root.arch.value}: {len(root.packages)} packages to be unpacked")
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            packages = [*pool.map(self.sources.fetch, root.packages)]
        try:
            unpack(packages, part)
            part.rename(tree)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        write_whole(_record(tree), _appearance(tree))


def unpack(packages: list[Path], tree: Path) -> None:
    """Unpack Debian packages into a new folder, as a system on which they are installed but not configured."""
    # Imported here: needed once, and it takes longer to import than the rest of us.
    from debian.arfile import ArError
    from debian.debfile import DebError, DebFile

    for name in _MERGED:
        (tree / "usr" / name).mkdir(parents=True)
        (tree / name).symlink_to(f"usr/{name}")
    status = []
    for package in packages:
        try:
            with DebFile(str(package)) as deb:
                content = deb.data.tgz()
                # Ours, for Python 3.11.2 knows no filters, and that of 3.14 refuses every absolute link.
                content.extraction_filter = lambda member, path: member
                content.extractall(tree, [plain for member in content if (plain := _plain(member))])
                status.append(_registered(deb, tree, content.getnames()))
        except (ArError, DebError, tarfile.TarError, EOFError) as problem:
            raise BuildError(f"{package} can't be unpacked: {problem}", "remove it: it is downloaded again") from None
    (tree / "var/lib/dpkg/status").write_text("\n".join(status))
    for name, text in _FILES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    for name, pattern in _ALTERNATIVES.items():
        found = next(iter(sorted((tree / name).parent.glob(pattern))), None)
        if found:
            (tree / name).symlink_to(found.name)
    certificates = sorted((tree / _CERTIFICATES).rglob("*.crt"))
    if certificates:
        (tree / _BUNDLE).write_bytes(b"".join(one.read_bytes() for one in certificates))
    for name in ("tmp", "var/tmp"):
        (tree / name).mkdir(parents=True, exist_ok=True)
        (tree / name).chmod(0o1777)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Whatever owners and special bits the package has, the files are plain and ours; None for what is left out."""
    parts = PurePosixPath(member.name).parts
    if ".." in parts or member.name.startswith("/"):
        raise tarfile.ExtractError(f"{member.name!r} lies outside")
    if member.name.startswith(_LEFT_OUT) or not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        return None
    plain = copy.copy(member)
    plain.mode, plain.uid, plain.gid, plain.uname, plain.gname = member.mode & 0o755, 0, 0, "", ""
    return plain


def _registered(deb: DebFile, tree: Path, names: list[str]) -> str:
    """Write down what dpkg knows of an installed package, and return its paragraph of the status file."""
    control = deb.control.debcontrol()
    shared = f":{control['Architecture']}" if control.get("Multi-Arch") == "same" else ""
    known = tree / "var/lib/dpkg/info"
    known.mkdir(parents=True, exist_ok=True)
    stem = f"{control['Package']}{shared}"
    (known / f"{stem}.list").write_text("".join(f"{name.removeprefix('.').rstrip('/') or '/.'}\n" for name in names))
    for name in ("shlibs", "symbols"):
        if deb.control.has_file(name):
            (known / f"{stem}.{name}").write_bytes(deb.control.get_content(name) or b"")
    control["Status"] = "install ok installed"
    return str(control)


def _intact(tree: Path) -> bool:
    try:
        return _record(tree).read_text() == _appearance(tree)
    except OSError:
        return False


def _record(tree: Path) -> Path:
    return tree.with_name(f"{tree.name}.sha256")


def _appearance(tree: Path) -> str:
    """One digest over what the file system says of every file. Its change times can't be set by hand."""
    seen = hashlib.sha256()
    for line in _looks(tree):
        seen.update(line)
    return seen.hexdigest()


def _looks(folder: Path | str) -> Iterator[bytes]:
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        status = entry.stat(follow_symlinks=False)
        yield f"{entry.name!r} {status.st_mode} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}\n".encode()
        if entry.is_dir(follow_symlinks=False):
            yield from _looks(entry.path)
