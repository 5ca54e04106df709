"""Images of pinned root file systems: made by `docker buildx` from nothing else, tagged with their digest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from docker.models.images import Image

from builder.console import Console, Log
from builder.engines.endpoint import Endpoint
from builder.engines.images import OwnImage
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
        image = OwnImage(root.name, root.digest, root.arch)
        found = image.on(endpoint)
        if found:
            return found
        tree = self.roots.shelf.tree(root)
        log = Log(self.logs / image.log, self.roots.shelf.sources.network.redact)
        options = (f"--file={_DOCKERFILE}", str(tree))
        return image.make(endpoint, options, self.console, log, "the log has Docker's output")
