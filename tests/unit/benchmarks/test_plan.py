"""What the benchmarks plan: an honest rival, and one container in which all are measured in the same way."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from benchmarks.measurement import plan_measurement
from benchmarks.others import OTHERS, stock
from benchmarks.suite import SUITE
from builder.stages.interpreter.cpython import CPython
from builder.stages.stage import File, Stage
from builder.targets import Arch
from tests.support.factories import VERSION, python_build


def stage(*others: str, only: tuple[str, ...] = ()) -> Stage:
    return plan_measurement(
        PurePosixPath("/prt"), "prt", [OTHERS[one] for one in others],
        rounds=2, only=only, programs=(File("lib/x.py", b""),),
    )  # fmt: skip


def test_the_suite_covers_every_aspect_with_at_least_twelve_benchmarks_under_names_of_their_own() -> None:
    aspects = {one.aspect for one in SUITE}
    assert {"calls", "numbers", "text", "json", "regex", "pickle", "start-up"} <= aspects
    assert len({one.name for one in SUITE}) == len(SUITE) >= 12


def test_the_rival_is_compiled_as_python_build_does_with_pgo_and_lto_and_none_of_our_flags(tmp_path: Path) -> None:
    made = stock(CPython(VERSION, python_build(tmp_path), (), "a toolchain", Arch.AMD64, "libedit"), Arch.AMD64)
    compile_ = made.steps[0]
    assert compile_.args[-2:] == (VERSION, "/opt/stock")
    assert compile_.env["PYTHON_CONFIGURE_OPTS"] == "--enable-optimizations --with-lto"
    assert not {"CC", "PYTHON_CFLAGS", "CFLAGS_NODIST", "PROFILE_TASK"} & compile_.env.keys()
    assert not made.compiles, "the target's own compiler compiles it"


def test_ours_is_measured_first_and_by_the_same_programs_as_the_others() -> None:
    measure = stage("debian", "stock").steps[-1]
    assert measure.args[:6] == (
        "/prt/bin/python", "-m", "benchmarks.measure",
        "prt=/prt/bin/python", "Debian=/usr/bin/python3", "python-build=/opt/stock/bin/python3",
    )  # fmt: skip
    assert measure.env == {"PYTHONPATH": "{work}/lib"}
    assert "--only" not in measure.args
    assert not measure.network


def test_only_what_is_compared_is_unpacked() -> None:
    assert [step.name for step in stage("debian").steps][:-1] == ["unpack runtime"]
    assert "unpack stock CPython" in [step.name for step in stage("stock").steps]


def test_a_few_benchmarks_can_be_named() -> None:
    assert stage("debian", only=("nbody", "telco")).steps[-1].args[-3:] == ("--only", "nbody", "telco")
