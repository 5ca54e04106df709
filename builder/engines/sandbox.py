"""The sandbox engine: each stage in a root file system of pinned packages, entered as an ordinary user."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from builder import command, files
from builder.engines import bubblewrap, emulation
from builder.engines.base import Item, Output, fill, put_files, shell_line, step_environment, take_file
from builder.engines.bubblewrap import Bubblewrap
from builder.inputs.network import Network
from builder.roots.roles import Role, Roots
from builder.stages.stage import Step
from builder.targets import Arch
from builder.work import remove_abandoned, work_folder

_WORK = PurePosixPath("/python-runtime-builder")  # as in a container: the same paths make the same bytes
_CA_BUNDLE = "ca-bundle.pem"
_KIND = "sandbox"  # of this engine's work folders


@dataclass(frozen=True)
class SandboxWorkplace:
    """A work folder of this machine, and the mounts that steps see in place of the rest of it."""

    bubblewrap: Bubblewrap
    mounts: tuple[str, ...]
    work: Path
    prt_root: PurePosixPath
    network: Network
    running: set[int]
    stopped: threading.Event

    def put(self, items: Iterable[Item]) -> None:
        """Write files into the work folder."""
        put_files(self.work, items)

    def command(self, step: Step) -> str:
        """What a step runs; see Workplace."""
        return shell_line(step, _WORK, os.cpu_count() or 1)

    def run(self, step: Step, on_output: Output) -> int:
        """Run a step, with a network only if it asks for one."""
        if self.stopped.is_set():
            raise KeyboardInterrupt
        args, env, cwd = fill(step, _WORK, os.cpu_count() or 1)
        line = self.bubblewrap.command(self.mounts, args, cwd, step.network)
        return command.stream(
            line, on_output, cwd=self.work, env=self._environment(env, step.network), umask=0o022, running=self.running
        )

    def get(self, name: str, destination: Path) -> None:
        """Move a file out of the work folder."""
        take_file(self.work, name, destination)

    def attach(self, args: Sequence[str]) -> int:
        """Run a command on the user's own terminal."""
        line = self.bubblewrap.command(self.mounts, [*args], f"{_WORK}/home", network=True)
        return command.attached(line, env=self._environment({"TERM": "xterm"}, network=True))

    def _environment(self, env: dict[str, str], network: bool) -> dict[str, str]:
        ca_bundle = f"{_WORK}/{_CA_BUNDLE}" if self.network.ca_bundle else None
        whole = step_environment(env, self.prt_root, _WORK, self.network if network else None, ca_bundle)
        # Inside there is one user, whatever the owners in an archive.
        return {"TAR_OPTIONS": "--no-same-owner", **whole}


@dataclass
class SandboxEngine:
    """Builds on this machine without its programs. `scratch` is the folder for work folders."""

    roots: Roots
    prt_root: PurePosixPath
    scratch: Path
    network: Network
    name: str = "sandbox"
    isolated: bool = True
    running: set[int] = field(default_factory=set)  # process groups
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def systems(self) -> tuple[str, ...]:
        """The suites that a lock is there for; see Engine."""
        return self.roots.systems()

    def crosses(self, arch: Arch) -> bool:
        """The compiler's root file system can; see Engine."""
        return True

    def builds_on(self, arch: Arch) -> Arch:
        """This machine's architecture."""
        return Arch.native()

    def toolchain(self, arch: Arch, python: str, compiles: bool) -> str:
        """The digest of a lock: nothing is unpacked to know it; see Engine."""
        emulation.check(arch)
        return self.roots.root(*self._role(arch, compiles)).digest

    def surroundings(self, arch: Arch) -> str:
        """The digest of the other lock; see Engine."""
        return self.roots.root(Role.BUILDER, arch).digest

    def can_package(self, arch: Arch) -> None:
        """The root file systems can; see Engine."""

    def emulator(self, arch: Arch) -> str | None:
        """What runs a foreign architecture; see Engine."""
        return None if arch is Arch.native() else emulation.version(arch)

    @contextmanager
    def workplace(self, arch: Arch, compiles: bool = False) -> Iterator[SandboxWorkplace]:
        """The root file system of a role, an empty PRT_ROOT and an empty work folder; see Engine."""
        tree = self.roots.tree(*self._role(arch, compiles))
        with self._stage() as stage:
            files.make_public(stage / "prt-root")
            mounts = bubblewrap.read_only(tree, self.prt_root)
            yield self._place(stage, (*mounts, "--bind", str(stage / "prt-root"), str(self.prt_root)))

    @contextmanager
    def testbed(self, arch: Arch, image: str) -> Iterator[SandboxWorkplace]:
        """A copy of a suite's root file system, which a package may change; see Engine."""
        emulation.check(arch)
        tree = self.roots.shelf.tree(self.roots.system(image, arch))
        with self._stage() as stage:
            copy = stage / "system"
            shutil.copytree(tree, copy, symlinks=True)
            yield self._place(stage, ("--bind", str(copy), "/", *bubblewrap.system()))

    def at_once(self, arch: Arch) -> int:
        """As many as this machine has processors; see Engine."""
        return os.cpu_count() or 1

    def end_stages(self) -> None:
        """End every step; see Engine."""
        command.kill(self.running)

    def stop(self) -> None:
        """End every step, and let none begin; see Engine."""
        self.stopped.set()
        self.end_stages()

    def remove_abandoned(self, say: Callable[[str], None]) -> None:
        """Remove the work folders of builds that were killed; nothing of theirs runs any more."""
        remove_abandoned(self.scratch, _KIND, say)

    def _role(self, arch: Arch, compiles: bool) -> tuple[Role, Arch]:
        return (Role.COMPILER, Arch.native()) if compiles else (Role.BUILDER, arch)

    def _place(self, stage: Path, mounts: tuple[str, ...]) -> SandboxWorkplace:
        work = stage / "work"
        mounts = (*mounts, "--bind", str(work), str(_WORK))
        network = self.network.from_elsewhere()
        place = SandboxWorkplace(self._bubblewrap, mounts, work, self.prt_root, network, self.running, self.stopped)
        for name in ("home", "tmp"):
            (work / name).mkdir(parents=True)
        if network.ca_bundle:
            place.put([Item(_CA_BUNDLE, network.ca_bundle)])
        return place

    @cached_property
    def _bubblewrap(self) -> Bubblewrap:
        self.scratch.mkdir(parents=True, exist_ok=True)
        return bubblewrap.find(lambda: self.roots.tree(Role.BUILDER, Arch.native()), self.scratch)

    @contextmanager
    def _stage(self) -> Iterator[Path]:
        if self.stopped.is_set():
            raise KeyboardInterrupt
        with work_folder(self.scratch, _KIND) as work:
            yield work.path
