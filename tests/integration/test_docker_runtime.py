"""The docker engine, for real: runtime and runtime-dev of a recipe with patches and a script."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import docker
import jsonschema
import pytest

from builder.inputs.environment import whole_environment
from builder.inputs.network import read
from builder.targets import Arch
from tests.support.checkout import ROOT, Checkout
from tests.support.container import SERVER_CHECK, execute, with_artifact
from tests.support.default_python import BINARY, LIB, TAG, VERSION
from tests.support.tree import extract

pytestmark = pytest.mark.needs("docker")


def members(tarball: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(tarball) as archive:
        return {member.name.removeprefix("./"): member for member in archive}


def content(tarball: Path, name: str) -> str:
    with tarfile.open(tarball) as archive:
        file = archive.extractfile(f"./{name}")
        assert file
        return file.read().decode()


@pytest.mark.parametrize("name", ["prt_v0_amd64", "prt-dev_v0_amd64"])
def test_the_manifest_next_to_the_archive_is_the_one_inside_and_fits_the_schema(
    docker_checkout: Checkout, name: str
) -> None:
    manifest = docker_checkout.manifest(f"{name}.manifest.json")
    schema = json.loads((ROOT / "builder" / "stages" / "manifest.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(manifest)
    inside = json.loads(content(docker_checkout.out / f"{name}.tgz", "manifest.json"))
    assert {**inside, "engine": "docker"} == manifest
    assert manifest["python_version"] == VERSION
    assert manifest["compiled"] == "native"
    assert manifest["optimization"] == {"pgo": False, "lto": False}


def test_the_archive_has_prt_root_at_its_top_and_no_traces_of_who_packed_it(docker_checkout: Checkout) -> None:
    entries = members(docker_checkout.out / "prt_v0_amd64.tgz")
    assert {"bin", "lib", "include", "manifest.json", "pip.conf"} <= {name.partition("/")[0] for name in entries}
    assert {(entry.uid, entry.gid, entry.uname, entry.gname) for entry in entries.values()} == {(0, 0, "", "")}
    assert len({entry.mtime for entry in entries.values()}) == 1
    assert not [name for name, entry in entries.items() if entry.mode & 0o022 and not entry.issym()]


def test_what_the_recipe_prunes_is_not_in_the_archive_and_every_module_has_its_bytecode(
    docker_checkout: Checkout,
) -> None:
    names = set(members(docker_checkout.out / "prt_v0_amd64.tgz"))
    assert f"{LIB}/json/__init__.py" in names
    assert f"{LIB}/json/__pycache__/__init__.{TAG}.pyc" in names
    assert not [name for name in names if re.match(r"lib/python3\.13/(test|idlelib)(/|$)|.*\.opt-1\.pyc|.*\.a$", name)]


def test_the_runtime_serves_http_in_a_container_without_a_compiler(docker_checkout: Checkout) -> None:
    with with_artifact(docker_checkout.out / "prt_v0_amd64.tgz", Arch.AMD64) as container:
        assert container.exec_run(["which", "cc"])[0] != 0
        answer = execute(container, "/prt/bin/python", "-c", SERVER_CHECK)
        assert "{'cups': 3}" in answer
        assert "Patched twice." in execute(container, "/prt/bin/python", "-c", "import sys; print(sys.copyright)")
        reported = execute(container, "/prt/bin/pip", "list", "--format=json")
    packages = docker_checkout.manifest("prt_v0_amd64.manifest.json")["python_packages"]
    assert {(one["name"], one["version"]) for one in packages} == {
        (one["name"], one["version"]) for one in json.loads(reported)
    }


def test_the_c_library_floor_is_old_and_no_other_library_is_needed(docker_checkout: Checkout, tmp_path: Path) -> None:
    manifest = docker_checkout.manifest("prt_v0_amd64.manifest.json")
    assert tuple(map(int, manifest["libc_floor"].removeprefix("glibc ").split("."))) <= (2, 31)
    with tarfile.open(docker_checkout.out / "prt_v0_amd64.tgz") as archive:
        extract(archive, tmp_path)
    check = [sys.executable, "-m", "builder.inside.check_portable", str(tmp_path)]
    subprocess.run([*check, "GLIBC_2.31"], cwd=ROOT, check=True)
    # The check bites: a program of this machine needs a newer C library, the interpreter more than 2.17.
    refused = subprocess.run([*check, "GLIBC_2.17"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert re.search(rf"bin/{re.escape(BINARY)} needs GLIBC_2\.\d+", refused.stderr)
    (tmp_path / "bin" / "planted").write_bytes(Path("/usr/bin/openssl").read_bytes())
    planted = subprocess.run([*check, "GLIBC_2.31"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "bin/planted needs libssl.so.3" in planted.stderr


def test_debug_symbols_are_apart_and_fit(docker_checkout: Checkout, tmp_path: Path) -> None:
    for name in ("prt_v0_amd64.tgz", "prt_v0_amd64.symbols.tgz"):
        with tarfile.open(docker_checkout.out / name) as archive:
            extract(archive, tmp_path)
    python, symbols = tmp_path / "bin" / BINARY, tmp_path / "bin" / ".debug" / f"{BINARY}.debug"
    sections = {path: subprocess.check_output(["readelf", "-SW", path], text=True) for path in (python, symbols)}
    assert ".debug_line" in sections[symbols]
    assert ".symtab" not in sections[python]
    link = subprocess.check_output(["readelf", "--string-dump=.gnu_debuglink", python])  # with four bytes of no text
    assert symbols.name.encode() in link
    assert [*(tmp_path / "lib" / BINARY / "lib-dynload" / ".debug").glob("_ssl.*.debug")]


def test_patches_to_the_tree_and_scripts_have_left_their_mark(docker_checkout: Checkout) -> None:
    tarball = docker_checkout.out / "prt_v0_amd64.tgz"
    assert content(tarball, f"{LIB}/__phello__/__init__.py").startswith("# post-patched\n")
    assert content(tarball, "script-was-here") == "/prt /prt/venv runtime starlette==1.10.0\n"


def test_flags_that_tune_the_interpreter_do_not_reach_extensions(docker_checkout: Checkout) -> None:
    names = members(docker_checkout.out / "prt_v0_amd64.tgz")
    data = next(name for name in names if re.search(r"_sysconfigdata_\w+\.py$|_sysconfigdata_.*linux-gnu\.py$", name))
    text = content(docker_checkout.out / "prt_v0_amd64.tgz", data)
    flags = re.findall(
        r"^ *'(?:PY_)?(?:CFLAGS|LDFLAGS|CONFIGURE_CFLAGS|CONFIGURE_LDFLAGS)': (.+?),$", text, re.MULTILINE
    )
    assert flags
    assert not re.search(r"-flto|-fprofile|-march|-mtune", " ".join(flags))


def test_extensions_are_built_with_plain_tools_and_nothing_names_the_build_machine(
    docker_checkout: Checkout, tmp_path: Path
) -> None:
    with tarfile.open(docker_checkout.out / "prt_v0_amd64.tgz") as archive:
        extract(archive, tmp_path)
    data = next(tmp_path.glob(f"{LIB}/_sysconfigdata_*.py")).read_text()
    assert "'CC': 'cc -pthread'" in data
    assert "'CXX': 'c++" in data
    assert "'AR': 'ar'" in data
    files = (path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink())
    assert [path for path in files if b"/python-runtime-builder" in path.read_bytes()] == []


def test_the_development_variant_has_its_tools_and_ansible_in_a_venv_of_its_own(docker_checkout: Checkout) -> None:
    manifest = docker_checkout.manifest("prt-dev_v0_amd64.manifest.json")
    packages = {one["name"] for one in manifest["python_packages"]}
    assert {"fastapi", "pytest", "coverage", "ruff", "mypy", "httpx", "debugpy", "tox", "build"} <= packages
    assert "ansible-core" not in packages
    assert "ansible-core" in {one["name"] for one in manifest["venvs"]["ansible"]}
    with with_artifact(docker_checkout.out / "prt-dev_v0_amd64.tgz", Arch.AMD64) as container:
        assert "ansible [core" in execute(container, "/prt/bin/ansible", "--version")
        assert "pytest 9" in execute(container, "/prt/bin/pytest", "--version")


def test_a_second_run_does_nothing_and_says_so_at_once(docker_checkout: Checkout) -> None:
    started = time.monotonic()
    docker_checkout.nox("settings").succeeds()
    nox_itself = time.monotonic() - started
    started = time.monotonic()
    text = docker_checkout.nox("runtime").succeeds()
    assert "prt_v0_amd64.tgz: up to date, nothing to do" in text
    assert time.monotonic() - started < nox_itself + 2


def test_a_changed_requirement_redoes_the_packages_only(spoiled: Checkout) -> None:
    spoiled.write("recipes/runtime/requirements/20-more.txt", "six==1.17.0\n")
    spoiled.nox("lock").succeeds()
    text = spoiled.nox("runtime").succeeds()
    assert "interpreter: from the cache" in text
    assert {"name": "six", "version": "1.17.0"} in spoiled.manifest("prt_v0_amd64.manifest.json")["python_packages"]


def test_network_settings_of_this_machine_are_in_no_image_and_no_artifact(docker_checkout: Checkout) -> None:
    bundle = read(whole_environment(), None).ca_bundle
    assert bundle, "this test wants a machine with a CA bundle"
    builders = docker.from_env().images.list(filters={"reference": "python-runtime-builder/builder"})
    assert builders
    for image in builders:
        assert str(bundle) not in json.dumps(image.history()) + json.dumps(image.attrs)
    names = members(docker_checkout.out / "prt-dev_v0_amd64.tgz")
    assert not [name for name in names if name.endswith("ca-bundle.pem")]
