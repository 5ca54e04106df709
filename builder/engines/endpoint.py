"""One Docker endpoint: the SDK's client, the docker command, and what the daemon there can run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import docker
from docker.context import ContextAPI
from docker.errors import DockerException
from docker.utils import kwargs_from_env

from builder import command
from builder.engines import emulation
from builder.engines.preflight import Problem
from builder.errors import BuildError
from builder.targets import Arch

# A step may be silent for hours, as an emulated compile is.
_READ_TIMEOUT = 24 * 3600  # seconds


@dataclass(frozen=True)
class Endpoint:
    """`url` as in DOCKER_HOST; empty for the one the docker command uses by itself."""

    url: str

    @cached_property
    def address(self) -> str:
        """The URL in use."""
        return self.url or str(self._environment.get("base_url") or ContextAPI.get_current_context().Host)

    @cached_property
    def client(self) -> docker.DockerClient:
        """A connected client; UserError if the daemon does not answer."""
        try:
            client = docker.DockerClient(
                base_url=self.address,
                timeout=_READ_TIMEOUT,
                use_ssh_client=self.address.startswith("ssh:"),
                tls=self._environment.get("tls", False),
            )
            client.ping()
        except DockerException as problem:
            denied = "PermissionError" in str(problem)
            raise (Problem.NO_PERMISSION if denied else Problem.DAEMON_DOWN).error(endpoint=self.address) from None
        return client

    @cached_property
    def native(self) -> Arch:
        """The architecture of the daemon's machine."""
        return Arch.of(self.client.version()["Arch"])

    @cached_property
    def processors(self) -> int:
        """How many the daemon's machine has."""
        return int(self.client.info()["NCPU"])

    @property
    def _environment(self) -> dict[str, Any]:
        """What DOCKER_HOST and related variables say, as the SDK reads them; nothing where a URL was given."""
        return {} if self.url else dict(kwargs_from_env())

    def docker(self, *args: str) -> list[str]:
        """A docker command line for this endpoint."""
        return ["docker", *(["--host", self.url] if self.url else []), *args]

    def check(self, arch: Arch) -> None:
        """Raise UserError unless images can be built and containers run here for this architecture."""
        _ = self.client
        try:
            command.output(self.docker("buildx", "version"))
            platforms = command.output(self.docker("buildx", "inspect", "default"))
        except OSError:
            raise Problem.NO_COMMAND.error() from None
        except BuildError:
            raise Problem.NO_BUILDX.error() from None
        if arch is not self.native and not re.search(rf"{arch.platform}\b", platforms):
            raise Problem.NO_EMULATION.error(endpoint=self.address, arch=arch.value)

    def emulator(self, arch: Arch) -> str | None:
        """What runs a foreign architecture here, with its version where this machine can tell."""
        return None if arch is self.native else emulation.version(arch)
