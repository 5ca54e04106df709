"""Version rules: the latest release tag, and the Python version that a request such as `3.13` means.

A version of Python may end in flags of CPython's ABI: `t` is free-threaded, `d` a debug build.
"""

from __future__ import annotations

from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from builder.errors import UserError


def _parse(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def latest_tag(tags: Iterable[str]) -> str | None:
    """The `v*` tag with the highest version; a pre-release counts only while there is no final release."""
    versions = {tag: version for tag in tags if tag.startswith("v") and "_" not in tag and (version := _parse(tag))}
    finals = {tag: version for tag, version in versions.items() if not version.is_prerelease}
    return max(finals or versions, key=versions.__getitem__, default=None)


def debian_version(text: str) -> str:
    """The Debian version of a PEP 440 version or tag, ordered by dpkg as PEP 440 orders: `13~rc1` of `v13.0rc1`.

    Local parts are kept: dpkg orders those of one version by its own rule, and all of them before its `.post1`.
    Raises UserError for anything else.
    """
    version = _parse(text)
    if version is None:
        raise UserError(
            f"PACKAGE_VERSION={text}: no version that a Debian package can have", "name it as PEP 440 does: v13, 1.2rc1"
        )
    if version.local and version.local[0] >= "p":
        raise UserError(
            f"PACKAGE_VERSION={text}: dpkg would take +{version.local} for newer than .post1",
            "begin the local part with a number, or with a letter before p",
        )
    release = list(version.release)
    while len(release) > 1 and not release[-1]:
        release.pop()
    return "".join(
        (
            f"{version.epoch}:" if version.epoch else "",
            ".".join(map(str, release)),
            "~" + "".join(map(str, version.pre)) if version.pre else "",
            f"+post{version.post}" if version.post is not None else "",
            f"~~dev{version.dev}" if version.dev is not None else "",
            f"+{version.local}" if version.local else "",
        )
    )


def without_flags(version: str) -> str:
    """`3.13.5` of `3.13.5td`: what the source is called."""
    return version.removesuffix("d").removesuffix("t")


def flags(version: str) -> str:
    """`td` of `3.13.5td`."""
    return version.removeprefix(without_flags(version))


def is_free_threaded(version: str) -> bool:
    """Whether it has no global interpreter lock."""
    return "t" in flags(version)


def is_debug(version: str) -> bool:
    """Whether CPython checks itself as it runs."""
    return "d" in flags(version)


def minor(version: str) -> str:
    """`3.13` of `3.13.5t`."""
    return ".".join(without_flags(version).split(".")[:2])


def branch(version: str) -> str:
    """`3.13t` of `3.13.5t`: series and flavour, as CPython names its program."""
    return minor(version) + flags(version)


def series(version: str) -> tuple[int, int]:
    """(3, 13) of `3.13.5t`: what else there is to know of a version goes by that."""
    major, second = minor(version).split(".")
    return int(major), int(second)


def has_zstd(version: str) -> bool:
    """Whether a complete CPython of this version has `compression.zstd`."""
    return series(version) >= (3, 14)


def knows_tcl_9(version: str) -> bool:
    """Whether its `tkinter` does: Tcl 9 always has threads, and does not say so (python/cpython#124111)."""
    return Version(without_flags(version)) >= Version("3.13.15")


def resolve_python(wanted: str, known: Iterable[str]) -> tuple[str, str]:
    """The exact version that is wanted, and the newest known patch of the same minor version.

    `3.13` means the newest patch; raises UserError for a version that is not known.
    """
    candidates = {
        name: version for name in known if flags(name) == flags(wanted) and (version := _parse(without_flags(name)))
    }
    same_minor = {name: version for name, version in candidates.items() if minor(name) == minor(wanted)}
    finals = {name: version for name, version in same_minor.items() if not version.is_prerelease}
    newest = max(finals or same_minor, key=same_minor.__getitem__, default=None)
    if wanted in same_minor:
        return wanted, newest or wanted
    if newest and without_flags(wanted).count(".") == 1:
        return newest, newest
    nearby = sorted(same_minor or candidates, key=candidates.__getitem__)[-20:]
    raise UserError(
        f"PYTHON_VERSION={wanted}: neither python-build nor recipes/pins.toml knows it",
        f"known: {', '.join(nearby) or 'none'}; a newer pyenv (PYENV_ROOT) knows more, or pin it in recipes/pins.toml",
    )
