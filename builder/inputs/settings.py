"""The settings: each declared once, with its default, its parser, and what it is for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from builder.inputs.choices import CacheMode, Compile, EngineChoice, Libraries, LineEditor, Profile, Signing
from builder.inputs.parsers import (
    count,
    existing_file,
    key_or_file,
    matching,
    one_of,
    place,
    prt_root,
    python_versions,
    server,
    size,
    switch,
    without_credentials,
)
from builder.versions import branch

PYTHON, PACKAGE, BUILD, SOURCES, CACHE, TRUST, RUN = "Python", "Package", "Build", "Sources", "Cache", "Trust", "Run"


@dataclass(frozen=True)
class Setting:
    """How a setting is read. `parse` returns the value, or raises ValueError with what is wrong with the text."""

    name: str
    default: str
    parse: Callable[[str], object]
    group: str
    purpose: str
    secret: bool = False  # never shown
    lines: bool = False  # it may have several

    @property
    def field(self) -> str:
        """The attribute of Settings that holds its value."""
        return self.name.lower()


@dataclass(frozen=True)
class Value:
    """A setting's value as text, and where it came from: default, Makefile.vars:LINE, environment, git tag."""

    text: str
    origin: str


def _setting(default: str, parse: Callable[[str], object], group: str, purpose: str, **kind: bool) -> Any:
    row = {"default": default, "parse": parse, "group": group, "purpose": purpose, **kind}
    return field(repr=not kind.get("secret"), metadata=row)


# ruff: noqa: RUF009  # _setting is a field()
# fmt: off
@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting, parsed; `values` has the text and the origin of each."""

    python_version: str = _setting(
        "3.14", python_versions, PYTHON,
        "Version of CPython, or several, separated by blanks; `3.14` means its newest known patch, `3.14t` without the "
        "GIL, `3.14d` a debug build.")
    prt_root: PurePosixPath = _setting("/prt", prt_root, PYTHON,
        "Folder in which the runtime is installed and runs.")
    optimize: bool = _setting("1", switch, PYTHON,
        "`0` is quick to build, for tests and trials: no PGO, no LTO, a .deb that is larger.")
    jit: bool = _setting("0", switch, PYTHON,
        "`1` builds the experimental JIT of CPython 3.14 in; it is off unless PYTHON_JIT=1 is in the environment.")
    compile: Compile = _setting("across", one_of(Compile), PYTHON,
        "`across`: by the build machine's compiler, for any architecture; `in-place`: as the target, with its "
        "libraries.")
    libraries: Libraries = _setting("bundled", one_of(Libraries), PYTHON,
        "`bundled`: OpenSSL and the like inside, old C library; `system`: the distribution's (compiled in-place).")
    sysroot: str = _setting("bullseye", matching("[a-z]+", "must be a Debian suite, such as bullseye"), PYTHON,
        "Debian suite whose C library is linked against: the runtime starts on it and everything newer.")
    line_editor: LineEditor = _setting("libedit", one_of(LineEditor), PYTHON,
        "What edits lines at the prompt: `libedit`, or GNU `readline` (under the GPL).")
    gdbm: bool = _setting("0", switch, PYTHON,
        "`1` adds `dbm.gnu`, and GNU dbm inside (under the GPL).")
    tk: bool = _setting("0", switch, PYTHON,
        "`1` adds `tkinter`, with Tcl/Tk 9.0 and X11's libraries inside.")
    profile: Profile = _setting("kept", one_of(Profile), PYTHON,
        "Profile of an optimised build: `kept` takes the one in `recipes/profiles`, if there is one; `train` "
        "makes one.")
    package_prefix: str = _setting(
        "prt", matching(r"[a-z0-9][a-z0-9+.-]+", "must be a Debian package name: at least two of a-z 0-9 + - . and no "
        "other"), PACKAGE,
        "First part of every artifact's name.")
    package_version: str = _setting(
        "v0", matching("[A-Za-z0-9][A-Za-z0-9.+~!-]*", "must be letters, digits, . + ~ ! -"), PACKAGE,
        "Version of the runtime; by default the latest git tag `v*`, else `v0`.")
    archive_folder: bool = _setting("0", switch, PACKAGE,
        "`1`: archives hold one folder of their own name, such as `prt_v0_amd64`; `0`: the content of PRT_ROOT.")
    package_desc: str = _setting("Python runtime", str, PACKAGE,
        "What the package is, in one line.")
    package_maintainer: str = _setting(
        "Python Runtime Builder <root@localhost>",
        matching(r"[^<>]*[^<>\s] <[^<>@\s]+@[^<>@\s]+>", "must look like Name <address@host>"), PACKAGE,
        "Name and address of the package's maintainer.")
    artifact_dir: Path = _setting("out", str, BUILD,
        "Folder for artifacts, logs and the cache.")
    engine: EngineChoice = _setting("auto", one_of(EngineChoice), BUILD,
        "Where steps run: `docker`, `sandbox` (no daemon, no root), `host` (this machine), or `auto`: the first "
        "of these that works.")
    base_image: str = _setting("debian:bookworm-slim", matching(r"\S+", "must be an image name"), BUILD,
        "Image that LIBRARIES=system builds on with docker; `{arch}` becomes amd64 or arm64.")
    test_image: str = _setting("", str, BUILD,
        "Where the test sessions install the package, separated by blanks: images with docker (`{arch}` as "
        "above), suites in the sandbox; by default every Debian of `recipes/systems`.")
    docker_host_amd64: str = _setting("", place, BUILD,
        "Docker endpoint for amd64, such as `ssh://user@host`; by default the docker command's own.")
    docker_host_arm64: str = _setting("", place, BUILD,
        "The same for arm64: a real arm64 machine in place of qemu.")
    source_mirror: str = _setting("", place, SOURCES,
        "URL or folder asked first for source tarballs, by file name.")
    debian_mirror: str = _setting("", place, SOURCES,
        "Debian mirror for sources and packages; by default what apt uses.")
    pyenv_root: str = _setting("", str, SOURCES,
        "A pyenv whose python-build builds the versions that the pinned one does not know.")
    ca_bundle: Path | None = _setting("", existing_file, SOURCES,
        "CA certificates (PEM) for every download; by default this machine's.")
    osv_database: str = _setting("https://api.osv.dev", place, SOURCES,
        "Where `nox -s audit` looks up vulnerabilities: an OSV API, or a folder with OSV's data.")
    cache_url: str = _setting("", server, CACHE,
        "Web server that shares results: takes GET, and PUT from those allowed to write.")
    cache_mode: CacheMode = _setting("read", one_of(CacheMode), CACHE,
        "`off`, `local`, `read` (CACHE_URL as well), `read-write` (publish what was built), `refresh` (build "
        "again, replace and publish).")
    cache_token: str = _setting("", matching("[!-~]*", "must be printable ASCII without blanks"), CACHE,
        "Bearer token for CACHE_URL; never shown.", secret=True)
    cache_user: str = _setting("", matching("[^:]*", "must not have a colon"), CACHE,
        "User for CACHE_URL; without user and token, what netrc has.")
    cache_password: str = _setting("", str, CACHE,
        "Password of CACHE_USER; never shown.", secret=True)
    cache_strict: bool = _setting("0", switch, CACHE,
        "`1` makes every problem with the cache an error.")
    cache_size: int = _setting("10G", size, CACHE,
        "The local cache's size, in M, G or T; what was used least recently goes first.")
    signing_key: str = _setting("", key_or_file, TRUST,
        "File of an OpenSSH Ed25519 key for sums and the cache or, in the environment, the key itself; never shown.",
        secret=True, lines=True)
    signing: Signing = _setting("prefer", one_of(Signing), TRUST,
        "What `verify` and the shared cache want: `require` a signature, `prefer` one (none is a warning), or `off`.")
    no_cache: bool = _setting("0", switch, RUN,
        "`1` builds everything again: no cache is read or written.")
    no_package_cache: bool = _setting("0", switch, RUN,
        "`1` resolves and installs the packages again, on a cached interpreter.")
    jobs: int = _setting("1", count, RUN,
        "Targets that `all` and `test-all` work on at a time, at most one of an architecture.")
    v: bool = _setting("0", switch, RUN,
        "`1` shows every step's command and full output.")

    values: Mapping[str, Value] = field(repr=False)
# fmt: on

    def each_version(self) -> tuple[Settings, ...]:
        """The settings for each version that PYTHON_VERSION names; of several, each has names and a place of its own:
        `prt3.14t` in `/prt3.14t`.
        """
        versions = self.python_version.split()
        if len(versions) == 1:
            return (self,)
        return tuple(
            replace(
                self,
                python_version=version,
                package_prefix=f"{self.package_prefix}{branch(version)}",
                prt_root=self.prt_root.with_name(f"{self.prt_root.name}{branch(version)}"),
            )
            for version in versions
        )

    def shown(self, setting: Setting) -> str:
        """A setting's value as text that may be shown."""
        text = self.values[setting.name].text
        return "****" if setting.secret and text else without_credentials(text)


SETTINGS = tuple(Setting(one.name.upper(), **one.metadata) for one in dataclasses.fields(Settings) if one.metadata)
PREFIX = "PRT_"
BY_NAME = {spelling: setting for setting in SETTINGS for spelling in (setting.name, PREFIX + setting.name)}
