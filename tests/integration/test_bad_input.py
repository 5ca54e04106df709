"""Bad input, each with one clear message and no artifact."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import Checkout
from tests.support.container import containers_of
from tests.support.default_python import SHA256, VERSION
from tests.support.patches import MISFIT

pytestmark = pytest.mark.needs("docker")

RUNTIME = "recipes/runtime"


def test_an_unknown_setting_is_named_with_its_line_and_the_nearest_name(spoiled: Checkout) -> None:
    spoiled.write("Makefile.vars", "# mine\nPYTHN_VERSION = 3.13.5\n")
    text = spoiled.nox("runtime").fails()
    assert "Makefile.vars:2: PYTHN_VERSION is not a setting" in text
    assert "did you mean PYTHON_VERSION?" in text
    assert spoiled.artifacts() == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (f"{RUNTIME}/requirements/20-x.txt", "no-such-package-of-ours==1\n", "no-such-package-of-ours"),
        (f"{RUNTIME}/requirements/20-x.txt", "pydantic==2.13.0\n", "conflict"),
        (f"{RUNTIME}/post-patch/30-misfit.patch", MISFIT, "step 'post-patch 30-misfit.patch' failed"),
        (
            f"{RUNTIME}/pre-patch/30-misfit.patch",
            MISFIT,
            "pre-patch/30-misfit.patch' failed",
        ),
        (f"{RUNTIME}/scripts/10-fails", "#!/bin/sh\necho out of tea\nexit 3\n", "out of tea"),
        (f"{RUNTIME}/checks/20-fails.py", "raise SystemExit('no milk')\n", "no milk"),
    ],
)
def test_a_recipe_that_fails_names_the_culprit_shows_its_last_lines_and_its_log(
    spoiled: Checkout, name: str, content: str, said: str
) -> None:
    if "requirements" in name:
        spoiled.unlock()
    spoiled.write(name, content)
    text = spoiled.nox("runtime").fails()
    assert said in text
    assert Path(name).name in text
    assert "full log: " in text
    assert "→" in text
    assert spoiled.artifacts() == []


def test_an_impossible_python_version_is_refused(spoiled: Checkout) -> None:
    text = spoiled.nox("runtime", PYTHON_VERSION="3.13.99").fails()
    assert "PYTHON_VERSION=3.13.99: neither python-build nor recipes/pins.toml knows it" in text
    assert spoiled.artifacts() == []


def test_a_source_with_a_wrong_digest_is_refused_with_every_place_that_was_tried(
    spoiled: Checkout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mirror = tmp_path_factory.mktemp("mirror")
    (mirror / f"Python-{VERSION}.tar.xz").write_bytes(b"not what you think")
    pins = (spoiled.root / "recipes" / "pins.toml").read_text()
    assert SHA256 in pins
    spoiled.write("recipes/pins.toml", pins.replace(SHA256, f"000000{SHA256[6:]}"))
    text = spoiled.nox("runtime", SOURCE_MIRROR=str(mirror)).fails()
    assert f"no place has Python-{VERSION}.tar.xz with sha256 000000" in text
    assert f"{mirror}/Python-{VERSION}.tar.xz: wrong digest" in text
    assert "copy the file to" in text
    assert spoiled.artifacts() == []


@pytest.fixture
def tiny_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("tiny")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.needs("root")
def test_a_full_disk_is_recognised_and_leaves_no_artifact(spoiled: Checkout, tiny_disk: Path) -> None:
    text = spoiled.nox("runtime", ARTIFACT_DIR=str(tiny_disk)).fails()
    assert "No space left on device" in text
    assert "free some space" in text
    assert [path.name for path in tiny_disk.iterdir() if path.is_file()] == []


def test_an_interrupted_build_leaves_nothing_behind_and_the_next_one_continues(spoiled: Checkout) -> None:
    spoiled.write(f"{RUNTIME}/scripts/10-waits", "#!/bin/sh\nsleep 600\n")
    process = spoiled.start("runtime")
    log = spoiled.out / "logs" / "runtime-amd64.log"
    deadline = time.monotonic() + 120
    while "=== script 10-waits" not in (log.read_text() if log.exists() else ""):
        assert time.monotonic() < deadline, "the script never started"
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in text
    assert "interrupted" in text.lower()
    assert spoiled.artifacts() == []
    assert containers_of([process.pid]) == []

    spoiled.write(f"{RUNTIME}/scripts/10-waits", "#!/bin/sh\n")
    assert "interpreter: from the cache" in spoiled.nox("runtime").succeeds()
