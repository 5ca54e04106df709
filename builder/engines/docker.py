"""The docker engine: each stage in a fresh container of the builder image; files travel as tar streams."""

from __future__ import annotations

import codecs
import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from docker.models.containers import Container
from docker.models.images import Image

from builder.console import Console
from builder.engines.base import Item, Output, fill, step_environment
from builder.engines.endpoint import Endpoint
from builder.engines.images import BuilderImage, Role
from builder.engines.toolchain import fingerprint
from builder.errors import BuildError
from builder.network import Network
from builder.stages.step import Step
from builder.targets import Arch

_WORK = PurePosixPath("/python-runtime-builder")
_CA_BUNDLE = "ca-bundle.pem"
_LIFETIME = "86400"  # seconds after which a container ends by itself, should nobody be left to remove it


@dataclass(frozen=True)
class DockerWorkplace:
    """A running container with an empty PRT_ROOT."""

    container: Container
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
        ca_bundle = f"{_WORK}/{_CA_BUNDLE}" if self.network.ca_bundle else None
        network = self.network if step.network else None
        whole = step_environment(env, self.prt_root, _WORK, network, ca_bundle)
        return self._exec(args, whole, on_output, cwd)

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

    def prepare(self) -> None:
        """Make the folders every step expects, and bring the CA bundle."""
        folders = [str(self.prt_root), f"{_WORK}/home", f"{_WORK}/tmp"]
        if self._exec(["mkdir", "-p", *folders], {}, lambda line: None, "/"):
            raise BuildError(f"can't make {', '.join(folders)} in the builder image")
        if self.network.ca_bundle:
            self.put([Item(_CA_BUNDLE, self.network.ca_bundle)])

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

    def crosses(self, arch: Arch) -> bool:
        """The compiler image can; see Engine."""
        return True

    def builds_on(self, arch: Arch) -> Arch:
        """The architecture of the daemon's machine; see Engine."""
        return self.endpoints[arch].native

    def toolchain(self, arch: Arch, compiles: bool) -> str:
        """Have the builder image ready; see Engine."""
        image = self._ensure(arch, compiles)
        note = self.artifact_dir / "cache" / "toolchains" / str(image.id).removeprefix("sha256:")
        if not note.is_file():
            with self.workplace(arch, compiles) as place:
                found = fingerprint(place, "the builder image", compiles)
            note.parent.mkdir(parents=True, exist_ok=True)
            part = note.with_suffix(".part")
            part.write_text(found)
            part.rename(note)
        return note.read_text()

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
        """A fresh container; it is removed at the end, with whatever still runs in it."""
        endpoint = self.endpoints[arch]
        image = self._ensure(arch, compiles)
        platform = Arch(image.attrs["Architecture"]).platform
        container = endpoint.client.containers.create(
            image, ["sleep", _LIFETIME], platform=platform, working_dir=str(_WORK), auto_remove=True
        )
        try:
            container.start()
            jobs = int(endpoint.client.info()["NCPU"])
            place = DockerWorkplace(container, self.prt_root, self.network.from_elsewhere(), jobs)
            place.prepare()
            yield place
        finally:
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
