"""The toolchain: what is missing is named with the line that installs it, and the fingerprint is stable."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pytest

from builder.engines import toolchain
from builder.engines.base import Workplace
from builder.engines.host import HostEngine, HostWorkplace
from builder.errors import UserError
from builder.stages.stage import WORK
from builder.targets import Arch
from tests.support.factories import NO_NETWORK
from tests.support.recorder import Answer, RecordingWorkplace

PYTHON = "3.13.5"

real = pytest.mark.needs("cc", "ld", "ldd")


def workplace(folder: Path) -> HostWorkplace:
    """A workplace with the compiler of this machine."""
    for name in ("home", "tmp"):
        (folder / name).mkdir(parents=True)
    return HostWorkplace(PurePosixPath("/prt"), folder, NO_NETWORK)


def answering(**lines: str) -> RecordingWorkplace:
    """A workplace whose programs print this, by their name; `source` is what the preprocessor prints."""
    steps = {"source": "cc -E", "tclsh": f"tclsh {WORK}/version.tcl", "dpkg_query": "dpkg-query"}
    return RecordingWorkplace({
        steps.get(name, f"{name.replace('__', '-')} --version"): Answer(lines=tuple(text.splitlines()))
        for name, text in lines.items()
    })  # fmt: skip


def in_place(place: Workplace, python: str = PYTHON) -> str:
    return toolchain.fingerprint(place, "this machine", toolchain.PROGRAMS, python=python)


@real
def test_the_fingerprint_of_one_machine_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "HEADERS", {"stdlib.h": "libc6-dev", "limits.h": "libc6-dev"})
    one, two = (in_place(workplace(tmp_path / name)) for name in ("one", "another"))
    assert one == two
    assert len(one) == 64


@real
def test_a_header_counts_in_the_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for header in ("stdlib.h", "math.h"):
        monkeypatch.setattr(toolchain, "HEADERS", {header: "libc6-dev"})
        found.append(in_place(workplace(tmp_path / header)))
    assert found[0] != found[1]


@real
def test_missing_headers_are_named_as_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"stdlib.h": "libc6-dev", "no/such-a.h": "libnone-dev", "other.h": "another-dev"}
    monkeypatch.setattr(toolchain, "HEADERS", headers)
    with pytest.raises(UserError) as problem:
        in_place(workplace(tmp_path))
    assert problem.value.message == "this machine lacks no/such-a.h, other.h"
    assert problem.value.hint == "apt-get install another-dev libnone-dev"


@real
def test_where_packages_are_installed_no_header_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "HEADERS", {"no/such.h": "libnone-dev"})
    engine = HostEngine(PurePosixPath("/prt"), tmp_path / "scratch", NO_NETWORK)
    assert engine.surroundings(Arch.native()) == engine.surroundings(Arch.native())
    with pytest.raises(UserError, match=r"this machine lacks no/such\.h"):
        engine.toolchain(Arch.native(), PYTHON, compiles=False)


def test_a_missing_header_is_named_without_the_blanks_a_preprocessor_may_add(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "HEADERS", {"no/such.h": "libnone-dev"})
    with pytest.raises(UserError) as problem:
        in_place(answering(source="prt_missing no / such . h"))
    assert str(problem.value) == "this machine lacks no/such.h\n  → apt-get install libnone-dev"


@pytest.mark.parametrize(("python", "asked"), [("3.13", False), ("3.13.5t", False), ("3.14", True), ("3.15.0a1", True)])
def test_a_header_is_asked_for_only_if_that_version_of_python_has_the_module(python: str, asked: bool) -> None:
    place = RecordingWorkplace({})
    in_place(place, python)
    source = place.items["toolchain.c"].content
    assert isinstance(source, bytes)
    assert (b"zstd.h" in source, b"zlib.h" in source) == (asked, True)


def test_zstd_that_is_missing_is_named_for_a_version_that_has_it() -> None:
    with pytest.raises(UserError) as problem:
        in_place(answering(source="prt_missing zstd . h"), "3.14.7")
    assert str(problem.value) == "this machine lacks zstd.h\n  → apt-get install libzstd-dev"


@pytest.mark.parametrize("program", [*toolchain.PROGRAMS, "ldd", "source"])
def test_in_place_the_fingerprint_changes_with_what_any_program_prints(program: str) -> None:
    assert in_place(answering(**{program: "1.0"})) == in_place(answering(**{program: "1.0"}))
    assert in_place(answering(**{program: "1.0"})) != in_place(answering(**{program: "1.1"}))


@pytest.mark.parametrize("program", toolchain.CROSS_PROGRAMS)
def test_across_the_fingerprint_changes_with_the_version_of_any_program(program: str) -> None:
    def found(version: str) -> str:
        place = answering(**{program: version})
        return toolchain.fingerprint(place, "this machine", toolchain.CROSS_PROGRAMS)

    assert found("1.0") == found("1.0") != found("1.1")


def test_of_an_image_every_package_counts_in_whatever_order_they_are_listed() -> None:
    def found(listed: str) -> str:
        place = answering(dpkg_query=listed)
        fingerprint = toolchain.fingerprint(place, "the image", toolchain.CROSS_PROGRAMS, packages=True)
        assert [step.args[0] for step in place.steps] == ["dpkg-query"]
        return fingerprint

    assert found("autoconf 2.71-3\nperl 5.36.0-7") == found("perl 5.36.0-7\nautoconf 2.71-3")
    assert len({found(f"autoconf 2.71-3\n{other}") for other in ("", "perl 5.36.0-7", "perl 5.36.0-8")}) == 3


def test_of_an_image_whose_packages_nobody_lists_the_programs_count() -> None:
    def found(version: str) -> str:
        place = answering(make=version)
        place.answers.update({"dpkg-query": Answer(127), "rpm": Answer(127)})
        return toolchain.fingerprint(place, "the image", toolchain.PROGRAMS, packages=True)

    assert found("4.3") == found("4.3") != found("4.4")


@pytest.mark.parametrize(
    ("program", "programs", "packages"),
    [
        ("cc", toolchain.PROGRAMS, "build-essential"),
        ("clang-19", toolchain.CROSS_PROGRAMS, "$(grep -v '#' recipes/builder/compiler.txt)"),
    ],
)
def test_a_compiler_that_fails_is_a_problem_of_the_machine(
    program: str, programs: Iterable[str], packages: str
) -> None:
    place = RecordingWorkplace({f"{program} --version": Answer(127, (f"{program}: broken",))})
    with pytest.raises(UserError) as problem:
        toolchain.fingerprint(place, "the builder image", programs)
    assert problem.value.message == f"the builder image: {program} --version failed:\n{program}: broken"
    assert problem.value.hint == f"apt-get install {packages}"


@pytest.mark.parametrize(("program", "package"), sorted(toolchain.PROGRAMS.items()))
def test_a_missing_program_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, package: str
) -> None:
    for name in toolchain.PROGRAMS.keys() - {program}:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError) as problem:
        HostEngine(PurePosixPath("/prt"), tmp_path / "scratch", NO_NETWORK).toolchain(
            Arch.native(), PYTHON, compiles=False
        )
    assert str(problem.value) == f"this machine lacks {program}\n  → apt-get install {package}"


def test_several_missing_programs_are_one_line_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError) as problem:
        HostEngine(PurePosixPath("/prt"), tmp_path / "scratch", NO_NETWORK).toolchain(
            Arch.native(), PYTHON, compiles=False
        )
    assert problem.value.hint.split() == ["apt-get", "install", *sorted({*toolchain.PROGRAMS.values()})]


@pytest.mark.parametrize("absent", [None, *toolchain.CROSS_PROGRAMS])
@pytest.mark.parametrize("arch", Arch)
def test_the_host_crosses_where_every_program_for_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str | None, arch: Arch
) -> None:
    for name in {*toolchain.CROSS_PROGRAMS} - {absent}:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert HostEngine(PurePosixPath("/prt"), tmp_path / "scratch", NO_NETWORK).crosses(arch) is (absent is None)
