"""What a test needs of the machine: where it is missing the test is left out, and the closing list says why.

And the one checkout whose artifacts both the integration and the artifact tests look at: it is built once.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import hypothesis
import pytest

from builder.engines import bubblewrap
from builder.engines.endpoint import Endpoint
from builder.engines.host import HostEngine
from builder.errors import UserError
from builder.inputs.environment import whole_environment
from builder.inputs.network import Network
from builder.targets import Arch
from tests.support.builds import DockerBuilds
from tests.support.checkout import Checkout, copy_of_this
from tests.support.newcomer import Newcomer, newcomers_clone
from tests.support.patches import patched_copy

# How long an example takes says what else the machine does, and nothing of the code.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


_MOST_SHOWN = 4000  # characters of a failure that are shown at once


def _sandbox() -> None:
    reason = bubblewrap.forbidden()
    if reason:
        raise UserError(reason)


def _docker(arch: Arch) -> None:
    Endpoint(whole_environment().get(f"DOCKER_HOST_{arch.value.upper()}", "")).check(arch)


def _host() -> None:
    if Path("/prt").exists():
        raise UserError("/prt exists: the host engine needs it for itself")
    if not os.access("/", os.W_OK):
        raise UserError("this user can't create /prt")
    with tempfile.TemporaryDirectory() as scratch:
        HostEngine(PurePosixPath("/prt"), Path(scratch), Network(None, {}, {})).toolchain(
            Arch.native(), "3.13", compiles=False
        )


def _inspectors() -> None:
    missing = [tool for tool in ("gcc", "readelf", "nm", "scanelf", "checksec") if not shutil.which(tool)]
    if missing:
        raise UserError(f"no {', '.join(missing)}: apt-get install gcc binutils pax-utils checksec")


def _qemu() -> None:
    if not all(shutil.which(f"qemu-{arch.machine}-static") for arch in Arch):
        raise UserError("no qemu-x86_64-static and qemu-aarch64-static: apt-get install qemu-user-static")


def _root() -> None:
    if os.getuid():
        raise UserError("only root may mount a file system")


def _python() -> None:
    probe = "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))"
    if subprocess.run(["/usr/bin/python3", "-c", probe], capture_output=True, check=False).returncode:
        raise UserError("no /usr/bin/python3 of 3.11 or newer that has ensurepip: apt-get install python3-venv")


def _compose() -> None:
    done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if done.returncode:
        raise UserError("no docker compose here")


def _debian() -> None:
    tools = "checkbashisms dpkg-name dpkg-shlibdeps lintian piuparts shellcheck".split()
    absent = [tool for tool in tools if not shutil.which(tool)]
    if absent:
        raise UserError(f"no {', '.join(absent)} here; .ci/run installs them")


def _program(name: str) -> None:
    if not shutil.which(name):
        raise UserError(f"no {name} here")


_NEEDS: dict[str, Callable[[], None]] = {
    "sandbox": _sandbox,
    "docker": lambda: _docker(Arch.native()),
    "debian": _debian,
    "arm64": lambda: _docker(Arch.ARM64),
    "host": _host,
    "inspectors": _inspectors,
    "qemu": _qemu,
    "root": _root,
    "python": _python,
    "compose": _compose,
}


@functools.cache
def _missing(need: str) -> str | None:
    try:
        _NEEDS.get(need, lambda: _program(need))()
    except UserError as problem:
        return str(problem).replace("\n", " ")
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    """An option for machines that must have everything."""
    parser.addoption("--nothing-left-out", action="store_true", help="fail where a test would be left out")
    parser.addoption("--slow", action="store_true", help="run what takes many minutes, too")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line(
        "markers", f"needs(*names): left out on a machine without; names: {', '.join(_NEEDS)}, or a program"
    )
    config.addinivalue_line("markers", "slow: takes minutes; run with --slow only")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave a test out, or fail it, where the machine lacks what it needs."""
    if item.get_closest_marker("slow") and not item.config.getoption("--slow"):
        pytest.skip("slow: run with --slow")
    for need in _needs(item):
        reason = _missing(need)
        if reason and item.config.getoption("--nothing-left-out"):
            pytest.fail(f"nothing may be left out here, but {reason}", pytrace=False)
        if reason:
            pytest.skip(f"needs {need}: {reason}")


def _needs(item: pytest.Item) -> list[str]:
    return [need for marker in item.iter_markers("needs") for need in marker.args]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of arm64 come last: that is built while the others run."""
    items.sort(key=lambda item: "arm64" in _needs(item))


def _wanted(request: pytest.FixtureRequest, need: str) -> bool:
    """Whether a test of this run needs something, and has it."""
    return any(need in _needs(item) for item in request.session.items) and not _missing(need)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Say at once what failed: a run that is cut short never comes to its summary."""
    if report.failed:
        print(
            f"\n{report.nodeid} ({report.when}): {report.longreprtext[-_MOST_SHOWN:]}", file=sys.__stdout__, flush=True
        )


@pytest.fixture(scope="session")
def background() -> Iterator[ThreadPoolExecutor]:
    """Builds that run while tests do: much of a build keeps one processor busy only."""
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture(scope="session")
def host_build(background: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> Future[Checkout]:
    """A build of the runtime by the host engine, begun."""
    checkout = copy_of_this(tmp_path_factory.mktemp("host"), ENGINE="host")
    return background.submit(built, checkout, "runtime")


@pytest.fixture(scope="session")
def host_checkout(host_build: Future[Checkout]) -> Checkout:
    """A checkout in which the host engine has built runtime, with this machine's compiler."""
    return host_build.result()


def built(checkout: Checkout, *sessions: str) -> Checkout:
    """A checkout after sessions that succeed."""
    checkout.nox(*sessions).succeeds()
    return checkout


@pytest.fixture(scope="session")
def docker_builds(
    request: pytest.FixtureRequest, background: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory
) -> DockerBuilds:
    """Builds of a recipe with patches and a script, from what the sandbox compiled, where there is one.

    Both engines make the same bytes from the same keys. The packages, and the build for arm64, are made while others
    use the first.
    """
    checkout = patched_copy(tmp_path_factory.mktemp("docker"))
    if not _missing("sandbox"):
        checkout.take_cache(request.getfixturevalue("newcomer").checkout)
    built(checkout, "runtime-dev")
    asked = {name for item in request.session.items if isinstance(item, pytest.Function) for name in item.fixturenames}
    debs = background.submit(built, checkout, "deb", "deb-dev") if "debs" in asked else None
    if not _wanted(request, "arm64"):
        return DockerBuilds(checkout, debs, None, None)
    arm = patched_copy(tmp_path_factory.mktemp("arm"))
    arm.take_cache(checkout)
    build = background.submit(built, arm, "runtime-arm")
    proof = background.submit(lambda: build.result().nox("test-arm")) if "arm_proof" in asked else None
    return DockerBuilds(checkout, debs, build, proof)


@pytest.fixture(scope="session")
def docker_checkout(docker_builds: DockerBuilds) -> Checkout:
    """The checkout that has runtime-dev, and so runtime as well."""
    return docker_builds.checkout


@pytest.fixture(scope="session")
def arm_checkout(docker_builds: DockerBuilds) -> Checkout:
    """The checkout that has the runtime for arm64, once it is built."""
    assert docker_builds.arm, "a test that needs it is marked so"
    return docker_builds.arm.result()


@pytest.fixture(scope="session")
def newcomer(request: pytest.FixtureRequest) -> Iterator[Newcomer]:
    """A user without rights, in whose clone the README's first command has built the runtime."""
    if _wanted(request, "host"):
        request.getfixturevalue("host_build")
    with newcomers_clone() as newcomer:
        newcomer.nox("-s", "runtime").succeeds()
        yield newcomer
