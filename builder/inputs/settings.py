"""The settings: one table of names, defaults and parsers, read from the environment and Makefile.vars.

This is the only module that reads the environment.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from builder import secrecy
from builder.errors import UserError
from builder.files import read
from builder.inputs import makefile_vars
from builder.inputs.parsers import (
    TEXT,
    count,
    existing_file,
    matching,
    one_line,
    place,
    prt_root,
    server,
    size,
    switch,
    without_credentials,
)

FILE = "Makefile.vars"
PREFIX = "PRT_"
_LARGEST_FILE = 1_000_000  # bytes
_MOST_SHOWN = 100  # characters of a value that is refused


@dataclass(frozen=True)
class Setting:
    """One row of the table. `parse` returns the value or raises ValueError with what is wrong with it."""

    name: str
    default: str
    parse: Callable[[str], object]
    group: str
    help: str
    secret: bool = False  # never shown

    @property
    def field(self) -> str:
        """The attribute of Settings that holds its value."""
        return self.name.lower()


@dataclass(frozen=True)
class Value:
    """A setting's value as text, and where it came from: default, Makefile.vars:LINE, environment, git tag."""

    text: str
    origin: str


SETTINGS: tuple[Setting, ...] = (
    Setting("PYTHON_VERSION", "3.13.5", matching(r"3\.\d+(\.\d+)?((a|b|rc)\d+)?t?", "must be a CPython version, such "
            "as 3.13.5, or 3.13 for its newest patch"), "Python", "Version of CPython; `3.13` means its newest known "
            "patch."),
    Setting("PRT_ROOT", "/prt", prt_root, "Python", "Folder in which the runtime is installed and runs."),
    Setting("OPTIMIZE", "1", switch, "Python", "`0` compiles without PGO and LTO: minutes, for tests and trials."),
    Setting("COMPILE", "across", matching(r"across|in-place", "must be across or in-place"), "Python", "`across`: by "
            "the build machine's compiler, for any architecture; `in-place`: as the target, with its libraries."),
    Setting("LIBRARIES", "bundled", matching(r"bundled|system", "must be bundled or system"), "Python", "`bundled`: "
            "OpenSSL and the like inside, old C library; `system`: the distribution's (compiled in-place)."),
    Setting("SYSROOT", "bullseye", matching(r"[a-z]+", "must be a Debian suite, such as bullseye"), "Python", "Debian "
            "suite whose C library is linked against: the runtime starts on it and everything newer."),
    Setting("LINE_EDITOR", "libedit", matching(r"libedit|readline", "must be libedit or readline"), "Python", "What "
            "edits lines at the prompt: `libedit`, or GNU `readline` (under the GPL)."),
    Setting("PROFILE", "kept", matching(r"kept|train", "must be kept or train"), "Python", "Profile of an optimised "
            "build: `kept` takes the one in `recipes/profiles`, if there is one; `train` makes one."),
    Setting("PACKAGE_PREFIX", "prt", matching(r"[a-z0-9][a-z0-9+.-]+", "must be a Debian package name: at least two "
            "of a-z 0-9 + - . and no other"), "Package", "First part of every artifact's name."),
    Setting("PACKAGE_VERSION", "v0", matching(r"[A-Za-z0-9][A-Za-z0-9.+~!-]*", "must be letters, digits, . + ~ ! -"),
            "Package", "Version of the runtime; by default the latest git tag `v*`, else `v0`."),
    Setting("PACKAGE_DESC", "Python runtime", TEXT, "Package", "What the package is, in one line."),
    Setting("PACKAGE_MAINTAINER", "Python Runtime Builder <root@localhost>", matching(r"[^<>]*[^<>\s] <[^<>@\s]+@"
            r"[^<>@\s]+>", "must look like Name <address@host>"), "Package", "Name and address of who answers for the "
            "package."),
    Setting("ARTIFACT_DIR", "out", TEXT, "Build", "Folder for artifacts, logs and the cache."),
    Setting("ENGINE", "auto", matching(r"auto|docker|sandbox|host", "must be auto, docker, sandbox or host"), "Build",
            "Where steps run: `docker`, `sandbox` (no daemon, no root), `host` (this machine), or `auto`: the first of "
            "these that works."),
    Setting("BASE_IMAGE", "debian:bookworm-slim", matching(r"[^\s]+", "must be an image name"), "Build", "Image that "
            "LIBRARIES=system builds on with docker; `{arch}` becomes amd64 or arm64."),
    Setting("TEST_IMAGE", "", TEXT, "Build", "Where the test sessions install the package, separated by blanks: "
            "images with docker (`{arch}` as above), suites in the sandbox; by default every Debian of "
            "`recipes/systems`."),
    Setting("DOCKER_HOST_AMD64", "", place, "Build", "Docker endpoint for amd64, such as `ssh://user@host`; by "
            "default the docker command's own."),
    Setting("DOCKER_HOST_ARM64", "", place, "Build", "The same for arm64: a real arm64 machine in place of qemu."),
    Setting("SOURCE_MIRROR", "", place, "Sources", "URL or folder asked first for source tarballs, by file name."),
    Setting("DEBIAN_MIRROR", "", place, "Sources", "Debian mirror for sources and packages; by default what apt uses."),
    Setting("PYENV_ROOT", "", TEXT, "Sources", "A pyenv whose python-build builds the versions that the "
            "pinned one does not know."),
    Setting("CA_BUNDLE", "", existing_file, "Sources", "CA certificates (PEM) for every download; by default this "
            "machine's."),
    Setting("CACHE_URL", "", server, "Cache", "Web server that shares results: takes GET, and PUT from who may write."),
    Setting("CACHE_MODE", "read", matching("off|local|read|read-write|refresh", "must be off, local, read, "
            "read-write or refresh"), "Cache", "`off`, `local`, `read` (CACHE_URL as well), `read-write` (publish what "
            "was built), `refresh` (build anew, replace and publish)."),
    Setting("CACHE_TOKEN", "", matching(r"[!-~]*", "must be printable ASCII without blanks"), "Cache", "Bearer token "
            "for CACHE_URL; never shown.", secret=True),
    Setting("CACHE_USER", "", matching(r"[^:]*", "must not have a colon"), "Cache", "User for CACHE_URL; without user "
            "and token, what netrc has."),
    Setting("CACHE_PASSWORD", "", TEXT, "Cache", "Password of CACHE_USER; never shown.", secret=True),
    Setting("CACHE_STRICT", "0", switch, "Cache", "`1` makes an error of every trouble with the cache."),
    Setting("CACHE_SIZE", "10G", size, "Cache", "The local cache's size, in M, G or T; what was used least recently "
            "goes first."),
    Setting("NO_CACHE", "0", switch, "Run", "`1` builds everything anew: no cache is read or written."),
    Setting("NO_PACKAGE_CACHE", "0", switch, "Run", "`1` installs the packages anew, on a cached interpreter."),
    Setting("JOBS", "1", count, "Run", "Targets that `all` and `test-all` work on at a time, at most one of an "
            "architecture."),
    Setting("V", "0", switch, "Run", "`1` shows the full output of every step."),
)  # fmt: skip

_BY_NAME = {spelling: setting for setting in SETTINGS for spelling in (setting.name, PREFIX + setting.name)}


@dataclass(frozen=True)
class Settings:
    """Every setting, parsed; `values` keeps the text and the origin of each."""

    python_version: str
    prt_root: PurePosixPath
    optimize: bool
    compile: str
    libraries: str
    sysroot: str
    line_editor: str
    profile: str
    package_prefix: str
    package_version: str
    package_desc: str
    package_maintainer: str
    artifact_dir: Path
    engine: str
    base_image: str
    test_image: str
    docker_host_amd64: str
    docker_host_arm64: str
    source_mirror: str
    debian_mirror: str
    pyenv_root: str
    ca_bundle: Path | None
    cache_url: str
    cache_mode: str
    cache_token: str = field(repr=False)
    cache_user: str
    cache_password: str = field(repr=False)
    cache_strict: bool
    cache_size: int
    no_cache: bool
    no_package_cache: bool
    jobs: int
    v: bool
    values: Mapping[str, Value] = field(repr=False)

    def shown(self, setting: Setting) -> str:
        """A setting's value as text, fit to be seen."""
        text = self.values[setting.name].text
        return "****" if setting.secret and text else without_credentials(text)


_concealed: dict[str, str] = {}


def environment() -> dict[str, str]:
    """The environment this process was started with, secrets included."""
    return {**os.environ, **_concealed}


def conceal_secrets() -> None:
    """Take settings that are or hold a secret out of the environment that others inherit, or see in /proc."""
    held = {name: os.environ[name] for name in _BY_NAME.keys() & os.environ.keys()}
    secret = {name: text for name, text in held.items() if _BY_NAME[name].secret or without_credentials(text) != text}
    _concealed.update(secret)
    for name in secret:
        del os.environ[name]
    secrecy.conceal(secret)


def load(root: Path, environ: Mapping[str, str], fallbacks: Mapping[str, Value]) -> Settings:
    """Settings from the environment, else Makefile.vars in `root`, else `fallbacks`, else the table's defaults.

    A relative ARTIFACT_DIR counts from `root`. Raises UserError for an unknown name or an impossible value.
    """
    file = root / FILE
    try:
        text = read(file, _LARGEST_FILE).decode("utf-8-sig") if file.exists() else ""
    except OSError as problem:
        raise UserError(f"{FILE}: {problem.strerror}", "it holds settings, a line each") from None
    except UnicodeDecodeError as problem:
        raise UserError(f"{FILE} is not UTF-8: {problem}", "save it as UTF-8") from None
    names = {spelling: setting.name for spelling, setting in _BY_NAME.items()}
    assignments = makefile_vars.parse(text, FILE, names)
    given = _given(environ)
    resolving: list[str] = []

    @functools.cache
    def value_of(name: str) -> Value:
        setting = _BY_NAME[name]
        if setting.name in given:
            return given[setting.name]
        assignment = assignments.get(setting.name)
        if assignment is None or not assignment.text:
            return fallbacks.get(setting.name, Value(setting.default, "default"))
        where = f"{FILE}:{assignment.line}"
        if setting.name in resolving:
            raise UserError(f"{where}: {setting.name} refers to itself", "write its value out")
        resolving.append(setting.name)
        expanded = makefile_vars.expand(assignment.text, where, _BY_NAME.keys(), lambda other: value_of(other).text)
        resolving.remove(setting.name)
        return Value(expanded, where)

    values = {setting.name: value_of(setting.name) for setting in SETTINGS}
    parsed = {setting.field: _parsed(setting, values[setting.name]) for setting in SETTINGS}
    parsed["artifact_dir"] = root / str(parsed["artifact_dir"])
    return Settings(**parsed, values=values)  # type: ignore[arg-type]  # the table and the fields agree by test


def _given(environ: Mapping[str, str]) -> dict[str, Value]:
    """The settings the environment gives; the spelling with the prefix wins, an empty value gives nothing."""
    given: dict[str, Value] = {}
    plain = {setting.name for setting in SETTINGS}
    for name, text in sorted(environ.items(), key=lambda item: item[0] not in plain):
        setting = _BY_NAME.get(name)
        if setting is None and name.startswith(PREFIX):
            hint = f"unset it, or {makefile_vars.nearest(name, _BY_NAME.keys())}"
            raise UserError(f"environment: {name} is not a setting", hint)
        if setting and text:
            given[setting.name] = Value(text, "environment")
    return given


def _parsed(setting: Setting, value: Value) -> object:
    try:
        return setting.parse(one_line(value.text))
    except ValueError as problem:
        # Where the text is wrong, so may be the place where its password ends.
        shown = repr(re.sub(r"://.*@", "://****@", value.text, flags=re.DOTALL))
        text = "****" if setting.secret else shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"
        raise UserError(f"{setting.name}={text} ({value.origin}): {problem}") from None
