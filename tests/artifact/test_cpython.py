"""CPython's own tests, run by the optimised interpreter before anything is pruned. Two hours under emulation."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from builder.targets import Arch
from tests.support.checkout import Checkout, copy_of_this
from tests.support.container import base_image, execute, running
from tests.support.tree import BOTH

pytestmark = pytest.mark.slow

# Debian packages whose programs and data some tests look for, and fail without.
NEEDED = ("gcc", "libc6-dev", "netbase", "tzdata")
# libedit cuts a history file without keeping the line at its top by which it recognises it; GNU readline does not.
BROKEN_BY_LIBEDIT = "*.test_write_read_limited_history"
# Lines of `test  # reason`, and of `module  # what it wants or tests`: the second are all that may skip themselves.
BROKEN_BY_EMULATION = Path(__file__).with_name("broken_by_emulation.txt")
SKIPPED = Path(__file__).with_name("skipped.txt")


@pytest.fixture(scope="module")
def optimized(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout that builds as fleets do: if a compiler goes wrong anywhere, it is with a profile and at link time."""
    return copy_of_this(tmp_path_factory.mktemp("optimized"), ENGINE="docker", OPTIMIZE="1")


def interpreter(checkout: Checkout, arch: Arch) -> Path:
    """The interpreter of an architecture, as the cache has it."""
    cache = checkout.out / "cache" / "v1"
    entries = (json.loads(path.read_text()) for path in (cache / "ac" / "interpreter").glob("*/*.json"))
    (sha256,) = (entry["digest"] for entry in entries if entry["inputs"]["arch"] == arch.value)
    return cache / "cas" / "sha256" / str(sha256)[:2] / str(sha256)


def listed(file: Path) -> list[str]:
    """What a file lists, without the reasons."""
    return [line.partition("#")[0].strip() for line in file.read_text().splitlines()]


def left_out(arch: Arch) -> list[str]:
    """The options that leave out what only the emulator breaks."""
    return [] if arch is Arch.native() else [f"--ignore={name}" for name in listed(BROKEN_BY_EMULATION)]


def skipped(output: str) -> list[str]:
    """The modules that skipped themselves, or were denied what they want, as the end of the output lists them."""
    lists = re.findall(r"^\d+ tests? skipped.*:\n((?: {4}.*\n)+)", output, re.MULTILINE)
    return sorted(name for names in lists for name in names.split())


@pytest.mark.parametrize("arch", BOTH)
def test_none_of_cpythons_own_tests_fails_and_none_but_the_known_are_skipped(optimized: Checkout, arch: Arch) -> None:
    optimized.nox(f"runtime-{arch.suffix}").succeeds()
    with running(base_image(arch), arch) as container:
        execute(container, "apt-get", "update", "--quiet")
        execute(container, "apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *NEEDED)
        execute(container, "mkdir", "/prt")
        container.put_archive("/prt", interpreter(optimized, arch).read_bytes())
        # A user without rights: root passes where a test expects a refusal.
        execute(container, "useradd", "--create-home", "tester")
        execute(container, "chown", "--recursive", "tester", "/prt")
        code, output = container.exec_run(
            ["/prt/bin/python", "-m", "test", "-j0", "--rerun", "--timeout=3600", f"--ignore={BROKEN_BY_LIBEDIT}",
             *left_out(arch)],
            user="tester", workdir="/home/tester", environment={"LANG": "C.UTF-8"},
        )  # fmt: skip
        assert isinstance(output, bytes)
        text = output.decode(errors="replace")
        assert code == 0, text[-5000:]
        assert skipped(text) == sorted(listed(SKIPPED))
