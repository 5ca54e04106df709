"""The package's own scripts on a machine with mounts, links and neighbours: what is not the package's stays.

With real dpkg in privileged containers, and a package of six files with the scripts of recipes/deb. Each guard has a
control: with it taken out of the script the same scenario must fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from docker.models.containers import Container

from builder.targets import Arch
from tests.support.container import base_image, execute, running
from tests.support.debs import output
from tests.support.small_deb import FILES, Guard, Small

pytestmark = pytest.mark.needs("docker", "debian")

Scenario = Callable[["Machine"], None]


@dataclass(frozen=True)
class Machine:
    """A container, and the folder of packages in it."""

    container: Container
    folder: Path
    without: Guard = None

    def sh(self, script: str) -> str:
        """Run a shell script; its output, if it succeeded."""
        return execute(self.container, "sh", "-euc", f"exec < /dev/null\n{script}")

    def bring(self, small: Small | None = None) -> str:
        """Copy a package there; its path."""
        path = (small or Small(without=self.without)).build(self.folder)
        output("docker", "cp", "--quiet", str(path), f"{self.container.id}:/")
        return f"/{path.name}"

    def has(self, *paths: str) -> bool:
        """Whether every one of these is there."""
        return all(self.container.exec_run(["test", "-e", path])[0] == 0 for path in paths)

    def knows(self, name: str) -> bool:
        """Whether dpkg knows anything of a package still."""
        return bool(self.container.exec_run(["dpkg-query", "-W", name])[0] == 0)


STRAYS = """
    mkdir -p /prt/bin/__pycache__
    touch /prt/bin/__pycache__/run.cpython-313.pyc /prt/lib/__pycache__/a.cpython-313.opt-1.pyc
    touch '/prt/lib/__pycache__/b \\c'
"""


def mounts_below(machine: Machine) -> None:
    """Mounts of the same device and of others, one in the other, of a file, with names that need care."""
    over = ["old", "[a]", "my own"]  # folders of the package
    files = {**FILES, **{f"prt/lib/{name}/c.py": "" for name in over}}
    machine.sh(f"dpkg -i {machine.bring(Small(files=files, without=machine.without))}; {STRAYS}")
    names = ["plain", "a blank", "back\\\\slash", "[a-z]*", "?"]
    for number, name in enumerate(names):
        machine.sh(
            f"mkdir -p /home/u{number}/pkg/__pycache__ '/prt/lib/{name}'; touch /home/u{number}/pkg/__pycache__/x.pyc\n"
            f"mount --bind /home/u{number} '/prt/lib/{name}'"
        )
    machine.sh("mkdir /prt/lib/plain/deep; mount -t tmpfs none /prt/lib/plain/deep; touch /prt/lib/plain/deep/x")
    machine.sh("mkdir /home/f; touch /home/f/x /prt/one; mount --bind /home/f/x /prt/one")
    for name in over:
        machine.sh(f"mkdir -p '/home/{name}/__pycache__'; touch '/home/{name}/__pycache__/x.pyc'")
        machine.sh(f"mount --bind '/home/{name}' '/prt/lib/{name}'")
    said = [machine.sh(f"dpkg --{action} prt") for action in ("remove", "purge")]
    assert machine.has(*(f"/home/u{number}/pkg/__pycache__/x.pyc" for number in range(len(names))))
    assert machine.has("/prt/lib/plain/deep/x", "/prt/one", *(f"/home/{name}/__pycache__/x.pyc" for name in over))
    for text in said:
        assert "what was installed into /prt stays: mounted there:\n" in text
        assert "/prt/lib/a\\040blank\n" in text
    assert not machine.has("/prt/lib/__pycache__", "/prt/bin")
    assert not machine.knows("prt")


def a_mount_of_its_own(machine: Machine) -> None:
    """PRT_ROOT is a mount point: purging ends, and says what it leaves."""
    machine.sh("mkdir /prt; mount -t tmpfs none /prt")
    machine.sh(f"dpkg -i {machine.bring()}; {STRAYS} touch /prt/mine")
    said = machine.sh("dpkg --purge prt")
    assert machine.sh("find /prt -mindepth 1").split() == ["/prt/mine"]
    assert "stays: mounted there:\n/prt\n" in said
    assert not machine.knows("prt")


def another_root(machine: Machine) -> None:
    """`dpkg --root` with scripts that run outside of it: this machine's own folder is not touched."""
    dpkg = "dpkg --root=/target --force-script-chrootless --force-not-root"
    machine.sh("mkdir -p /target/var/lib/dpkg/info /target/var/lib/dpkg/updates; touch /target/var/lib/dpkg/status")
    package = machine.bring()
    machine.sh(f"dpkg -i {package}; {STRAYS} {dpkg} -i {package}; cp -r /prt /target; touch /prt/mine /target/prt/mine")
    machine.sh(f"{dpkg} --purge prt")
    assert not machine.has("/target/prt")
    assert machine.has("/prt/mine", "/prt/lib/__pycache__/a.cpython-313.opt-1.pyc")


def a_root_whose_link_leads_out_of_it(machine: Machine) -> None:
    """The same, with a link to a full path in it, which means another place there than here."""
    dpkg = "dpkg --root=/target --force-script-chrootless"
    machine.sh("mkdir -p /target/var/lib/dpkg/info /target/var/lib/dpkg/updates; touch /target/var/lib/dpkg/status")
    package = machine.bring()
    machine.sh(f"dpkg -i {package}; {STRAYS} {dpkg} -i {package}; touch /prt/mine")
    machine.sh("rm -r /target/prt; ln -s /prt /target/prt; mkdir -p /prt/lib/__pycache__")
    machine.sh(f"{dpkg} --purge prt")
    assert machine.has("/prt/mine", "/prt/lib/__pycache__/a.cpython-313.opt-1.pyc")


def a_link(machine: Machine) -> None:
    """PRT_ROOT is a link: bytecode goes, what is not the package's stays, and so it is said."""
    machine.sh(f"mkdir -p /data/prt; ln -s /data/prt /prt; dpkg -i {machine.bring()}; {STRAYS} touch /prt/lib/mine")
    said = [machine.sh(f"dpkg --{action} prt") for action in ("remove", "purge")]
    assert machine.sh("find /data/prt ! -type d").split() == ["/data/prt/lib/mine"]
    assert "/prt is a link: what was installed into /data/prt stays there" in said[0]
    assert all("stays: it is a link to /data/prt" in text for text in said)


def a_folder_above_is_a_link(machine: Machine) -> None:
    """The kernel names mounts by their real path."""
    machine.sh("mkdir -p /data /home/u/__pycache__; touch /home/u/__pycache__/x; ln -s /data /apps")
    files = {f"apps/{name}" if name.startswith("prt/") else name: text for name, text in FILES.items()}
    small = Small(prt_root="/apps/prt", files=files, without=machine.without)
    machine.sh(f"dpkg -i {machine.bring(small)}; mount --bind /home/u /apps/prt/lib/old")
    said = machine.sh("dpkg --purge prt")
    assert machine.has("/home/u/__pycache__/x")
    assert "mounted there:\n/data/prt/lib/old\n" in said


def neighbours(machine: Machine) -> None:
    """Another package with files there, whose name a regular expression takes for ours."""
    theirs = {"prt/lib/theirs.py": "", "prt/lib/__pycache__/theirs.cpython-313.pyc": ""}
    ours = {**FILES, "usr/share/doc/prt.x/copyright": ""}
    del ours["usr/share/doc/prt/copyright"]
    machine.sh(f"dpkg -i {machine.bring(Small('prt.x', files=ours, without=machine.without))}")
    machine.sh(f"dpkg -i {machine.bring(Small('prt-x', files=theirs, scripts={'postrm': '', 'prerm': ''}))}; {STRAYS}")
    machine.sh("touch /prt/mine; dpkg --purge prt.x")
    assert machine.sh("dpkg --verify prt-x") == ""
    assert machine.has("/prt/mine")


def no_proc(machine: Machine) -> None:
    """Nobody can say what is mounted: what dpkg does not know stays, and purging ends."""
    machine.sh(f"dpkg -i {machine.bring()}; touch /prt/mine; mkdir -p /home/u /prt/u; touch /home/u/x")
    purge = "mount --bind /home/u /prt/u; mount -t tmpfs none /proc; dpkg --purge prt; umount /proc"
    said = machine.sh(purge)
    assert machine.has("/prt/mine", "/home/u/x")
    assert "without /proc nobody can say" in said
    assert not machine.knows("prt")


def an_upgrade_given_up(machine: Machine) -> None:
    """The new package's preinst fails: the old one is whole."""
    machine.sh(f"dpkg -i {machine.bring()}; {STRAYS}")
    new = Small(version="2", scripts={"preinst": "#!/bin/sh\nexit 1\n"})
    assert "installed preinst" not in machine.sh(f"! dpkg -i {machine.bring(new)}")
    assert machine.sh("dpkg --verify prt") == ""
    assert machine.sh("dpkg-query -W -f '${Status} ${Version}' prt") == "install ok installed 1"


def an_exchange(machine: Machine) -> None:
    """A package takes the place of another: given up, nothing has changed; done, either one can be purged."""
    files = {name: text for name, text in FILES.items() if name.startswith("prt")} | {"prt/lib/__pycache__/dev.pyc": ""}
    dev = Small("prt-dev", fields="Conflicts: prt\nReplaces: prt\nProvides: prt (= 1)\n", files=files)
    given_up = replace(dev, version="0", scripts={"preinst": "#!/bin/sh\nexit 1\n"})
    machine.sh(f"dpkg -i {machine.bring()}; {STRAYS} ! dpkg -i --auto-deconfigure {machine.bring(given_up)}")
    assert machine.sh("dpkg --verify prt; dpkg-query -W -f '${Status}' prt") == "install ok installed"
    machine.sh(f"dpkg -i --auto-deconfigure {machine.bring(replace(dev, without=machine.without))}")
    machine.sh("touch /prt/mine; dpkg --purge prt")
    assert machine.sh("dpkg --verify prt-dev") == ""
    assert machine.has("/prt/mine")
    machine.sh("dpkg --purge prt-dev; test ! -e /prt")


def an_upgrade(machine: Machine) -> None:
    """A module is dropped: its folder goes; what a user installed keeps its bytecode."""
    machine.sh(f"dpkg -i {machine.bring()}; {STRAYS} touch /prt/lib/old/__pycache__/b.cpython-313.opt-2.pyc")
    machine.sh(
        "mkdir -p /prt/lib/user/__pycache__; touch /prt/lib/user/u.py /prt/lib/user/__pycache__/u.cpython-313.pyc"
    )
    newer = Small(version="2", files={name: text for name, text in FILES.items() if "/old/" not in name})
    assert "warning" not in machine.sh(f"dpkg -i {machine.bring(newer)} 2>&1")
    assert not machine.has("/prt/lib/old")
    assert machine.has("/prt/lib/user/__pycache__/u.cpython-313.pyc")
    assert machine.sh("dpkg --verify prt") == ""
    assert not machine.has("/prt/lib/__pycache__/a.cpython-313.opt-1.pyc")
    machine.sh("dpkg --purge prt; test ! -e /prt")


def what_can_t_be_removed(machine: Machine) -> None:
    """A file that no one may delete does not keep the package from being purged."""
    # As `chattr =i` and `chattr =` do, which not every system has: FS_IOC_SETFLAGS, FS_IMMUTABLE_FL.
    chattr = """perl -e '$flags = pack("L!", {}); open F, "<", "/prt/fixed"; ioctl(F, 0x40086602, $flags) or die $!'"""
    machine.sh(f"dpkg -i {machine.bring()}; echo > /prt/fixed; {chattr.format(0x10)}")
    try:
        said = machine.sh("dpkg --purge prt")
    finally:
        machine.sh(chattr.format(0))
    assert "stays, in part" in said
    assert machine.has("/prt/fixed")
    assert not machine.knows("prt")


SCENARIOS = (
    mounts_below,
    a_mount_of_its_own,
    another_root,
    a_root_whose_link_leads_out_of_it,
    a_link,
    a_folder_above_is_a_link,
    neighbours,
    no_proc,
    an_upgrade_given_up,
    an_exchange,
    an_upgrade,
    what_can_t_be_removed,
)
# What is taken out of which script, what is put in its place, and the scenario that must fail then.
CONTROLS = (
    ("prerm", """\\( "$@" \\) -prune -o""", "", mounts_below),
    ("prerm", r"; s/\[/?/g", "", mounts_below),
    ("prerm", r"; s/\\[0-7][0-7][0-7]/?/g", "", mounts_below),
    ("postrm", "mounted=$(mount_points)", "mounted=", mounts_below),
    ("postrm", "mounted=$(mount_points)", "mounted=", a_mount_of_its_own),
    ("postrm", "$DPKG_ROOT", "", another_root),
    ("prerm", "$DPKG_ROOT", "", another_root),
    ("prerm", """"${top%/}"/?*""", "*", a_root_whose_link_leads_out_of_it),
    ("prerm", "remove_bytecode\n", "[ -L /prt ] || remove_bytecode\n", a_link),
    ("postrm", """[ -L "$DPKG_ROOT/prt" ]""", "false", a_link),
    ("prerm", 'find "$root"', "find /apps/prt/", a_folder_above_is_a_link),
    ("postrm", '$(readlink -e "$DPKG_ROOT/apps/prt/")', "/apps/prt", a_folder_above_is_a_link),
    ("postrm", "-qvxF", "-qvx", neighbours),
    ("prerm", " && !(file in known)", "", neighbours),
    ("postrm", "! grep -q / /proc/self/mountinfo 2> /dev/null", "false", no_proc),
    ("prerm", " && !(file in known)", "", an_upgrade_given_up),
    ("postrm", " || shared", "", an_exchange),
    ("prerm", " && !(file in known)", "", an_exchange),
    ("prerm", "folder in known && ", "", an_upgrade),
    ("prerm", "remove_bytecode\n", '[ "$1" = upgrade ] || remove_bytecode\n', an_upgrade),
    ("postrm", """ || echo "$stays, in part\"""", "", what_can_t_be_removed),
)


@contextmanager
def machine(folder: Path, without: Guard = None) -> Iterator[Machine]:
    """A fresh container that may mount."""
    with running(base_image(Arch.native()), Arch.native(), network="none", privileged=True) as container:
        yield Machine(container, folder, without)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_what_is_not_the_packages_stays(scenario: Scenario, tmp_path: Path) -> None:
    with machine(tmp_path) as fresh:
        scenario(fresh)


@pytest.mark.parametrize(
    ("script", "guard", "instead", "scenario"), CONTROLS, ids=[f"{one[0]} {one[3].__name__}" for one in CONTROLS]
)
def test_without_this_guard_it_would_not(
    script: str, guard: str, instead: str, scenario: Scenario, tmp_path: Path
) -> None:
    with machine(tmp_path, (script, guard, instead)) as fresh, pytest.raises(AssertionError):
        scenario(fresh)
