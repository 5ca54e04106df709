"""The compiler of a target: wrappers that name it, hardening of its own, and a build machine that is never it."""

from __future__ import annotations

import os
import subprocess
from itertools import product
from pathlib import Path

import pytest

from builder.stages.interpreter.compiler import CrossCompiler, llvm, other_name
from builder.stages.stage import WORK
from builder.targets import Arch
from tests.support.factories import sysroot

TRIPLES = {Arch.AMD64: "x86_64-linux-gnu", Arch.ARM64: "aarch64-linux-gnu"}
MINE = {Arch.AMD64: "-fcf-protection", Arch.ARM64: "-mbranch-protection=standard"}
each_arch = pytest.mark.parametrize("arch", Arch)


def target(arch: Arch) -> CrossCompiler:
    """The target of an architecture."""
    return CrossCompiler(arch, sysroot(arch))


def tools(arch: Arch, folder: Path) -> Path:
    """The wrappers as a build lays them out, with programs that print what they are called with."""
    for file in target(arch).files:
        if isinstance(file.content, bytes):
            assert file.executable, file.name
            path = folder / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
            path.chmod(0o755)
    for name in ("clang-19", "clang++-19"):
        (folder / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (folder / name).chmod(0o755)
    return folder / "tools"


def called(tool: Path, *args: str) -> list[str]:
    """What a wrapper calls."""
    path = f"{tool.parents[1]}:{os.environ['PATH']}"
    done = subprocess.run([tool, *args], env={"PATH": path}, capture_output=True, text=True, check=True)
    return done.stdout.split()


@each_arch
def test_the_name_of_the_compiler_says_clang_and_the_triple(arch: Arch) -> None:
    name = target(arch).compiler.rpartition("/")[2]
    assert name == f"{TRIPLES[arch]}-clang"
    assert target(arch).env["CC"] == target(arch).compiler
    assert target(arch).env["CXX"] == f"{target(arch).compiler}++"


@each_arch
@pytest.mark.parametrize("program", ["clang", "clang++"])
def test_a_wrapper_compiles_for_the_target_with_its_sysroot(tmp_path: Path, arch: Arch, program: str) -> None:
    folder = tools(arch, tmp_path)
    first, *args = called(folder / f"{TRIPLES[arch]}-{program}", "-c", "a.c")
    assert first == f"{program}-19"
    assert f"--target={TRIPLES[arch]}" in args
    (option,) = (arg for arg in args if arg.startswith("--sysroot="))
    assert Path(option.removeprefix("--sysroot=")).resolve() == tmp_path / "sysroot"
    assert args[-2:] == ["-c", "a.c"]


@pytest.mark.parametrize(("output", "quick"), [("Programs/_testembed", True), ("python", False)])
def test_only_the_test_program_is_linked_without_optimising(tmp_path: Path, output: str, quick: bool) -> None:
    args = called(tools(Arch.AMD64, tmp_path) / f"{TRIPLES[Arch.AMD64]}-clang", "-o", output, "a.o")
    assert ("-Wl,--lto-O0,--lto-CGO0" in args) is quick


@each_arch
def test_the_wrapper_for_the_build_machine_knows_no_target(tmp_path: Path, arch: Arch) -> None:
    assert called(tools(arch, tmp_path) / "build-clang", "a.c") == ["clang-19", "-fuse-ld=lld", "a.c"]


@each_arch
def test_hardening_is_that_of_the_architecture(arch: Arch) -> None:
    other = next(one for one in Arch if one is not arch)
    assert MINE[arch] in target(arch).hardening
    assert MINE[other] not in target(arch).hardening


@each_arch
def test_libraries_and_interpreter_are_hardened_alike(arch: Arch) -> None:
    assert {*target(arch).hardening} <= {*target(arch).library_flags.split()}
    assert {*target(arch).hardening} <= {*target(arch).interpreter_flags}


@each_arch
def test_the_symbols_of_a_library_are_hidden(arch: Arch) -> None:
    assert {"-fPIC", "-fvisibility=hidden"} <= {*target(arch).library_flags.split()}


@each_arch
def test_no_path_of_the_build_machine_is_compiled_in(arch: Arch) -> None:
    folders = [f"{WORK}/deps", f"{WORK}/build"]
    # The interpreter alone has debug symbols, which name headers of other folders.
    for flags, expected in (
        (target(arch).library_flags.split(), folders),
        (target(arch).interpreter_flags, [WORK, *folders]),
    ):
        mapped = [flag.partition("=")[2] for flag in flags if flag.startswith("-ffile-prefix-map=")]
        assert [path.partition("=")[0] for path in mapped] == expected
        assert not any(WORK in path.partition("=")[2] for path in mapped)


@pytest.mark.parametrize(("builds_on", "arch"), [*product(Arch, Arch)])
def test_the_build_machine_is_never_named_as_a_target(builds_on: Arch, arch: Arch) -> None:
    assert other_name(builds_on) != target(arch).triple


@each_arch
def test_every_tool_is_of_the_compiler_s_version(arch: Arch) -> None:
    named = {name: tool for name, tool in target(arch).env.items() if name not in ("CC", "CXX")}
    assert named == {name: llvm(name.lower()) for name in ("AR", "RANLIB", "NM", "STRIP", "OBJDUMP", "READELF")}
    assert all(tool.endswith("-19") for tool in named.values())
