"""The modules of OpenSSL become one file, by the names CPython gives them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from builder.inputs.pins import Sysroot
from builder.stages.interpreter.compiler import CrossCompiler
from builder.stages.interpreter.cpython import CPython
from builder.stages.interpreter.openssl import one_openssl
from builder.targets import Arch
from tests.support.factories import python_build


def steps(folder: Path, version: str, arch: Arch) -> list[tuple[str, ...]]:
    """The commands, for one version and architecture."""
    cpython = CPython(version, python_build(folder), (), "toolchain", Arch.AMD64, "libedit")
    target = CrossCompiler(arch, Sysroot("bullseye", arch, "2.31", ()))
    return [step.args for step in one_openssl(cpython, target, PurePosixPath("/prt"))]


@pytest.mark.parametrize(
    ("version", "arch", "tag", "folder"),
    [
        ("3.13.5", Arch.AMD64, "cpython-313-x86_64-linux-gnu", "python3.13"),
        ("3.14.0t", Arch.ARM64, "cpython-314t-aarch64-linux-gnu", "python3.14t"),
    ],
)
def test_ssl_is_linked_with_hashlib_inside_and_hashlib_is_a_link_to_it(
    tmp_path: Path, version: str, arch: Arch, tag: str, folder: str
) -> None:
    link, alias = steps(tmp_path, version, arch)
    modules = f"/prt/lib/{folder}/lib-dynload"
    assert link[-2:] == ("-o", f"{modules}/_ssl.{tag}.so")
    assert {name.rpartition("/")[2] for name in link if name.endswith(".o")} == {"_ssl.o", "_hashopenssl.o"}
    assert "-Wl,--exclude-libs,ALL" in link
    assert alias == ("ln", "-sf", f"_ssl.{tag}.so", f"{modules}/_hashlib.{tag}.so")


def test_a_cpython_whose_modules_setup_py_built_is_left_as_it_is(tmp_path: Path) -> None:
    assert steps(tmp_path, "3.11.13", Arch.AMD64) == []
