"""The docker engine: each stage in a fresh container of an image of pinned packages."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from docker.errors import APIError
from docker.models.containers import Container
from docker.models.images import Image

from builder.artifact_dir import CACHE, LOGS
from builder.console import Console
from builder.engines.container import WORK_FOLDER, DockerWorkplace
from builder.engines.endpoint import Endpoint
from builder.engines.images import BuilderImage, of_others
from builder.engines.owner import LABEL, this_process
from builder.engines.root_images import RootImages
from builder.engines.toolchain import CROSS_PROGRAMS, PROGRAMS, fingerprint
from builder.files import read_sealed, write_sealed
from builder.inputs.network import Network
from builder.roots.roles import Role
from builder.targets import Arch
from builder.versions import minor

_LIFETIME = "86400"  # seconds after which a container ends by itself, should nobody be left to remove it

_ONE_IMAGE = threading.Lock()  # is made at a time: stages that run side by side want the same


@dataclass
class DockerEngine:
    """Builds in containers. ARTIFACT_DIR keeps the logs, and the fingerprint of each builder image."""

    endpoints: Mapping[Arch, Endpoint]
    image: BuilderImage | RootImages
    prt_root: PurePosixPath
    network: Network
    artifact_dir: Path
    console: Console
    name: str = "docker"
    isolated: bool = True
    containers: list[Container] = field(default_factory=list)  # that run now
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def systems(self) -> tuple[str, ...]:
        """The suites that a lock is there for, or the base image; see Engine."""
        return self.image.roots.systems() if isinstance(self.image, RootImages) else (self.image.base,)

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
        """What an image holds: as its lock says, or looked at once for each image, with what of the recipe made it."""
        role, runs_on = self._role(arch, compiles)
        if isinstance(self.image, RootImages):
            return self.image.roots.root(role, runs_on).digest
        image = self._ensure(arch, compiles)
        number = str(image.id).removeprefix("sha256:")
        sealed = self.artifact_dir / CACHE / "images" / (f"{number}-{minor(python)}" if python else number)
        found = read_sealed(sealed)
        if not found:
            programs = CROSS_PROGRAMS if compiles else PROGRAMS
            with self.workplace(arch, compiles) as place:
                found = fingerprint(place, "the builder image", programs, packages=True, python=python)
            write_sealed(sealed, found)
        made_by = self.image.recipe(role)
        return hashlib.sha256(f"{found} {made_by}".encode()).hexdigest()

    def _ensure(self, arch: Arch, compiles: bool) -> Image:
        endpoint = self.endpoints[arch]
        role, runs_on = self._role(arch, compiles)
        with _ONE_IMAGE:
            if isinstance(self.image, RootImages):
                return self.image.of_role(endpoint, role, runs_on)
            return self.image.ensure(endpoint, role, runs_on, self.console, self.artifact_dir / LOGS)

    def _role(self, arch: Arch, compiles: bool) -> tuple[Role, Arch]:
        return (Role.COMPILER, self.endpoints[arch].native) if compiles else (Role.BUILDER, arch)

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
        if isinstance(self.image, RootImages) and image in self.systems:
            found = self.image.of_system(endpoint, image, arch)
        else:
            found, _ = of_others(endpoint, image, arch, "TEST_IMAGE")
        with self._container(endpoint, found) as place:
            place.prepare()
            yield place

    @contextmanager
    def _container(self, endpoint: Endpoint, image: Image) -> Iterator[DockerWorkplace]:
        """A fresh container; it is removed at the end, with whatever still runs in it."""
        platform = Arch(image.attrs["Architecture"]).platform
        container = endpoint.client.containers.create(
            image, ["sleep", _LIFETIME], platform=platform, working_dir=str(WORK_FOLDER), auto_remove=True,
            labels={LABEL: this_process()},
        )  # fmt: skip
        self.containers.append(container)
        try:
            if self.stopped.is_set():
                raise KeyboardInterrupt
            container.start()
            network = self.network.from_elsewhere()
            yield DockerWorkplace(container, endpoint, self.prt_root, network, endpoint.processors)
        finally:
            self.containers.remove(container)
            _remove(container)

    def at_once(self, arch: Arch) -> int:
        """As many as the daemon's machine has processors; see Engine."""
        return self.endpoints[arch].processors

    def end_stages(self) -> None:
        """Remove the containers that run, so that every step in them ends; see Engine."""
        for container in tuple(self.containers):
            _remove(container)

    def stop(self) -> None:
        """The same, for good; see Engine."""
        self.stopped.set()
        self.end_stages()


def _remove(container: Container) -> None:
    with suppress(APIError):  # it is gone already, or on its way
        container.remove(force=True)
