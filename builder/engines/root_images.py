"""Images of pinned root file systems: made by `docker buildx` from nothing else, tagged with their digest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from docker.errors import ImageNotFound
from docker.models.images import Image

from builder import command
from builder.console import Console, Log, step_failed
from builder.engines.endpoint import Endpoint
from builder.engines.images import REPOSITORY
from builder.roots.lock import Root
from builder.roots.roles import Role, Roots
from builder.targets import Arch

_DOCKERFILE = Path(__file__).with_name("root.Dockerfile")


@dataclass(frozen=True)
class RootImages:
    """Where the root file systems are, and where the daemon's output goes."""

    roots: Roots
    console: Console
    logs: Path

    def of_role(self, endpoint: Endpoint, role: Role, arch: Arch) -> Image:
        """The image of a role for an architecture; made if the endpoint has none of this digest."""
        return self._image(endpoint, self.roots.root(role, arch))

    def of_system(self, endpoint: Endpoint, suite: str, arch: Arch) -> Image:
        """The image of a suite that packages are proved on."""
        return self._image(endpoint, self.roots.system(suite, arch))

    def _image(self, endpoint: Endpoint, root: Root) -> Image:
        tag = f"{REPOSITORY}/{root.name}:{root.digest[:12]}-{root.arch.value}"
        try:
            return endpoint.client.images.get(tag)
        except ImageNotFound:
            pass
        endpoint.check(root.arch)
        tree = self.roots.shelf.tree(root)
        args = endpoint.docker(
            "buildx", "build", "--builder=default", "--load", "--progress=plain", "--provenance=false",
            f"--platform={root.arch.platform}", f"--tag={tag}", f"--file={_DOCKERFILE}", str(tree),
        )  # fmt: skip
        log = Log(self.logs / f"{root.name}-image-{root.arch.value}.log", self.roots.shelf.sources.network.redact)
        with self.console.step(f"{root.name} image {root.arch.value}", log, command.quoted(args)) as on_output:
            code = command.stream(args, on_output)
            if code:
                raise step_failed(f"{root.name} image", code, "the log has Docker's output", log)
        return endpoint.client.images.get(tag)
