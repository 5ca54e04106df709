# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "docker>=7.1",
#   "filelock>=3.20.3",  # follows no link
#   "jinja2>=3.1",
#   "nox>=2025.2.9",
#   "packaging>=24.2",
#   "pyelftools==0.33",  # exactly: it runs inside the builds, and so is part of their keys
#   "python-debian>=1",
#   "requests>=2.32",
#   "tenacity>=9",
#   "tqdm>=4.66",
#   "trustme>=1.2",
#   "urllib3>=2.3",
# ]
# ///
"""The sessions. `nox` prints the settings, `nox -s help` the sessions; the README explains both."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nox

# Nox does not put the noxfile's folder on the path.
sys.path.insert(0, str(Path(__file__).parent))

from builder import locking, proving, sessions
from builder.targets import Arch, Format, Target, Variant

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["settings"]

BUILDING, TESTING, CACHE, CLEANUP, MISC = "building", "testing", "cache", "cleanup", "misc"
PURPOSES: dict[str, list[tuple[str, str]]] = {BUILDING: [], TESTING: [], CACHE: [], CLEANUP: [], MISC: []}
# What the contributors' sessions need, the suite's own dependencies included.
LOCKED = ("--quiet", "--require-hashes", "--only-binary=:all:", "-r", "tests/requirements.txt")


def session(name: str, group: str, purpose: str, action: Callable[[], None], *tags: str) -> None:
    """Register a session that needs no arguments."""
    with_arguments(name, group, purpose, lambda args: action(), *tags)


def with_arguments(name: str, group: str, purpose: str, action: Callable[[list[str]], None], *tags: str) -> None:
    """Register a session that takes what stands after `--`."""

    def run(session: nox.Session) -> None:
        try:
            action(session.posargs)
        except sessions.SessionFailed as failure:
            print(f"\nerror: {failure}\n", file=sys.stderr)
            session.error()

    run.__doc__ = purpose
    PURPOSES[group].append((name, purpose))
    nox.session(name=name, tags=[group, *tags], venv_backend="none", default=False)(run)


def for_each_arch(name: str, group: str, purpose: str, action: Callable[[Arch], None], *tags: str) -> None:
    """Register a session for this machine's own architecture, and again for each one by name, which gets the tags."""
    session(name, group, purpose, lambda: action(Arch.native()))
    for arch in Arch:
        named = f"{name}-{arch.suffix}"
        session(named, group, f"{purpose} for {arch.value}", partial(action, arch), arch.value, *tags)


def prove(name: str, purpose: str, variant: Variant, form: Format) -> None:
    """Register a session that proves a package; those of a named architecture make the matrix of CI."""
    tags = ("matrix", form.value, variant.value)
    for_each_arch(name, TESTING, purpose, lambda arch: proving.test(Target(variant, arch), form), *tags)


def run_in_place(name: str, purpose: str, variant: Variant) -> None:
    """Register a `run` session in its three forms; nox ends with the exit code of the command."""

    def act(arch: Arch, args: list[str]) -> None:
        code = proving.run(Target(variant, arch), args)
        if code:
            sys.exit(code)

    with_arguments(name, TESTING, purpose, lambda args: act(Arch.native(), args))
    for arch in Arch:
        with_arguments(f"{name}-{arch.suffix}", TESTING, f"{purpose} for {arch.value}", partial(act, arch), arch.value)


for_each_arch("runtime", BUILDING, "Build the runtime", lambda arch: sessions.build(Target(Variant.RUNTIME, arch)))
for_each_arch(
    "runtime-dev",
    BUILDING,
    "Build the runtime with the development recipe",
    lambda arch: sessions.build(Target(Variant.RUNTIME_DEV, arch)),
)
for_each_arch(
    "deb", BUILDING, "Build its Debian package", lambda arch: sessions.build_deb(Target(Variant.RUNTIME, arch))
)
for_each_arch(
    "deb-dev",
    BUILDING,
    "Build the Debian package of runtime-dev",
    lambda arch: sessions.build_deb(Target(Variant.RUNTIME_DEV, arch)),
)
for_each_arch("builder-image", BUILDING, "Make the builder images", sessions.builder_image)
session("builder-lock", BUILDING, "Pin the Debian packages that builds and proofs run in", locking.renew_builder_locks)
session("all", BUILDING, "Build every package this machine can", proving.build_all)
prove("test", "Prove the runtime on fresh systems", Variant.RUNTIME, Format.TAR)
prove("test-dev", "Prove runtime-dev on fresh systems", Variant.RUNTIME_DEV, Format.TAR)
prove("test-deb", "Prove its Debian package", Variant.RUNTIME, Format.DEB)
prove("test-deb-dev", "Prove the Debian package of runtime-dev", Variant.RUNTIME_DEV, Format.DEB)
session("test-all", TESTING, "Prove every package this machine can", proving.test_all)
run_in_place("run", "A prompt where the runtime is installed, or the command after --", Variant.RUNTIME)
run_in_place("run-dev", "The same with runtime-dev", Variant.RUNTIME_DEV)
session("upload-cache", CACHE, "Publish what the local cache has at CACHE_URL", sessions.upload_cache)
session("cache-check", CACHE, "Try whether the server of CACHE_URL is fit to be the cache", sessions.check_cache)
session("clean", CLEANUP, "Remove the packages", sessions.clean)
session("clobber", CLEANUP, "Remove the packages, the cache, the logs and our images", sessions.clobber)
session("settings", MISC, "Print every setting, its value and where it came from (default)", sessions.show_settings)
session("env", MISC, "Print NAME=value lines for eval and env files", sessions.show_environment)
session("pins", MISC, "Print every source that is downloaded, and what newer version Debian has", sessions.show_pins)
session("help", MISC, "Print the sessions in their groups", lambda: sessions.show_help(PURPOSES))


@nox.session(tags=[TESTING], venv_backend="virtualenv", default=False)
def tests(session: nox.Session) -> None:
    """Run every test this machine can, and say which were left out. Arguments after -- go to pytest."""
    session.install(*LOCKED)
    session.run("pytest", *session.posargs)


@nox.session(tags=[TESTING], venv_backend="virtualenv", default=False)
def lint(session: nox.Session) -> None:
    """Check style, types and workflows."""
    session.install(*LOCKED)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("actionlint")


@nox.session(tags=[TESTING], venv_backend="virtualenv", default=False)
def bench(session: nox.Session) -> None:
    """Measure the runtime's speed beside other builds of Python. Arguments after -- go to benchmarks/."""
    session.install(*LOCKED)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(tags=[TESTING], venv_backend="virtualenv", default=False)
def requirements(session: nox.Session) -> None:
    """Renew requirements.txt from the block above, and tests/requirements.txt. Arguments after -- go to uv."""
    session.install("--quiet", "uv==0.13.9")
    # Every wheel of a release, for whichever Python and machine; a source would be compiled with what no lock names.
    options = ("--universal", "--python-version=3.11", "--only-binary=:all:", "--generate-hashes", *session.posargs)
    compiled = ("uv", "pip", "compile", "--quiet", *options, "--custom-compile-command=./nox -s requirements")
    session.run(*compiled, "noxfile.py", "--output-file=requirements.txt")
    sources = ("noxfile.py", "tests/requirements.in", "--constraints=requirements.txt")
    session.run(*compiled, *sources, "--output-file=tests/requirements.txt")


PURPOSES[TESTING] += [
    ("tests", "Run every test this machine can"),
    ("lint", "Check style, types and workflows"),
    ("bench", "Measure the runtime's speed beside other builds of Python"),
    ("requirements", "Renew requirements.txt and tests/requirements.txt"),
]
