"""What OSV calls a component: a package of an ecosystem, or for what is compiled from C the repository it comes from.

OSV's own ecosystem for C is GIT: the advisories of CVE's and NVD's records, of OSS-Fuzz, and of the Python Software
Foundation name a repository, and the tags of the releases in it. Those of distributions, such as Debian, are about
their packages: other versions, with other patches. https://google.github.io/osv.dev/data/
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from packageurl import PackageURL
from packaging.utils import canonicalize_name

PYPI, CRATES, GIT = "PyPI", "crates.io", "GIT"
ECOSYSTEMS = (PYPI, CRATES, GIT)

# Where what has a purl of the type `generic` is developed, or mirrored: an advisory names any of these.
REPOSITORIES: dict[str, tuple[str, ...]] = {
    "cpython": ("https://github.com/python/cpython",),
    "openssl": ("https://github.com/openssl/openssl", "https://git.openssl.org/openssl"),
    "sqlite": ("https://github.com/sqlite/sqlite",),
    "libffi": ("https://github.com/libffi/libffi",),
    "zlib": ("https://github.com/madler/zlib",),
    "bzip2": ("https://gitlab.com/bzip2/bzip2", "https://sourceware.org/git/bzip2"),
    "xz": ("https://github.com/tukaani-project/xz", "https://git.tukaani.org/xz"),
    "ncurses": ("https://github.com/mirror/ncurses",),
    "libuuid": (
        "https://github.com/util-linux/util-linux",
        "https://git.kernel.org/pub/scm/utils/util-linux/util-linux",
    ),
    "zstd": ("https://github.com/facebook/zstd",),
    "readline": ("https://git.savannah.gnu.org/git/readline",),
    "gdbm": ("https://git.savannah.gnu.org/git/gdbm",),
    "expat": ("https://github.com/libexpat/libexpat",),
    "mimalloc": ("https://github.com/microsoft/mimalloc",),
    "hacl-star": ("https://github.com/hacl-star/hacl-star",),
    "tcl": ("https://github.com/tcltk/tcl",),
    "tk": ("https://github.com/tcltk/tk",),
    "libx11": ("https://gitlab.freedesktop.org/xorg/lib/libx11",),
    "libxcb": ("https://gitlab.freedesktop.org/xorg/lib/libxcb",),
    "libxau": ("https://gitlab.freedesktop.org/xorg/lib/libxau",),
}


@dataclass(frozen=True, order=True)
class Package:
    """A name in one of OSV's ecosystems; of GIT a repository, as `repository` writes it."""

    ecosystem: str
    name: str


def named(ecosystem: str, name: str) -> Package:
    """The package that an advisory names so."""
    return Package(ecosystem, canonicalize_name(name) if ecosystem == PYPI else name)


def of_repository(url: str) -> Package:
    """The package of a repository: its URL as OSV compares it, without scheme and ending."""
    return Package(GIT, re.sub(r"^\w+://([^/@]*@)?", "", url).rstrip("/").removesuffix(".git"))


def of_purl(text: str) -> tuple[Package, ...]:
    """What a component may be called, by its purl; nothing, if OSV can't be asked for it."""
    try:
        purl = PackageURL.from_string(text)
    except ValueError:
        return ()
    if purl.type == "pypi":
        return (named(PYPI, purl.name),)
    if purl.type == "cargo":
        return (named(CRATES, purl.name),)
    if purl.type == "github" and purl.namespace:
        return (of_repository(f"https://github.com/{purl.namespace}/{purl.name}"),)
    return tuple(map(of_repository, REPOSITORIES.get(purl.name, ()) if purl.type == "generic" else ()))
