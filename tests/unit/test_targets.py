"""Every spelling of the architectures and variants."""

from __future__ import annotations

import platform

import pytest

from builder.targets import Arch, Target, Variant


@pytest.mark.parametrize(
    ("spelling", "arch"),
    [
        ("amd64", Arch.AMD64),
        ("x86_64", Arch.AMD64),
        ("x86", Arch.AMD64),
        ("AMD64", Arch.AMD64),
        ("arm64", Arch.ARM64),
        ("aarch64", Arch.ARM64),
        ("arm", Arch.ARM64),
        ("ARM64", Arch.ARM64),
    ],
)
def test_each_common_spelling_of_an_architecture_is_read(spelling: str, arch: Arch) -> None:
    assert Arch.of(spelling) is arch


@pytest.mark.parametrize("spelling", ["", "riscv64", "armv7l", "i686", "linux/amd64"])
def test_an_unknown_architecture_is_refused_by_name(spelling: str) -> None:
    with pytest.raises(ValueError, match=f"'{spelling}'"):
        Arch.of(spelling)


@pytest.mark.parametrize(
    ("arch", "suffix", "docker", "machine"),
    [(Arch.AMD64, "x86", "linux/amd64", "x86_64"), (Arch.ARM64, "arm", "linux/arm64", "aarch64")],
)
def test_each_tool_gets_its_own_spelling(arch: Arch, suffix: str, docker: str, machine: str) -> None:
    assert (arch.suffix, arch.platform, arch.machine) == (suffix, docker, machine)


@pytest.mark.parametrize(("machine", "arch"), [("x86_64", Arch.AMD64), ("arm64", Arch.ARM64)])
def test_the_native_architecture_is_what_this_machine_says(
    monkeypatch: pytest.MonkeyPatch, machine: str, arch: Arch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert Arch.native() is arch


@pytest.mark.parametrize(
    ("variant", "arch", "name"),
    [
        (Variant.RUNTIME, Arch.AMD64, "prt_v0_amd64.tgz"),
        (Variant.RUNTIME, Arch.ARM64, "prt_v0_arm64.tgz"),
        (Variant.RUNTIME_DEV, Arch.AMD64, "prt-dev_v0_amd64.tgz"),
        (Variant.RUNTIME_DEV, Arch.ARM64, "prt-dev_v0_arm64.tgz"),
    ],
)
def test_an_artifact_is_named_for_variant_version_and_architecture(variant: Variant, arch: Arch, name: str) -> None:
    assert Target(variant, arch).artifact("prt", "v0", "tgz") == name


@pytest.mark.parametrize(("variant", "folder"), [(Variant.RUNTIME, "runtime"), (Variant.RUNTIME_DEV, "dev")])
def test_each_variant_has_a_recipe_folder(variant: Variant, folder: str) -> None:
    assert variant.recipe_folder == folder


def test_a_target_is_shown_as_its_session_and_architecture() -> None:
    assert str(Target(Variant.RUNTIME_DEV, Arch.ARM64)) == "runtime-dev arm64"
