"""Packs Debian packages of a C library into one sysroot archive that a compiler of another system can use."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

# Not needed to link: programs, documents, configuration, and the sanitizers' link stubs in GCC's folder.
_LEFT_OUT = ("usr/share/", "usr/bin/", "usr/sbin/", "sbin/", "etc/", "lib/systemd/")
# Where packages have headers; links lead to those of the kernel that differ by architecture, and a program makes those
# of probes.
_HEADERS = ("usr/include/", "usr/lib/linux/", "usr/bin/dtrace")


def pack(packages: Iterable[Path], headers: Iterable[Path] = ()) -> bytes:
    """The archive of the packages' files, and of the headers of some more; absolute links become relative to the
    sysroot they lie in.

    Packed whenever it is needed, in a second: what is kept could be altered, and would have to be checked.
    """
    # Imported here: needed once, and it takes longer to import than the rest of us.
    from debian.debfile import DebFile

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as sysroot:
        for group, taken, left_out in ((packages, ("",), _LEFT_OUT), (headers, _HEADERS, ())):
            for package in group:
                with DebFile(str(package)) as deb:
                    _copy(deb.data.tgz(), sysroot, taken, left_out)
    return archive.getvalue()


def _copy(
    package: tarfile.TarFile, sysroot: tarfile.TarFile, taken: tuple[str, ...], left_out: tuple[str, ...]
) -> None:
    for member in package:
        member.name = member.name.removeprefix("./")
        if member.isdir() or member.name.startswith(left_out) or not member.name.startswith(taken):
            continue
        if member.issym():
            member.linkname = _relative(member.name, member.linkname)
        sysroot.addfile(member, package.extractfile(member) if member.isreg() else None)


def _relative(name: str, target: str) -> str:
    if not target.startswith("/"):
        return target
    return "../" * (len(PurePosixPath(name).parts) - 1) + target.lstrip("/")
