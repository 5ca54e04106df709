# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "cvss>=3.6",
#   "cryptography>=46",
#   "docker>=7.1",
#   "filelock>=3.20.3",  # follows no link
#   "jinja2>=3.1",
#   "nox>=2025.2.9",
#   "packaging>=26.4",
#   "python-debian>=1",
#   "requests>=2.32",
#   "semver>=3.0.4",
#   "tenacity>=9",
#   "tomlkit>=0.13",
#   "tqdm>=4.66",
#   "trustme>=1.2",
#   "urllib3>=2.3",
#   # Exactly: these run inside the builds, and so are part of their keys.
#   "boolean-py==5.0",
#   "cyclonedx-python-lib==11.12.0",
#   "defusedxml==0.7.1",
#   "license-expression==30.4.4",
#   "packageurl-python==0.17.6",
#   "py-serializable==2.2.0",
#   "pyelftools==0.33",
#   "sortedcontainers==2.4.0",
#   "typing-extensions==4.16.0",
# ]
# ///
"""The sessions. `nox` prints the settings, `nox -s help` the sessions; README.md and docs/settings.md explain them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import nox

# Nox does not put the noxfile's folder on the path.
sys.path.insert(0, str(Path(__file__).parent))

from builder.sessions import (
    audit,
    build,
    builder_lock,
    bump,
    compare,
    every,
    locks,
    prove,
    remove,
    share,
    show,
    verify,
)
from builder.sessions.opening import SessionFailed
from builder.targets import Arch, Format, Target, Variant

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["settings"]

BUILDING, TESTING, CACHE, CLEANUP, MISC = "building", "testing", "cache", "cleanup", "misc"
PURPOSES: dict[str, list[tuple[str, str]]] = {BUILDING: [], TESTING: [], CACHE: [], CLEANUP: [], MISC: []}
# What the contributors' sessions need, the suite's own dependencies included.
LOCKED = ("--quiet", "--no-input", "--require-hashes", "--only-binary=:all:", "-r", "tests/requirements.txt")
UV = (*LOCKED[:-1], "builder/sources/uv.txt")


@contextmanager
def one_message(session: nox.Session) -> Iterator[None]:
    """What a user can understand ends a session with that message, and no traceback."""
    try:
        yield
    except SessionFailed as failure:
        print(f"\nerror: {failure}\n", file=sys.stderr)
        session.error()


def with_arguments(name: str, group: str, purpose: str, action: Callable[[list[str]], None], *tags: str) -> None:
    """Register a session that takes the arguments after `--`."""

    def run(session: nox.Session) -> None:
        with one_message(session):
            action(session.posargs)

    run.__doc__ = purpose
    PURPOSES[group].append((name, purpose))
    nox.session(name=name, tags=[group, *tags], venv_backend="none", default=False)(run)


def plain(name: str, group: str, action: Callable[[], None]) -> None:
    """Register a session that needs no arguments. The first sentence of the action's docstring is its purpose."""
    with_arguments(name, group, first_sentence(action), lambda args: action())


def for_each_arch(name: str, group: str, purpose: str, action: Callable[[Arch, list[str]], None], *tags: str) -> None:
    """Register a session for this machine's own architecture, and again for each one by name, which gets the tags."""
    with_arguments(name, group, purpose, lambda args: action(Arch.native(), args))
    for arch in Arch:
        named = f"{name}-{arch.suffix}"
        with_arguments(named, group, f"{purpose} for {arch.value}", partial(action, arch), arch.value, *tags)


def for_variant(variant: Variant) -> None:
    """Register what there is for a variant: build, package, prove and run it; the proofs make the matrix of CI."""
    end, it = variant.package_suffix, THE[variant]

    def run(arch: Arch, args: list[str]) -> None:
        code = prove.run(Target(variant, arch), args)
        if code:
            sys.exit(code)  # nox ends with the exit code of the command

    def tarball(arch: Arch, args: list[str]) -> None:
        build.tarball(Target(variant, arch))

    def deb(arch: Arch, args: list[str]) -> None:
        build.deb(Target(variant, arch))

    def proof(form: Format, arch: Arch, args: list[str]) -> None:
        prove.test(Target(variant, arch), form)

    def matrix(form: Format) -> tuple[str, ...]:
        return "matrix", form.value, variant.value

    for_each_arch(variant.value, BUILDING, BUILD[variant], tarball)
    for_each_arch(f"deb{end}", BUILDING, f"Build the Debian package of {it}", deb)
    tar_proof, deb_proof = partial(proof, Format.TAR), partial(proof, Format.DEB)
    for_each_arch(f"test{end}", TESTING, f"Prove {it} on fresh systems", tar_proof, *matrix(Format.TAR))
    for_each_arch(f"test-deb{end}", TESTING, f"Prove the Debian package of {it}", deb_proof, *matrix(Format.DEB))
    for_each_arch(f"run{end}", TESTING, f"Open a prompt where {it} is installed, or run the command after --", run)


def first_sentence(function: Callable[..., None]) -> str:
    """What a docstring begins with."""
    return re.split(r"[.;]( |\n|$)", function.__doc__ or "")[0]


THE = {Variant.RUNTIME: "the runtime", Variant.RUNTIME_DEV: "runtime-dev"}
BUILD = {Variant.RUNTIME: "Build the runtime", Variant.RUNTIME_DEV: "Build the runtime, and add the development recipe"}
for each in Variant:
    for_variant(each)
for_each_arch(
    "builder-image", BUILDING, first_sentence(build.builder_image), lambda arch, args: build.builder_image(arch)
)
plain("train", BUILDING, build.train)
plain("builder-lock", BUILDING, builder_lock.renew)
plain("all", BUILDING, every.build_all)
plain("test-all", TESTING, every.test_all)
plain("upload-cache", CACHE, share.upload_cache)
plain("cache-check", CACHE, share.check_cache)
plain("clean", CLEANUP, remove.clean)
plain("clobber", CLEANUP, remove.clobber)
plain("settings", MISC, show.settings)
plain("env", MISC, show.environment)
plain("pins", MISC, show.pins)
with_arguments("bump", MISC, first_sentence(bump.renew), bump.renew)
with_arguments("audit", MISC, first_sentence(audit.look), audit.look)
with_arguments("diff", MISC, first_sentence(compare.differ), compare.differ)
with_arguments("verify", MISC, first_sentence(verify.check), verify.check)
with_arguments("help", MISC, "Print the sessions in their groups", lambda args: show.sessions(PURPOSES))


@nox.session(tags=[BUILDING], venv_backend="virtualenv", default=False)
def lock(session: nox.Session) -> None:
    """Lock what each recipe's requirements resolve to, for every architecture. `-- --help` names the arguments."""
    session.install(*UV)
    with one_message(session):
        locks.renew(session.posargs, Path(session.bin) / "uv")


@nox.session(tags=[TESTING], venv_backend="virtualenv", default=False)
def tests(session: nox.Session) -> None:
    """Run every test this machine can, and say which were left out. Arguments after -- go to pytest."""
    session.install(*LOCKED)
    if any(not one.startswith("-") for one in session.posargs):  # some of the tests
        session.run("pytest", *session.posargs)
        return
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "--numprocesses=auto", "tests/unit", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")
    session.run("pytest", "tests/integration", "tests/artifact", *session.posargs)


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
    """Measure the runtime's speed next to other builds of Python. Arguments after -- go to benchmarks/."""
    session.install(*LOCKED)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(tags=[TESTING], venv_backend="virtualenv", default=False)
def requirements(session: nox.Session) -> None:
    """Renew requirements.txt and tests/requirements.txt from what they are made of. Arguments after -- go to uv."""
    session.install(*UV)
    # Every wheel of a release, for whichever Python and machine; a source would be compiled with what no lock names.
    options = ("--universal", "--python-version=3.11", "--only-binary=:all:", "--generate-hashes", *session.posargs)
    compiled = ("uv", "pip", "compile", "--quiet", *options, "--custom-compile-command=./nox -s requirements")
    session.run(*compiled, "noxfile.py", "--output-file=requirements.txt")
    sources = ("noxfile.py", "tests/requirements.in", "--constraints=requirements.txt")
    session.run(*compiled, *sources, "--output-file=tests/requirements.txt")


for group, one in ((BUILDING, lock), *((TESTING, each) for each in (tests, lint, bench, requirements))):
    PURPOSES[group].append((str(one.name), first_sentence(one.func)))
