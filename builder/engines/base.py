"""The protocol of an engine, and what every engine does in the same way."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from builder import command
from builder.errors import BuildError
from builder.inputs.network import Network
from builder.stages.stage import JOBS, WORK, Step
from builder.targets import Arch

Output = Callable[[str], None]


@dataclass(frozen=True)
class Item:
    """A file on its way into a workplace: its name there, and its content or the path that has it."""

    name: str
    content: bytes | Path
    executable: bool = False


class Workplace(Protocol):
    """A fresh place to run one stage's steps, with an empty PRT_ROOT and an empty work folder."""

    def put(self, items: Iterable[Item]) -> None:
        """Write files into the work folder."""

    def command(self, step: Step) -> str:
        """What a step runs, as a line for a shell that is in this workplace."""

    def run(self, step: Step, on_output: Output) -> int:
        """Run a step, hand over its output line by line, and return its exit code."""

    def get(self, name: str, destination: Path) -> None:
        """Copy a file of the work folder to this machine."""

    def attach(self, args: Sequence[str]) -> int:
        """Run a command on the user's own terminal, with the network of a step that downloads; return its exit code."""


class Engine(Protocol):
    """A way to run stages."""

    @property
    def name(self) -> str:
        """`docker`, `sandbox` or `host`, as ENGINE names it."""

    @property
    def isolated(self) -> bool:
        """Whether its testbeds are systems of their own, which a package may change, and not this machine."""

    @property
    def systems(self) -> tuple[str, ...]:
        """What packages are proved on where TEST_IMAGE names nothing: images, suites, or this machine."""

    def crosses(self, arch: Arch) -> bool:
        """Whether it has the compilers that cross-compile, for any architecture."""

    def builds_on(self, arch: Arch) -> Arch:
        """The architecture of the machine that compiles for `arch`."""

    def toolchain(self, arch: Arch, python: str, compiles: bool) -> str:
        """Make ready to build for an architecture; return the fingerprint of compiler, linker and headers.

        `python` is the version to build, `compiles` asks for the cross compilers. Raises UserError with
        what to install or set where that is impossible.
        """

    def surroundings(self, arch: Arch) -> str:
        """The fingerprint of where the steps of an architecture run that do not compile, its packages' among them."""

    def can_package(self, arch: Arch) -> None:
        """Raise UserError with what to install where Debian's packaging tools are missing."""

    def emulator(self, arch: Arch) -> str | None:
        """What runs the steps of a foreign architecture, such as `qemu 10.0.2`; None where none is needed."""

    def workplace(self, arch: Arch, compiles: bool = False) -> AbstractContextManager[Workplace]:
        """Open a workplace that runs steps as `arch`, or where it is compiled for, if `compiles`.

        It is gone when the context ends, however it ends.
        """

    def testbed(self, arch: Arch, image: str) -> AbstractContextManager[Workplace]:
        """Open a place where nothing was built: a container of an image, or this machine with a PRT_ROOT of its own.

        PRT_ROOT may be absent there. It is gone when the context ends; UserError where there can be none.
        """

    def at_once(self, arch: Arch) -> int:
        """How many workplaces and testbeds for an architecture may be open at a time."""

    def end_stages(self) -> None:
        """End what runs in other threads, for one of them failed; what begins later is not concerned."""

    def stop(self) -> None:
        """End what runs in other threads, and let nothing new begin: the user interrupted us."""


def put_files(folder: Path, items: Iterable[Item]) -> None:
    """Write files into a folder of this machine, where steps may have run: no link of theirs leads out of it."""
    for item in items:
        path = _below(folder, item.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if isinstance(item.content, Path):
            shutil.copyfile(item.content, path)
        else:
            path.write_bytes(item.content)
        path.chmod(0o755 if item.executable else 0o644)


def take_file(folder: Path, name: str, destination: Path) -> None:
    """Move a file out of a folder where steps have run; BuildError if they left something else in its place."""
    path = _below(folder, name)
    if path.is_symlink() or not path.is_file():
        raise no_file(name)
    shutil.move(path, destination)


def no_file(name: str) -> BuildError:
    """What is wrong where a step left a link, a folder or a pipe in the place of a result."""
    return BuildError(f"{name} is not a file after the steps that make it", "a script or a package replaced it")


def _below(folder: Path, name: str) -> Path:
    path = folder / name
    for above in path.relative_to(folder).parents:
        if above != Path() and (folder / above).is_symlink():
            raise BuildError(f"{above} became a link in the work folder", "a script or a package replaced it")
    return path


def fill(step: Step, work: PurePosixPath, jobs: int) -> tuple[list[str], dict[str, str], str]:
    """A step's arguments, variables and folder with the placeholders filled in."""

    def filled(text: str) -> str:
        return text.replace(WORK, str(work)).replace(JOBS, str(jobs))

    env = {name: filled(value) for name, value in step.env.items()}
    return [filled(arg) for arg in step.args], env, filled(step.cwd)


def shell_line(step: Step, work: PurePosixPath, jobs: int) -> str:
    """A step as a line for a shell, with the placeholders filled in."""
    args, env, cwd = fill(step, work, jobs)
    variables = (f"{name}={shlex.quote(value)}" for name, value in env.items())
    return f"cd {shlex.quote(cwd)} && {' '.join((*variables, command.quoted(args)))}"


def step_environment(
    step_env: dict[str, str],
    prt_root: PurePosixPath,
    work: PurePosixPath,
    network: Network | None,
    ca_bundle: str | None,
) -> dict[str, str]:
    """The whole environment of a step: nothing of the machine's own leaks in but, where it downloads, the network."""
    return {
        "PATH": f"{prt_root}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": f"{work}/home",
        "XDG_CONFIG_DIRS": f"{work}/home",
        "TMPDIR": f"{work}/tmp",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        **(network.environment(ca_bundle) if network else {}),
        **step_env,
    }
