"""The builder image on a base image of the user's choice, for those who want its libraries (LIBRARIES=system)."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from docker.errors import APIError, ImageNotFound
from docker.models.images import Image

from builder import command
from builder.console import Console, Log, step_failed
from builder.engines.endpoint import Endpoint
from builder.errors import UserError
from builder.inputs.network import Network
from builder.roots.roles import Role
from builder.targets import Arch

REPOSITORY = "python-runtime-builder"


@dataclass(frozen=True)
class OwnImage:
    """An image that we make: what it is called, the digest of its inputs, and its architecture."""

    name: str
    digest: str
    arch: Arch

    @property
    def tag(self) -> str:
        """The tag that it has wherever it was made."""
        return f"{REPOSITORY}/{self.name}:{self.digest[:12]}-{self.arch.value}"

    @property
    def log(self) -> str:
        """The name of the log of its making."""
        return f"{self.name}-image-{self.arch.value}.log"

    def on(self, endpoint: Endpoint) -> Image | None:
        """The image; None if it has to be made. UserError if it can't be made there."""
        try:
            return endpoint.client.images.get(self.tag)
        except ImageNotFound:
            endpoint.check(self.arch)
            return None

    def make(self, endpoint: Endpoint, options: Iterable[str], console: Console, log: Log, hint: str) -> Image:
        """Make it with `docker buildx`; `options` end with the folder that has what goes in."""
        args = endpoint.docker(
            "buildx", "build", "--builder=default", "--load", "--progress=plain", "--provenance=false",
            f"--platform={self.arch.platform}", f"--tag={self.tag}", *options,
        )  # fmt: skip
        with console.step(f"{self.name} image {self.arch.value}", log, command.quoted(args)) as on_output:
            code = command.stream(args, on_output)
            if code:
                raise step_failed(f"{self.name} image", code, hint, log)
        return endpoint.client.images.get(self.tag)


@dataclass(frozen=True)
class BuilderImage:
    """The inputs of a builder image. `folder` holds its Dockerfile; `debian_mirror` is empty for the image's own."""

    folder: Path
    base: str
    debian_mirror: str
    network: Network

    def ensure(self, endpoint: Endpoint, role: Role, arch: Arch, console: Console, logs: Path) -> Image:
        """The image of a role for an architecture; built if there is none of these inputs yet."""
        base, base_tag = of_others(endpoint, self.base, arch, "BASE_IMAGE")
        image = OwnImage(role.value, self._digest(role, str(base.id)), arch)
        found = image.on(endpoint)
        if found:
            return found
        options = [f"--build-arg=BASE_IMAGE={base_tag}", f"--build-arg=PACKAGES={role.value}.txt"]
        # Named only: docker takes the value from its own environment, so that no password is on a command line.
        options += [f"--build-arg={name}" for name in self.network.proxies]
        if self.network.ca_bundle:
            options.append(f"--secret=id=ca_bundle,src={self.network.ca_bundle}")
        log = Log(logs / image.log, self.network.redact)
        # In a file: a build argument is on a command line, and stays in the image's history.
        with tempfile.NamedTemporaryFile("w", prefix="debian-mirror-") as mirror:
            mirror.write(self.debian_mirror)
            mirror.flush()
            options += [f"--secret=id=debian_mirror,src={mirror.name}", str(self.folder)]
            return image.make(endpoint, options, console, log, "fix recipes/builder, or set DEBIAN_MIRROR")

    def recipe(self, role: Role) -> str:
        """The digest of the files in `folder` that an image is made by, on whatever base."""
        return self._digest(role, "")

    def _digest(self, role: Role, base: str) -> str:
        inputs = hashlib.sha256(base.encode())
        others = {f"{other.value}.txt" for other in Role if other is not role}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path.name not in others:
                kind = f"\0{path.readlink()}" if path.is_symlink() else "\0x" if path.stat().st_mode & 0o100 else ""
                inputs.update(f"\0{path.relative_to(self.folder)}{kind}\0".encode() + path.read_bytes())
        return inputs.hexdigest()


def of_others(endpoint: Endpoint, name: str, arch: Arch, setting: str) -> tuple[Image, str]:
    """An image that a setting names, and our tag that keeps it: a plain name holds one architecture at a time."""
    name = name.replace("{arch}", arch.value)
    kept = f"{REPOSITORY}/base:{hashlib.sha256(name.encode()).hexdigest()[:12]}-{arch.value}"
    images = endpoint.client.images
    for tag in (name, kept):
        try:
            image = images.get(tag)
        except ImageNotFound:
            continue
        if image.attrs["Architecture"] == arch.value:
            break
    else:
        try:
            image = images.pull(name, platform=arch.platform)
        except APIError as problem:
            reason = problem.explanation or str(problem)
            raise UserError(f"{setting} {name} can't be pulled for {arch.value}: {reason}", f"set {setting}") from None
    image.tag(kept)
    return image, kept


def ours(endpoint: Endpoint) -> Iterator[str]:
    """The tags of every image we made on an endpoint."""
    for image in endpoint.client.images.list(filters={"reference": f"{REPOSITORY}/*"}):
        # An image may have a tag of its user's as well: that one stays.
        yield from (tag for tag in image.tags if tag.startswith(f"{REPOSITORY}/"))
