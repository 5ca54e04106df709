"""The host engine: the steps run on this machine, for its own architecture, below PRT_ROOT itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from builder import command
from builder.engines.base import Item, Output, fill, put_files, shell_line, step_environment, take_file
from builder.engines.prt_root import MARK, mount_point, put_back, taken
from builder.engines.toolchain import CROSS_PROGRAMS, PACKAGING, PROGRAMS, fingerprint, missing
from builder.errors import BuildError, UserError
from builder.inputs.network import Network
from builder.stages.stage import Step
from builder.targets import Arch
from builder.work import WorkFolder, remove_abandoned, work_folder

_STAGE = "stage"  # kind of this engine's work folders


@dataclass(frozen=True)
class HostWorkplace:
    """PRT_ROOT and a work folder on this machine. `prefix` is put before every command.

    `locks` are the descriptors that every step inherits: so its folders count as used until it has ended, too.
    """

    prt_root: PurePosixPath
    work: Path
    network: Network
    prefix: tuple[str, ...] = ()
    locks: tuple[int, ...] = ()
    running: set[int] = field(default_factory=set)

    def put(self, items: Iterable[Item]) -> None:
        """Write files into the work folder."""
        put_files(self.work, items)

    def command(self, step: Step) -> str:
        """What a step runs; see Workplace."""
        return shell_line(step, PurePosixPath(self.work), os.cpu_count() or 1)

    def run(self, step: Step, on_output: Output) -> int:
        """Run a step as a process of this machine, in an environment of its own."""
        args, env, cwd = fill(step, PurePosixPath(self.work), os.cpu_count() or 1)
        whole = self._environment(env, step.network)
        return command.stream(
            [*self.prefix, *args], on_output, cwd=Path(cwd), env=whole, umask=0o022, pass_fds=self.locks,
            running=self.running,
        )  # fmt: skip

    def get(self, name: str, destination: Path) -> None:
        """Move a file out of the work folder."""
        take_file(self.work, name, destination)

    def attach(self, args: Sequence[str]) -> int:
        """Run a command on the user's own terminal."""
        env = self._environment({"TERM": "xterm"}, network=True)
        return command.attached([*self.prefix, *args], cwd=self.work / "home", env=env, pass_fds=self.locks)

    def _environment(self, env: dict[str, str], network: bool) -> dict[str, str]:
        ca_bundle = str(self.network.ca_bundle) if self.network.ca_bundle else None
        work = PurePosixPath(self.work)
        whole = step_environment(env, self.prt_root, work, self.network if network else None, ca_bundle)
        # The mark in PRT_ROOT is not part of what is packed there.
        return {**whole, "TAR_OPTIONS": f"--exclude=./{MARK}"}


@dataclass(frozen=True)
class HostEngine:
    """Builds on this machine. `scratch` is the folder for work folders; nothing is left outside of it."""

    prt_root: PurePosixPath
    scratch: Path
    network: Network
    name: str = "host"
    isolated: bool = False
    systems: tuple[str, ...] = ("this machine",)
    say: Callable[[str], None] = print
    running: set[int] = field(default_factory=set)  # process groups

    def crosses(self, arch: Arch) -> bool:
        """Whether this machine has everything to cross-compile; see Engine."""
        return all(shutil.which(program) for program in CROSS_PROGRAMS)

    def builds_on(self, arch: Arch) -> Arch:
        """This machine's architecture."""
        return Arch.native()

    def toolchain(self, arch: Arch, python: str, compiles: bool) -> str:
        """Check what this machine has; see Engine."""
        demand(arch)
        absent = [program for program in PROGRAMS if not shutil.which(program)]
        if absent:
            raise missing(absent, PROGRAMS, "this machine")
        with self._work() as work:
            place = HostWorkplace(self.prt_root, work.path, self.network)
            programs = CROSS_PROGRAMS if compiles else PROGRAMS
            return fingerprint(place, "this machine", programs, python="" if compiles else python)

    def surroundings(self, arch: Arch) -> str:
        """The versions of what this machine has; see Engine."""
        with self._work() as work:
            return fingerprint(HostWorkplace(self.prt_root, work.path, self.network), "this machine", PROGRAMS)

    def can_package(self, arch: Arch) -> None:
        """Check for dpkg's tools; see Engine."""
        absent = [program for program in PACKAGING if not shutil.which(program)]
        if absent:
            raise missing(absent, PACKAGING, "this machine")

    def emulator(self, arch: Arch) -> str | None:
        """None: this machine's own architecture needs no emulator."""
        return None

    @contextmanager
    def workplace(self, arch: Arch, compiles: bool = False) -> Iterator[HostWorkplace]:
        """Take PRT_ROOT for the time of a stage."""
        with self._work() as work, taken(Path(self.prt_root), work.path, self.say) as lock:
            locks = (work.lock, lock)
            yield HostWorkplace(self.prt_root, work.path, self.network, locks=locks, running=self.running)
        # A step of a killed build may have lived when this build began; by now it has given PRT_ROOT back.
        self.remove_abandoned()

    @contextmanager
    def testbed(self, arch: Arch, image: str) -> Iterator[HostWorkplace]:
        """This machine, with a PRT_ROOT that only our own processes see; see Engine."""
        root = Path(self.prt_root)
        with self._work() as work, mount_point(root, work.path, self.say) as lock:
            prefix = _private_mount(work.path / "private-root", root)
            yield HostWorkplace(self.prt_root, work.path, self.network, prefix, (work.lock, lock))

    def at_once(self, arch: Arch) -> int:
        """One: each needs PRT_ROOT for itself."""
        return 1

    def end_stages(self) -> None:
        """End every step; see Engine."""
        command.kill(self.running)

    def stop(self) -> None:
        """End every step. There is nothing else to begin: this engine builds one target at a time."""
        self.end_stages()

    def remove_abandoned(self) -> None:
        """Put PRT_ROOT back as it was before a build that was killed, and remove that build's work folders."""
        remove_abandoned(self.scratch, _STAGE, self.say, before=put_back)

    @contextmanager
    def _work(self) -> Iterator[WorkFolder]:
        # CPython's makefiles and python-build break on blanks in a path.
        if any(letter.isspace() for letter in str(self.scratch)):
            raise UserError(f"{self.scratch}: the host engine can't build below a path with blanks", "set ARTIFACT_DIR")
        with work_folder(self.scratch, _STAGE) as work:
            for name in ("home", "tmp"):
                (work.path / name).mkdir()
            yield work


def demand(arch: Arch) -> None:
    """Raise UserError for an architecture that is not this machine's."""
    if arch is not Arch.native():
        raise UserError(
            f"the host engine builds for {Arch.native().value} only, not for {arch.value}",
            "set ENGINE=auto, or run the build on a machine of that architecture",
        )


def _private_mount(folder: Path, root: Path) -> tuple[str, ...]:
    """What to put before a command so that it sees `folder` at `root`, and nobody else does."""
    folder.mkdir()
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    mount = 'mount --bind "$0" "$1" && shift && exec "$@"'
    prefix = ("unshare", "--mount", *user, "sh", "-c", mount, str(folder), str(root))
    try:
        command.output([*prefix, "true"])
    except (BuildError, OSError) as problem:
        raise UserError(
            f"this machine allows no private mount of PRT_ROOT={root}: {problem}", "run it as root, or ENGINE=docker"
        ) from None
    return prefix
