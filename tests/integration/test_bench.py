"""The benchmarks, for real: a single one, one turn of each interpreter."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks import measure, results
from tests.support.checkout import Checkout
from tests.support.default_python import VERSION

# The image whose Python is compared with: Debian 13, from where BASE_IMAGE has Debian 12.
BASE = os.environ.get("BASE_IMAGE", "debian:bookworm-slim").replace("bookworm", "trixie")


@pytest.mark.needs("docker")
def test_the_runtime_is_measured_next_to_debians_in_one_container(docker_checkout: Checkout) -> None:
    arguments = ("--base", BASE, "--against", "debian", "--only", "telco", "--rounds", "1")
    text = docker_checkout.nox("bench", "--", *arguments).succeeds()
    assert "geometric mean" in text
    found = results.read((docker_checkout.out / "bench.json").read_text())
    assert found.ours == "prt"
    assert found.others == ["Debian"]
    assert found.interpreters["prt"].startswith(f"{VERSION}, Clang 19")
    assert found.interpreters["Debian"].startswith("3.13.5, GCC 14")
    # Not optimised, it is no match; but no Python is ten times as fast as another.
    assert 0.1 < found.mean_speed("Debian") < 10
    assert (docker_checkout.out / "bench.svg").read_text().startswith("<svg ")


def test_each_turn_of_each_interpreter_is_measured(tmp_path: Path) -> None:
    output = tmp_path / "measured.json"
    arguments = ("--only", "python_startup", "--rounds", "2", "--output", str(output))
    measure.main([f"one={sys.executable}", f"a=b={sys.executable}", *arguments])
    found = results.read(output.read_text())
    assert {label: len(values) for label, values in found.seconds["python_startup"].items()} == {"one": 6, "a=b": 6}
    assert 0.2 < found.mean_speed("a=b") < 5


def test_an_interpreter_that_fails_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    output = tmp_path / "measured.json"
    with pytest.raises(SystemExit, match=r"/bin/false .*run_benchmark\.py .* failed"):
        measure.main(["broken=/bin/false", "--rounds", "1", "--output", str(output)])
    assert not output.exists()
