"""What a proof is made of: how a package is installed, what is checked then, and what of it needs a network."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from builder.proof import package
from builder.proof.proof import PACKAGE, Proof
from builder.stages.stage import WORK, Step
from builder.targets import Arch, Target, Variant
from tests.support.factories import recipes, settings

PAGE = Path(__file__).parents[3] / "docs" / "proof.md"
RUNTIME = Target(Variant.RUNTIME, Arch.ARM64)
DEV = Target(Variant.RUNTIME_DEV, Arch.ARM64)
BOTH = tuple(recipes().values())
EVERYWHERE = [
    "manifest", "doctor", "ELF files", "standard library", "TLS", "SQLite", "virtual environment", "pip check",
    "pip install, uninstall", "recipes/runtime/checks/10-web.py",
]  # fmt: skip
MOVED = [
    "move it", "moved: places", "moved: standard library", "moved: pip check",
    "moved: recipes/runtime/checks/10-web.py", "moved: doctor",
]  # fmt: skip


def names(steps: tuple[Step, ...]) -> list[str]:
    return [step.name for step in steps]


def step(proof: Proof, name: str) -> Step:
    (found,) = (one for one in proof.checks if one.name == name)
    return found


def test_an_archive_is_unpacked_as_the_readme_says_and_checked(tmp_path: Path) -> None:
    proof = package.tarball(RUNTIME, settings(tmp_path, PRT_ROOT="/srv/py"), BOTH[:1])
    assert [one.args[0] for one in proof.install] == ["mkdir", "tar"]
    assert names(proof.checks) == [*EVERYWHERE, *MOVED]
    here = {one.args[0] for one in proof.checks[: len(EVERYWHERE)]}
    assert here == {"/srv/py/bin/python", "/srv/py/bin/prt-doctor"}


def test_an_archive_is_checked_again_in_a_folder_that_no_first_line_of_a_script_could_name(tmp_path: Path) -> None:
    proof = package.tarball(RUNTIME, settings(tmp_path, PRT_ROOT="/srv/py"), BOTH[:1])
    *_, source, folder = step(proof, "move it").args
    assert source == "/srv/py"
    assert " " in folder
    assert not folder.isascii()
    assert len(folder) > 127
    moved = [one for one in proof.checks if one.name.startswith("moved: ")]
    assert {one.args[0] for one in moved} == {f"{folder}/bin/python", f"{folder}/bin/prt-doctor"}
    assert step(proof, "moved: recipes/runtime/checks/10-web.py").env["PRT_ROOT"] == folder


def test_the_development_variant_answers_for_both_recipes(tmp_path: Path) -> None:
    proof = package.tarball(DEV, settings(tmp_path), BOTH)
    own = "recipes/dev/checks/10-tools.py"
    assert names(proof.checks) == [*EVERYWHERE, own, *MOVED[:-1], f"moved: {own}", MOVED[-1]]
    assert step(proof, "recipes/runtime/checks/10-web.py").env["PRT_VARIANT"] == "runtime"
    assert step(proof, "recipes/dev/checks/10-tools.py").env["PRT_VARIANT"] == "runtime-dev"
    content = {file.name: file.content for file in proof.files}
    assert content["checks/runtime/10-web.py"] == b"import fastapi\n"
    assert content["constraints.txt"] == b"fastapi<1\n\npytest<10\n"


def test_the_manifest_must_say_what_was_asked_for(tmp_path: Path) -> None:
    proof = package.tarball(DEV, settings(tmp_path, PACKAGE_VERSION="v7", PRT_ROOT="/srv/py"), BOTH)
    assert {"arch=arm64", "variant=runtime-dev", "prt_root=/srv/py", "runtime_version=v7"} < {
        *step(proof, "manifest").args
    }


def test_the_page_has_a_row_for_each_check() -> None:
    rows = [row.strip("`") for row in re.findall(r"^\| ([^|]+?) \|", PAGE.read_text(), re.MULTILINE)]
    every = [name.partition(": ")[0] for name in (*EVERYWHERE, *MOVED[1:])]
    assert [name for name in every if not any(fnmatch(name, f"{row}/*") or name == row for row in rows)] == []


def test_what_the_recipes_prune_need_not_import(tmp_path: Path) -> None:
    assert step(package.tarball(DEV, settings(tmp_path), BOTH), "standard library").args[-1] == "share/man"


def test_every_program_a_proof_runs_is_brought_along(tmp_path: Path) -> None:
    proof = package.deb(DEV, settings(tmp_path), BOTH)
    brought = {file.name for file in proof.files}
    modules = [one.args[3] for one in proof.checks if one.args[1:3] == ("-B", "-m") and one.args[3] != "pip"]
    assert len(modules) >= len(EVERYWHERE) - 2
    assert {f"{module.replace('.', '/')}.py" for module in modules} <= brought
    assert {"builder/__init__.py", "builder/inside/__init__.py", "builder/inside/proof/__init__.py"} <= brought


@pytest.mark.parametrize("plan", [package.tarball, package.deb])
def test_only_pip_gets_at_the_network(tmp_path: Path, plan: object) -> None:
    assert callable(plan)
    proof = plan(RUNTIME, settings(tmp_path), BOTH[:1])
    assert [one.name for one in (*proof.install, *proof.checks) if one.network] == ["pip install, uninstall"]


def test_a_debian_package_is_installed_checked_removed_and_purged(tmp_path: Path) -> None:
    proof = package.deb(RUNTIME, settings(tmp_path), BOTH[:1])
    assert names(proof.install) == ["list the system's files", "dpkg --install"]
    removal = ["dpkg --remove", "remove leaves nothing", "dpkg --purge", "purge leaves nothing"]
    assert names(proof.checks) == ["package", "system untouched", *EVERYWHERE, *removal]
    assert step(proof, "dpkg --purge").args == ("dpkg", "--purge", "prt")


def test_the_development_package_is_exchanged_for_the_other_and_back(tmp_path: Path) -> None:
    checks = names(package.deb(DEV, settings(tmp_path, PACKAGE_PREFIX="py"), BOTH).checks)
    start = checks.index("install py")
    assert checks[start : start + 4] == ["install py", "py replaces py-dev", "install py-dev", "py-dev replaces py"]


def test_the_distributions_libraries_are_there_before_the_system_is_listed(tmp_path: Path) -> None:
    proof = package.deb(RUNTIME, settings(tmp_path, LIBRARIES="system"), BOTH[:1])
    assert names(proof.install)[:4] == [
        "apt-get update", "apt-get install", "remove the package again", "list the system's files"
    ]  # fmt: skip
    assert proof.install[1].args[-1] == f"{WORK}/{PACKAGE}"
    assert proof.install[1].network


def test_what_the_package_brings_and_what_never_rests_is_not_listed_as_the_systems(tmp_path: Path) -> None:
    listing = package.deb(RUNTIME, settings(tmp_path), BOTH[:1]).install[0].args
    aside = {listing[position + 1] for position, word in enumerate(listing) if word == "-path"}
    assert {WORK, "/proc", "/var/lib/dpkg"} <= aside
    assert not {"/", "/usr", "/etc", "/prt"} & aside
