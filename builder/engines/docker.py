"""The docker engine: each stage in a fresh container of the builder image; files travel as tar streams."""

from __future__ import annotations

import codecs
import hashlib
import io
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from docker.errors import APIError
from docker.models.containers import Container
from docker.models.images import Image

from builder import command
from builder.console import Console
from builder.engines.base import Item, Output, fill, step_environment
from builder.engines.endpoint import Endpoint
from builder.engines.images import BuilderImage, Role, of_others
from builder.engines.owner import LABEL, owner
from builder.engines.preflight import Problem
from builder.engines.toolchain import CROSS_PROGRAMS, PROGRAMS, fingerprint
from builder.errors import BuildError
from builder.files import read_sealed, write_sealed
from builder.network import Network
from builder.stages.step import Step
from builder.targets import Arch
from builder.versions import minor

_WORK = PurePosixPath("/python-runtime-builder")
_CA_BUNDLE = "ca-bundle.pem"
_LIFETIME = "86400"  # seconds after which a container ends by itself, should nobody be left to remove it


@dataclass(frozen=True)
class DockerWorkplace:
    """A running container."""

    container: Container
    endpoint: Endpoint
    prt_root: PurePosixPath
    network: Network
    jobs: int

    def put(self, items: Iterable[Item]) -> None:
        """Write files into the work folder."""
        with tempfile.TemporaryFile() as stream:
            with tarfile.open(fileobj=stream, mode="w") as archive:
                for item in items:
                    _add(archive, item)
            stream.seek(0)
            self.container.put_archive(str(_WORK), stream)

    def run(self, step: Step, on_output: Output) -> int:
        """Run a step by `docker exec`."""
        args, env, cwd = fill(step, _WORK, self.jobs)
        return self._exec(args, self._environment(env, step.network), on_output, cwd)

    def get(self, name: str, destination: Path) -> None:
        """Copy a file of the work folder to this machine."""
        chunks, _ = self.container.get_archive(str(_WORK / name))
        with tempfile.TemporaryFile(dir=destination.parent) as stream:
            for chunk in chunks:
                stream.write(chunk)
            stream.seek(0)
            with tarfile.open(fileobj=stream) as archive, destination.open("wb") as file:
                content = archive.extractfile(archive.getmembers()[0])
                assert content, f"{name} is a file"
                shutil.copyfileobj(content, file)

    def attach(self, args: Sequence[str]) -> int:
        """Run a command by the docker command, which knows how to pass a terminal on."""
        # In a file without a name: no password stands on a command line, or stays when we are killed.
        with tempfile.TemporaryFile("w") as variables:
            variables.writelines(f"{name}={value}\n" for name, value in self._environment({}, network=True).items())
            variables.flush()
            terminal = ["--tty"] if command.has_terminal() else []
            number = variables.fileno()
            options = ["--interactive", *terminal, f"--env-file=/dev/fd/{number}", f"--workdir={_WORK}/home"]
            line = self.endpoint.docker("exec", *options, str(self.container.id), *args)
            try:
                return command.attached(line, pass_fds=[number])
            except FileNotFoundError:
                raise Problem.NO_COMMAND.error() from None

    def prepare(self, *folders: str) -> None:
        """Make the folders every step expects, and these; bring the CA bundle."""
        folders = (f"{_WORK}/home", f"{_WORK}/tmp", *folders)
        if self._exec(["mkdir", "-p", *folders], {}, lambda line: None, "/"):
            raise BuildError(f"can't make {', '.join(folders)} in the container")
        if self.network.ca_bundle:
            self.put([Item(_CA_BUNDLE, self.network.ca_bundle)])

    def _environment(self, env: dict[str, str], network: bool) -> dict[str, str]:
        ca_bundle = f"{_WORK}/{_CA_BUNDLE}" if self.network.ca_bundle else None
        return step_environment(env, self.prt_root, _WORK, self.network if network else None, ca_bundle)

    def _exec(self, args: list[str], env: Mapping[str, str], on_output: Output, workdir: str) -> int:
        assert self.container.client
        api = self.container.client.api
        execution = api.exec_create(self.container.id, args, environment=dict(env), workdir=workdir)["Id"]
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        rest = ""
        stream = api.exec_start(execution, stream=True)
        try:
            for chunk in stream:
                *lines, rest = (rest + decoder.decode(chunk)).split("\n")
                for line in lines:
                    on_output(line.rstrip("\r"))
        finally:
            with suppress(OSError):  # the other end is often gone first
                stream.close()
        if rest:
            on_output(rest)
        return int(api.exec_inspect(execution)["ExitCode"])


@dataclass(frozen=True)
class DockerEngine:
    """Builds in containers. ARTIFACT_DIR keeps the logs, and the fingerprint of each builder image."""

    endpoints: Mapping[Arch, Endpoint]
    image: BuilderImage
    prt_root: PurePosixPath
    network: Network
    artifact_dir: Path
    console: Console
    name: str = "docker"
    containers: list[Container] = field(default_factory=list)  # that run now
    stopped: threading.Event = field(default_factory=threading.Event)

    def crosses(self, arch: Arch) -> bool:
        """The compiler image can; see Engine."""
        return True

    def builds_on(self, arch: Arch) -> Arch:
        """The architecture of the daemon's machine; see Engine."""
        return self.endpoints[arch].native

    def toolchain(self, arch: Arch, python: str, compiles: bool) -> str:
        """Have the builder image ready; see Engine."""
        return self._fingerprint(arch, compiles, "" if compiles else python)

    def surroundings(self, arch: Arch) -> str:
        """The packages of the builder image, and what it is made by; see Engine."""
        return self._fingerprint(arch, compiles=False)

    def _fingerprint(self, arch: Arch, compiles: bool, python: str = "") -> str:
        """What an image holds, looked at once for each image, and what of the recipe made it."""
        image = self._ensure(arch, compiles)
        number = str(image.id).removeprefix("sha256:")
        note = self.artifact_dir / "cache" / "images" / (f"{number}-{minor(python)}" if python else number)
        found = read_sealed(note)
        if not found:
            programs = CROSS_PROGRAMS if compiles else PROGRAMS
            with self.workplace(arch, compiles) as place:
                found = fingerprint(place, "the builder image", programs, packages=True, python=python)
            write_sealed(note, found)
        made_by = self.image.recipe(Role.COMPILER if compiles else Role.BUILDER)
        return hashlib.sha256(f"{found} {made_by}".encode()).hexdigest()

    def _ensure(self, arch: Arch, compiles: bool) -> Image:
        endpoint = self.endpoints[arch]
        role, runs_on = (Role.COMPILER, endpoint.native) if compiles else (Role.BUILDER, arch)
        return self.image.ensure(endpoint, role, runs_on, self.console, self.artifact_dir / "logs")

    def can_package(self, arch: Arch) -> None:
        """The images can; see Engine."""

    def emulator(self, arch: Arch) -> str | None:
        """What runs a foreign architecture; see Engine."""
        return self.endpoints[arch].emulator(arch)

    @contextmanager
    def workplace(self, arch: Arch, compiles: bool = False) -> Iterator[DockerWorkplace]:
        """A fresh container of a builder image; see Engine."""
        with self._container(self.endpoints[arch], self._ensure(arch, compiles)) as place:
            place.prepare(str(self.prt_root))
            yield place

    @contextmanager
    def testbed(self, arch: Arch, image: str) -> Iterator[DockerWorkplace]:
        """A fresh container of a test image; see Engine."""
        endpoint = self.endpoints[arch]
        found, _ = of_others(endpoint, image, arch, "TEST_IMAGE")
        with self._container(endpoint, found) as place:
            place.prepare()
            yield place

    @contextmanager
    def _container(self, endpoint: Endpoint, image: Image) -> Iterator[DockerWorkplace]:
        """A fresh container; it is removed at the end, with whatever still runs in it."""
        platform = Arch(image.attrs["Architecture"]).platform
        container = endpoint.client.containers.create(
            image, ["sleep", _LIFETIME], platform=platform, working_dir=str(_WORK), auto_remove=True,
            labels={LABEL: owner()},
        )  # fmt: skip
        self.containers.append(container)
        try:
            if self.stopped.is_set():
                raise KeyboardInterrupt
            container.start()
            jobs = int(endpoint.client.info()["NCPU"])
            yield DockerWorkplace(container, endpoint, self.prt_root, self.network.from_elsewhere(), jobs)
        finally:
            self.containers.remove(container)
            _remove(container)

    def stop(self) -> None:
        """Remove the containers that still run, so that every step in them ends; see Engine."""
        self.stopped.set()
        for container in tuple(self.containers):
            _remove(container)


def _remove(container: Container) -> None:
    with suppress(APIError):  # it is gone already, or on its way
        container.remove(force=True)


def _add(archive: tarfile.TarFile, item: Item) -> None:
    entry = tarfile.TarInfo(item.name)
    entry.mode = 0o755 if item.executable else 0o644
    if isinstance(item.content, Path):
        entry.size = item.content.stat().st_size
        with item.content.open("rb") as content:
            archive.addfile(entry, content)
    else:
        entry.size = len(item.content)
        archive.addfile(entry, io.BytesIO(item.content))
