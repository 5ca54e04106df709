"""The Debian package as a file, judged by Debian's own tools. How it installs: test_deb_installed.py."""

from __future__ import annotations

import email.utils
import gzip
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import pytest
from debian.changelog import Changelog
from debian.copyright import Copyright

from builder.targets import Arch
from tests.support.checkout import Checkout
from tests.support.debs import Deb, output, said_by_lintian
from tests.support.default_python import BINARY, TAG
from tests.support.tree import elf_files

# Lintian begins with the first test, and is asked by the last.
pytestmark = [pytest.mark.needs("docker", "debian"), pytest.mark.usefixtures("lintian")]

NAMES = ("prt", "prt-dev")
FIELDS = "Package Version Architecture Maintainer Installed-Size Depends Section Priority Homepage Description".split()


@pytest.fixture(scope="module")
def roots(debs: dict[str, Deb], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each package, unpacked."""
    folder = tmp_path_factory.mktemp("unpacked")
    return {name: deb.unpacked(folder / name) for name, deb in debs.items()}


@pytest.fixture(scope="module")
def arm_deb(arm_checkout: Checkout) -> Deb:
    """The package for arm64."""
    arm_checkout.nox("deb-arm").succeeds()
    return Deb(arm_checkout.out / "prt_0_arm64.deb")


@pytest.mark.parametrize("name", NAMES)
def test_the_control_fields_are_there(debs: dict[str, Deb], name: str) -> None:
    fields = {field: debs[name].field(field) for field in FIELDS}
    assert all(fields.values()), fields
    assert (fields["Package"], fields["Version"], fields["Architecture"]) == (name, "0", Arch.native().value)
    assert re.fullmatch(r".+ <.+@.+>", fields["Maintainer"])
    assert fields["Priority"] == "optional"
    assert len(fields["Description"].splitlines()) > 1


@pytest.mark.parametrize("name", NAMES)
def test_the_file_has_the_name_dpkg_would_give_it(debs: dict[str, Deb], tmp_path: Path, name: str) -> None:
    shutil.copy(debs[name].path, tmp_path / "some.deb")
    output("dpkg-name", str(tmp_path / "some.deb"))
    assert [path.name for path in tmp_path.iterdir()] == [debs[name].path.name]


@pytest.mark.parametrize("name", NAMES)
def test_it_depends_on_an_old_c_library_only(debs: dict[str, Deb], roots: dict[str, Path], name: str) -> None:
    depends = dict(re.findall(r"([\w.+-]+) \(>= ([^)]+)\)", debs[name].field("Depends")))
    assert depends.keys() <= {"libc6", "libgcc-s1"}
    assert tuple(map(int, depends["libc6"].split("."))) <= (2, 31)
    # Computed, not written: the same tool finds no other library in the finished package.
    (roots[name] / "debian").mkdir(exist_ok=True)
    (roots[name] / "debian" / "control").write_text(f"Source: {name}\n\nPackage: {name}\nArchitecture: any\n")
    found = output("dpkg-shlibdeps", "-O", *map(str, elf_files(roots[name] / "prt")), cwd=roots[name])
    (roots[name] / "debian" / "control").unlink()
    (roots[name] / "debian").rmdir()
    computed = found.partition("shlibs:Depends=")[2]
    assert computed
    assert {one.split()[0] for one in computed.split(", ")} <= depends.keys()


@pytest.mark.needs("arm64")
def test_every_program_is_for_its_architecture(arm_deb: Deb, tmp_path: Path) -> None:
    found = elf_files(arm_deb.unpacked(tmp_path / "arm"))
    assert {BINARY, f"_ssl.{TAG}-aarch64-linux-gnu.so"} <= {path.name for path in found}
    for path in found:
        header = output("readelf", "--file-header", str(path))
        assert re.search(r"Machine: +AArch64", header), path
    assert arm_deb.field("Architecture") == "arm64"
    assert "libc6 (>= 2." in arm_deb.field("Depends")


@pytest.mark.parametrize("name", NAMES)
def test_its_sizes_are_stated_and_bounded(debs: dict[str, Deb], roots: dict[str, Path], name: str) -> None:
    used = int(output("du", "-sk", "--apparent-size", "--exclude=DEBIAN", str(roots[name])).split()[0])
    stated = int(debs[name].field("Installed-Size"))
    # Each file and folder counts at least 1 KiB there.
    assert used <= stated <= used + sum(1 for _ in debs[name].listing())
    tarball = debs[name].path.with_name(f"{name}_v0_{Arch.native().value}.tgz")
    assert debs[name].path.stat().st_size < tarball.stat().st_size


@pytest.mark.parametrize("name", NAMES)
def test_every_file_has_its_checksum(debs: dict[str, Deb], roots: dict[str, Path], name: str) -> None:
    files = {path for mode, _, path in debs[name].listing() if mode[0] in "-h"}
    lines = (roots[name] / "DEBIAN" / "md5sums").read_text().splitlines()
    assert {"/" + line.split("  ", 1)[1] for line in lines} == files
    assert len(lines) == len(files)
    output("md5sum", "--check", "--quiet", "DEBIAN/md5sums", cwd=roots[name])


@pytest.mark.parametrize("name", NAMES)
def test_owners_modes_and_places_are_as_they_should_be(debs: dict[str, Deb], name: str) -> None:
    listing = [*debs[name].listing()]
    assert {owner for _, owner, _ in listing} == {"root/root"}
    assert {mode for mode, _, _ in listing} <= {"drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x", "hrw-r--r--", "lrwxrwxrwx"}
    assert {mode for mode, _, path in listing if mode[0] == "-" and path.endswith(".so")} == {"-rw-r--r--"}
    places = ("/prt/", f"/usr/share/doc/{name}/", "/usr/share/lintian/overrides/")
    assert [path for mode, _, path in listing if mode[0] != "d" and not path.startswith(places)] == []


@pytest.mark.parametrize("name", NAMES)
def test_any_dpkg_can_read_it(debs: dict[str, Deb], name: str) -> None:
    members = output("ar", "t", str(debs[name].path)).split()
    assert members == ["debian-binary", "control.tar.xz", "data.tar.xz"]


@pytest.mark.parametrize("name", NAMES)
def test_all_dates_are_the_commits(debs: dict[str, Deb], docker_checkout: Checkout, name: str) -> None:
    env = {**os.environ, "TZ": "UTC"}
    git = ["git", "log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%d %H:%M"]
    date = subprocess.run(git, cwd=docker_checkout.root, env=env, check=True, capture_output=True, text=True).stdout
    list_ = ["dpkg-deb", "--contents", str(debs[name].path)]
    listed = subprocess.run(list_, env=env, check=True, capture_output=True, text=True)
    assert {" ".join(line.split()[3:5]) for line in listed.stdout.splitlines()} == {date.strip()}


@pytest.mark.parametrize("name", NAMES)
def test_every_override_is_explained(roots: dict[str, Path], name: str) -> None:
    lines = (roots[name] / "usr/share/lintian/overrides" / name).read_text().splitlines()
    overrides = [number for number, line in enumerate(lines) if line and not line.startswith("#")]
    assert overrides
    assert [lines[number] for number in overrides if not number or not lines[number - 1].startswith("# ")] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_copyright_can_be_parsed_and_names_every_source(
    docker_checkout: Checkout, roots: dict[str, Path], name: str
) -> None:
    text = (roots[name] / "usr/share/doc" / name / "copyright").read_text()
    parsed = Copyright(text.splitlines(keepends=True), strict=True)
    comment = parsed.header.comment
    assert comment
    manifest = docker_checkout.manifest(f"{name}_v0_{Arch.native().value}.manifest.json")
    for source in manifest["sources"]:
        assert f"{source['name']} {source['version']} ({source['license']})" in comment
    for source in manifest["vendored"]:
        assert f"{source['name']} ({source['license']})" in comment
    licenses = {paragraph["License"].splitlines()[0] for paragraph in parsed.all_license_paragraphs()}
    (files,) = parsed.all_files_paragraphs()
    assert set(files["License"].split(" and ")) == licenses


@pytest.mark.parametrize("name", NAMES)
def test_the_changelog_has_the_version_and_gzip_no_date(
    debs: dict[str, Deb], roots: dict[str, Path], name: str
) -> None:
    packed = (roots[name] / "usr/share/doc" / name / "changelog.gz").read_bytes()
    assert packed[3:8] == b"\0\0\0\0\0", "no flags, so no name; no date"
    changelog = Changelog(gzip.decompress(packed).decode(), strict=True)
    assert str(changelog.version) == debs[name].field("Version")
    assert email.utils.parsedate_to_datetime(str(changelog.date))


@pytest.mark.needs("sandbox", "root")
def test_another_build_of_the_same_commit_is_the_same_byte_for_byte_and_needs_no_network(
    docker_checkout: Checkout, debs: dict[str, Deb], tmp_path: Path
) -> None:
    folder = tmp_path / "another folder"
    shutil.copytree(docker_checkout.root, folder, ignore=shutil.ignore_patterns("out"))
    another = Checkout(folder, {**docker_checkout.env, "ENGINE": "sandbox"})
    another.take_cache(docker_checkout)
    for path in folder.glob("recipes/**/*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    nox = f"umask 077; exec {sys.executable} -m nox --script-mode=none -s deb runtime-dev"
    env = {**os.environ, **another.env, "TZ": "Asia/Tokyo", "LC_ALL": "C", "USER": "someone"}
    command = ["unshare", "--net", "sh", "-c", nox]
    built = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    names = (f"{name}_v0_{Arch.native().value}" for name in NAMES)
    assert {f"{name}.{ending}" for name in names for ending in ("tgz", "manifest.json")} <= {*another.artifacts()}
    assert debs["prt"].path.name in another.artifacts()
    for name in another.artifacts():
        if name.endswith(".provenance.json"):
            assert another.provenance(name) == docker_checkout.provenance(name)
            continue
        made, before = ((one.out / name).read_bytes() for one in (another, docker_checkout))
        assert made.replace(b'"engine": "sandbox"', b'"engine": "docker"') == before, name


@pytest.mark.parametrize("name", NAMES)
def test_lintian_has_nothing_to_say(lintian: dict[str, Future[str]], name: str) -> None:
    assert lintian[name].result() == ""


@pytest.mark.needs("arm64")
def test_lintian_has_nothing_to_say_about_arm64(arm_deb: Deb) -> None:
    assert said_by_lintian(arm_deb) == ""
