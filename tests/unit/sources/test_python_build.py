"""What is taken from a python-build: versions, sources, definitions and patches, and where it is found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.errors import BuildError, UserError
from builder.inputs.network import Network
from builder.inputs.pins import PSF, Pins, Source
from builder.sources.python_build import PythonBuild, of_pyenv, pinned
from builder.sources.shelf import SourceShelf
from tests.support.made_debs import deb, file

SCRIPT = '#!/usr/bin/env bash\nPYTHON_BUILD_VERSION="20250610"\nbuild_package_verify_py313() { :; }\n'
SHA = {version: hashlib.sha256(version.encode()).hexdigest() for version in ("3.12.9", "3.13.5", "3.14.0rc1", "3.14.0")}


def url(version: str) -> str:
    return f"https://www.python.org/ftp/python/{version}/Python-{version}.tar.xz"


def definition(version: str) -> str:
    return (
        'install_package "openssl-3.0.16" "https://github.com/openssl-3.0.16.tar.gz#57e0" mac_openssl\n'
        f'install_package "Python-{version}" "{url(version)}#{SHA[version]}" standard verify_py312 ensurepip\n'
    )


DEFINITIONS = {
    "3.12.9": definition("3.12.9"),
    "3.12.9t": "export PYTHON_BUILD_FREE_THREADING=1\nsource ./3.12.9\n",
    "3.14.0rc1": definition("3.14.0rc1"),
    "3.12-dev": "install_git\n",
    "pypy3.10-7.3.19": "install_package\n",
    "2.7.18": "install_package\n",
    "3.9.1": 'install_git "Python-3.9.1" "https://github.com/python/cpython" main standard\n',
}
PATCHES = [f"3.12.9/Python-3.12.9/{name}.patch" for name in ("0005", "0001", "0004", "0002", "0003")]


def pin(version: str, *places: str) -> Source:
    return Source("CPython", version, f"Python-{version}.tar.xz", SHA[version], places or (url(version),), license=PSF)


def pins(*versions: str) -> Pins:
    package = Source("python-build", "2.5.4", "pyenv.deb", "0" * 64, ("https://a/pyenv.deb",))
    return Pins({version: pin(version) for version in versions}, package, {}, ())


def plugin(script: str = SCRIPT) -> dict[str, bytes]:
    """The files of a small python-build."""
    share = "share/python-build"
    texts = {
        "bin/python-build": script,
        **{f"{share}/{name}": text for name, text in DEFINITIONS.items()},
        **{f"{share}/patches/{name}": f"fix {name}" for name in (*PATCHES, "3.9.1/x/0.patch")},
    }
    return {name: text.encode() for name, text in texts.items()}


def pyenv(folder: Path) -> Path:
    """A PYENV_ROOT with that python-build."""
    for name, content in plugin().items():
        path = folder / "plugins" / "python-build" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def ours() -> PythonBuild:
    """A python-build next to pins that know one version more, and one version as well."""
    return PythonBuild(plugin(), pins("3.13.5", "3.14.0rc1"))


def test_the_versions_are_those_of_the_definitions_and_the_pins_each_a_debug_build_too(ours: PythonBuild) -> None:
    releases = ["3.12.9", "3.12.9t", "3.13.5", "3.13.5t", "3.14.0rc1", "3.14.0rc1t", "3.9.1"]
    assert sorted(ours.versions()) == sorted([*releases, *(f"{release}d" for release in releases)])


@pytest.mark.parametrize(("script", "version"), [(SCRIPT, "20250610"), ("#!/bin/sh\n", "unknown")])
def test_it_says_its_version(script: str, version: str) -> None:
    assert PythonBuild(plugin(script), pins()).version == version


def test_as_a_source_it_is_named_by_the_digest_of_its_program(ours: PythonBuild) -> None:
    digest = hashlib.sha256(SCRIPT.encode()).hexdigest()
    assert ours.as_source() == Source("python-build", "20250610", "python-build", digest, (), license="MIT")


@pytest.mark.parametrize("version", ["3.12.9", "3.12.9t"])
def test_a_source_is_what_the_definition_names(ours: PythonBuild, version: str) -> None:
    assert ours.source(version) == pin("3.12.9", url("3.12.9"))


@pytest.mark.parametrize("version", ["3.13.5", "3.13.5t", "3.14.0rc1"])
def test_a_pinned_source_is_taken_as_pinned(ours: PythonBuild, version: str) -> None:
    assert ours.source(version) is ours.pins.pythons[version.removesuffix("t")]


def test_a_definition_without_a_digest_is_refused(ours: PythonBuild) -> None:
    with pytest.raises(UserError, match=r"definition of 3\.9\.1 names no digest") as refused:
        ours.source("3.9.1")
    assert "pins.toml" in refused.value.hint


def test_a_definition_of_its_own_is_taken_as_it_is_even_where_pins_know_the_version(ours: PythonBuild) -> None:
    assert ours.definitions("3.14.0rc1") == {"3.14.0rc1": DEFINITIONS["3.14.0rc1"]}


@pytest.mark.parametrize(
    ("version", "steps"),
    [("3.13.5", "standard verify_py313 ensurepip"), ("3.14.0", "standard ensurepip")],
)
def test_a_definition_made_from_the_pins_verifies_where_the_program_can(version: str, steps: str) -> None:
    made = PythonBuild(plugin(), pins(version)).definitions(version)
    assert made == {version: f'install_package "Python-{version}" "{url(version)}#{SHA[version]}" {steps}\n'}


def test_a_definition_made_from_the_pins_leads_to_the_pinned_source(ours: PythonBuild) -> None:
    made = {f"share/python-build/{name}": text.encode() for name, text in ours.definitions("3.13.5").items()}
    assert PythonBuild({**ours.files, **made}, pins()).source("3.13.5") == ours.source("3.13.5")


def test_a_free_threaded_build_reads_its_own_definition_and_the_plain_one(ours: PythonBuild) -> None:
    assert ours.definitions("3.12.9t") == {name: DEFINITIONS[name] for name in ("3.12.9", "3.12.9t")}


def test_a_free_threaded_definition_is_made_on_top_of_the_plain_one(ours: PythonBuild) -> None:
    made = ours.definitions("3.13.5t")
    assert made.keys() == {"3.13.5", "3.13.5t"}
    assert made["3.13.5"] == ours.definitions("3.13.5")["3.13.5"]
    assert made["3.13.5t"] == ('export PYTHON_BUILD_FREE_THREADING=1\nsource "$(dirname "${BASH_SOURCE[0]}")"/3.13.5\n')


def test_the_patches_of_a_version_come_in_name_order(ours: PythonBuild) -> None:
    assert list(ours.patches("3.12.9")) == [(name, f"fix {name}".encode()) for name in sorted(PATCHES)]


def test_a_version_may_have_no_patches(ours: PythonBuild) -> None:
    assert list(ours.patches("3.13.5")) == []


def shelf(folder: Path) -> SourceShelf:
    return SourceShelf(folder / "sources", Network(None, {}, {}), "", "", lambda note: None)


def packed(folder: Path, below: str = "usr/share/pyenv/plugins") -> Pins:
    """Pack a plugin as Debian's package of pyenv has it, and pin it."""
    members = [file(f"{below}/python-build/{name}", content) for name, content in plugin().items()]
    documents = [file(f"usr/share/doc/pyenv/{name}", b"a text") for name in ("README", "plugins/python-build/README")]
    return pinned_file(folder, deb([*documents, *members]))


def pinned_file(folder: Path, content: bytes) -> Pins:
    """Pin these bytes as if they were the package."""
    path = folder / "pyenv_2.5.4-1_all.deb"
    path.write_bytes(content)
    return Pins(
        {}, Source("python-build", "2.5.4", path.name, hashlib.sha256(content).hexdigest(), (str(path),)), {}, ()
    )


def test_that_of_a_pyenv_root_has_all_its_files(tmp_path: Path) -> None:
    assert of_pyenv(str(pyenv(tmp_path)), pins()) == PythonBuild(plugin(), pins())


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_pyenv_root_without_python_build_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty" / "plugins" / "python-build").mkdir(parents=True)
    with pytest.raises(UserError, match=f"^PYENV_ROOT={tmp_path / name}: no plugins/python-build/bin/python-build"):
        of_pyenv(str(tmp_path / name), pins())


def test_the_pinned_python_build_has_the_files_of_its_package_and_no_others(tmp_path: Path) -> None:
    assert pinned(packed(tmp_path), shelf(tmp_path)).files == plugin()


def test_no_copy_of_the_pinned_python_build_is_kept_that_could_be_altered(tmp_path: Path) -> None:
    pins = packed(tmp_path)
    pinned(pins, shelf(tmp_path))
    (copy,) = (path for path in (tmp_path / "sources").rglob("*.deb"))
    copy.write_bytes(copy.read_bytes().replace(b"data.tar", b"DATA.tar"))
    assert pinned(pins, shelf(tmp_path)).files == plugin()


def test_a_python_build_that_is_nowhere_fails(tmp_path: Path) -> None:
    pins = packed(tmp_path)
    (tmp_path / "pyenv_2.5.4-1_all.deb").unlink()
    with pytest.raises(BuildError, match=r"no place has pyenv_2\.5\.4-1_all\.deb"):
        pinned(pins, shelf(tmp_path))


@pytest.mark.parametrize(
    "pins",
    [
        lambda folder: packed(folder, "usr/share/other/plugins"),
        lambda folder: pinned_file(folder, b"<html>captive portal</html>"),
        lambda folder: pinned_file(folder, b""),
    ],
    ids=["another package", "no package", "empty"],
)
def test_a_package_that_is_not_pyenv_s_is_refused(tmp_path: Path, pins: Callable[[Path], Pins]) -> None:
    with pytest.raises(UserError, match=r"pyenv_2\.5\.4-1_all\.deb is not Debian's package of pyenv"):
        pinned(pins(tmp_path), shelf(tmp_path))
