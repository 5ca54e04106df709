"""The Debian package installed: in fresh systems, upgraded, swapped, removed, purged, and through piuparts."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from builder.targets import Arch
from tests.support.container import base_image, execute, running
from tests.support.debs import Deb, output, rebuilt
from tests.support.default_python import LIB, TAG

pytestmark = pytest.mark.needs("docker", "debian")

SUITES = ("bullseye", "bookworm", "trixie")

# Every way dpkg calls a maintainer script that has nothing to do then (Policy 6.5).
CALLS = {
    "prerm": ("upgrade 2", "failed-upgrade 1 2", "remove", "deconfigure in-favour x 1", "remove in-favour x 1"),
    "postrm": ("upgrade 2", "failed-upgrade 1 2", "abort-install", "abort-install 1 2", "abort-upgrade 1 2",
               "disappear x 1", "remove", "purge"),
}  # fmt: skip


@contextmanager
def system(*debs: Deb, suite: str = "bookworm", network: bool = False) -> Iterator[Container]:
    """A fresh system, as a rule without network, with packages in its root to install."""
    image = base_image(Arch.native(), suite)
    with running(image, Arch.native(), network="bridge" if network else "none") as container:
        for deb in debs:
            put(container, deb)
        yield container


def put(container: Container, deb: Deb) -> None:
    """Copy a package into a container's root."""
    subprocess.run(["docker", "cp", "--quiet", deb.path, f"{container.id}:/"], check=True, capture_output=True)


def sh(container: Container, script: str) -> str:
    """Run a shell script without a terminal and without input; its output, if it succeeded."""
    return execute(container, "sh", "-euc", f"exec < /dev/null; export DEBIAN_FRONTEND=noninteractive\n{script}")


def status(container: Container, name: str) -> str:
    """The state of a package: `installed`, `config-files`, or nothing."""
    return sh(container, f"dpkg-query -W -f '${{db:Status-Status}}' {name} 2> /dev/null || true")


@pytest.fixture(scope="module")
def older(debs: dict[str, Deb], tmp_path_factory: pytest.TempPathFactory) -> Deb:
    """The release before: it has one more module."""
    folder = tmp_path_factory.mktemp("older")
    root = debs["prt"].unpacked(folder / "root")
    module = root / f"prt/{LIB}/dropped/__init__.py"
    module.parent.mkdir()
    module.write_text("tea = 1\n")
    return rebuilt(root, folder / "older.deb", Version="0~rc1")


@pytest.mark.parametrize("suite", SUITES)
def test_it_installs_without_network_and_questions_and_leaves_nothing(debs: dict[str, Deb], suite: str) -> None:
    with system(debs["prt"], suite=suite) as fresh:
        sh(
            fresh,
            "command -v python3 > /before || true; find /etc /usr /var/lib/dpkg/alternatives -xdev | sort >> /before",
        )
        sh(fresh, "apt-get install -y --no-install-recommends /*.deb; apt-get check")
        sh(
            fresh,
            "command -v python3 > /after || true; find /etc /usr /var/lib/dpkg/alternatives -xdev | sort >> /after",
        )
        added = sh(fresh, "diff /before /after || true").splitlines()
        changes = [line for line in added if line.startswith(("<", ">"))]
        assert [line for line in changes if not line.startswith(("> /usr/share/doc/prt", "> /usr/share/lintian"))] == []
        assert sh(fresh, "/prt/bin/python -c 'import ssl, sqlite3; print(1)'").strip() == "1"
        assert sh(fresh, "dpkg --verify prt") == ""
        sh(fresh, "/prt/bin/python -O -c 'import json, email.mime.text'")
        assert "warning" not in sh(fresh, "dpkg --purge prt")
        sh(fresh, "test ! -e /prt")


def test_dpkg_of_debian_11_can_read_it(debs: dict[str, Deb]) -> None:
    with system(debs["prt"], suite="bullseye") as old:
        assert "version 1.20." in sh(old, "dpkg-deb --version")
        assert "Package: prt" in sh(old, "dpkg-deb -I /*.deb")


def test_checksums_hold_and_find_what_was_altered(debs: dict[str, Deb]) -> None:
    with system(debs["prt"], network=True) as fresh:
        sh(fresh, "apt-get update -q; apt-get install -y -q --no-install-recommends debsums adequate /*.deb")
        sh(fresh, "debsums -s prt")
        assert sh(fresh, "adequate prt") == ""
        sh(fresh, f"echo x >> /prt/{LIB}/os.py")
        assert f"/prt/{LIB}/os.py" in sh(fresh, "debsums -c prt || true")
        sh(fresh, "dpkg-reconfigure prt; dpkg-reconfigure prt")


def test_nobody_runs_it_on_a_read_only_system(debs: dict[str, Deb]) -> None:
    with system(debs["prt"]) as fresh:
        sh(fresh, "dpkg -i /*.deb; touch /stamp")
        image = str(fresh.commit().id)
    try:
        with running(image, Arch.native(), read_only=True, user="65534", network="none") as locked:
            assert "[1]" in sh(locked, "/prt/bin/python -c 'import json, asyncio, sqlite3, fastapi; print([1])'")
            assert sh(locked, "find /prt -newer /stamp") == ""
    finally:
        docker.from_env().images.remove(image, force=True)


def test_an_upgrade_and_a_downgrade_leave_nothing_of_the_other_version(debs: dict[str, Deb], older: Deb) -> None:
    with system(debs["prt"], older) as fresh:
        sh(fresh, "dpkg -i /older.deb; /prt/bin/python -c 'import dropped'")
        for newer in (f"/{debs['prt'].path.name}", "/older.deb", f"/{debs['prt'].path.name}"):
            # Bytecode that dpkg knows nothing of.
            sh(fresh, f"/prt/bin/python -O -c 'import json'; ls /prt/{LIB}/json/__pycache__/*.opt-1.pyc")
            said = sh(fresh, f"dpkg -i {newer}")
            assert "dpkg: warning: unable" not in said
            assert "not empty" not in said
            sh(fresh, "find /prt | sort > /found; dpkg -L prt | grep ^/prt | sort > /known")
            assert sh(fresh, "diff /found /known") == ""
        sh(fresh, f"test ! -e /prt/{LIB}/dropped")


def test_prt_and_prt_dev_replace_each_other(debs: dict[str, Deb], tmp_path: Path) -> None:
    control = tmp_path / "needs" / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    control.write_text("Package: needs\nVersion: 1\nArchitecture: all\nMaintainer: Jo <jo@x.org>\n"
                       "Depends: prt (>= 0)\nDescription: x\n")  # fmt: skip
    output("dpkg-deb", "--build", str(tmp_path / "needs"), str(tmp_path / "needs.deb"))
    runtime, dev = f"/{debs['prt'].path.name}", f"/{debs['prt-dev'].path.name}"
    with system(*debs.values(), Deb(tmp_path / "needs.deb")) as fresh:
        for file, there, gone in ((runtime, "prt", "prt-dev"), (dev, "prt-dev", "prt"), (runtime, "prt", "prt-dev")):
            sh(fresh, f"dpkg -i {file}; /prt/bin/python -O -c 'import json'")
            assert (status(fresh, there), status(fresh, gone) == "installed") == ("installed", False)
            assert sh(fresh, f"dpkg --verify {there}") == ""
        # What is left of the one that went can be purged: the runtime that took its place stays.
        sh(fresh, f"dpkg -i {dev}; dpkg --purge prt; /prt/bin/pytest --version; dpkg --verify prt-dev")
        sh(fresh, "dpkg -i /needs.deb")


def test_what_a_user_installed_stays_until_it_is_purged(debs: dict[str, Deb]) -> None:
    with system(debs["prt"]) as fresh:
        sh(fresh, f"dpkg -i /*.deb; echo 'a = 1' > /prt/{LIB}/site-packages/mine.py")
        assert "what was installed into /prt stays; 'apt-get purge prt' removes it" in sh(fresh, "dpkg --remove prt")
        assert sh(fresh, "find /prt ! -type d").split() == [f"/prt/{LIB}/site-packages/mine.py"]
        sh(fresh, "dpkg --purge prt; test ! -e /prt")


def test_without_its_prerm_bytecode_would_stay(debs: dict[str, Deb], tmp_path: Path) -> None:
    root = debs["prt"].unpacked(tmp_path / "root")
    (root / "DEBIAN" / "prerm").unlink()
    with system(rebuilt(root, tmp_path / "prt_0.deb")) as fresh:
        sh(fresh, "dpkg -i /*.deb; /prt/bin/python -O -c 'import json'; dpkg --remove prt")
        assert f"/prt/{LIB}/json/__pycache__/__init__.{TAG}.opt-1.pyc" in sh(fresh, "find /prt ! -type d")


def test_an_install_that_was_cut_off_can_be_finished(debs: dict[str, Deb]) -> None:
    with system(debs["prt"]) as fresh:
        sh(fresh, "dpkg --unpack /*.deb; dpkg --configure -a; dpkg --verify prt")
        # In the middle of unpacking.
        sh(fresh, "dpkg -i /*.deb > /log 2>&1 & sleep 1; kill -9 $!; wait $! || true")
        sh(fresh, "dpkg -i /*.deb; dpkg --configure -a; apt-get check; dpkg --verify prt")


def test_the_maintainer_scripts_are_sound_and_can_be_called_twice(debs: dict[str, Deb], tmp_path: Path) -> None:
    root = debs["prt"].unpacked(tmp_path / "root")
    scripts = [str(root / "DEBIAN" / name) for name in CALLS]
    output("shellcheck", "--shell=sh", *scripts)
    output("checkbashisms", *scripts)
    with system(debs["prt"]) as fresh:
        sh(fresh, "dpkg -i /*.deb")
        for name, calls in CALLS.items():
            for args in calls:
                sh(fresh, f"for i in 1 2; do /var/lib/dpkg/info/prt.{name} {args}; done")
            assert fresh.exec_run(["/var/lib/dpkg/info/prt." + name, "dance"])[0] == 1


@pytest.fixture(scope="module")
def base_tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base image as piuparts takes it."""
    path = tmp_path_factory.mktemp("base") / "base.tar"
    container = docker.from_env().containers.create(base_image(Arch.native()), "true")
    try:
        output("docker", "export", f"--output={path}", str(container.id))
        output("gzip", "-1", str(path))
    finally:
        container.remove()
    return path.with_name("base.tar.gz")


@pytest.fixture(scope="module")
def use(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What piuparts does with an installed package: as users do, it runs the interpreter, which writes bytecode.

    With -E: piuparts sets PYTHONDONTWRITEBYTECODE for every Python.
    """
    folder = tmp_path_factory.mktemp("scripts")
    script = folder / "post_install_use"
    script.write_text("#!/bin/sh\nexec /prt/bin/python -E -O -c 'import json'\n")
    script.chmod(0o755)
    return folder


def piuparts(deb: Deb, base: Path, scripts: Path) -> subprocess.CompletedProcess[str]:
    """Install, use, remove and purge a package in a chroot, and compare what is left."""
    # Without apt's upgrade from the archive's package: Debian has a prt of its own.
    args = "piuparts --no-eatmydata --no-upgrade-test --distribution=bookworm".split()
    args += ["--basetgz", str(base), "--scriptsdir", str(scripts)]
    mirrors = [f"--mirror={line.split()[1]} main" for line in _sources(base) if line.startswith("deb ")]
    return subprocess.run(
        [*args, *mirrors[:1], str(deb.path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def _sources(base: Path) -> list[str]:
    """The image's apt sources, if it has them in the old file; otherwise piuparts knows a mirror itself."""
    args = ["tar", "--extract", "--to-stdout", f"--file={base}", "etc/apt/sources.list"]
    return subprocess.run(args, stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines()


@pytest.mark.needs("root")
def test_piuparts_finds_nothing_left(debs: dict[str, Deb], base_tarball: Path, use: Path) -> None:
    done = piuparts(debs["prt"], base_tarball, use)
    assert "PASS: All tests" in done.stdout, done.stdout[-4000:]


@pytest.mark.needs("root")
def test_piuparts_finds_what_a_package_without_prerm_leaves(
    debs: dict[str, Deb], base_tarball: Path, use: Path, tmp_path: Path
) -> None:
    root = debs["prt"].unpacked(tmp_path / "root")
    for name in ("prerm", "postrm"):  # either of them removes it, the second at purge only
        (root / "DEBIAN" / name).unlink()
    done = piuparts(rebuilt(root, tmp_path / "prt_0.deb"), base_tarball, use)
    assert done.returncode
    assert "json/__pycache__" in done.stdout
