"""ENGINE: which engine builds, and why."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress

from builder.artifact_dir import LOGS, WORK
from builder.console import Console
from builder.engines import bubblewrap, emulation, host
from builder.engines.base import Engine
from builder.engines.host import HostEngine
from builder.engines.preflight import Problem
from builder.engines.sandbox import SandboxEngine
from builder.errors import UserError
from builder.inputs.choices import EngineChoice, Libraries
from builder.inputs.network import Network
from builder.inputs.settings import Settings
from builder.roots.roles import Roots
from builder.targets import Arch


def decide(settings: Settings, arch: Arch) -> tuple[EngineChoice, str]:
    """Which engine builds for `arch`, and why; UserError if the one that was asked for can't, or none can."""
    if settings.engine is EngineChoice.HOST:
        host.demand(arch)
        return EngineChoice.HOST, "ENGINE=host"
    if settings.engine is EngineChoice.SANDBOX:
        bubblewrap.demand()
        emulation.check(arch)
        return EngineChoice.SANDBOX, "ENGINE=sandbox"
    try:
        return EngineChoice.DOCKER, f"it answers at {_answering(settings, arch)}"
    except UserError as problem:
        if settings.engine is EngineChoice.DOCKER:
            raise
        no_docker = problem
    no_sandbox = bubblewrap.forbidden()
    if not no_sandbox:
        emulation.check(arch)
        return EngineChoice.SANDBOX, no_docker.message
    if arch is not Arch.native():
        raise no_docker
    return EngineChoice.HOST, f"{no_docker.message}; {no_sandbox}"


def _answering(settings: Settings, arch: Arch) -> str:
    """The address of the Docker daemon that can run an architecture; UserError if there is none."""
    if not shutil.which("docker"):
        raise Problem.NO_COMMAND.error()
    # Imported here: a machine without Docker does not have to wait for the SDK.
    from builder.engines.endpoint import Endpoint

    endpoint = Endpoint(_urls(settings)[arch])
    if arch is not endpoint.native:  # what else a native one must have is looked at when an image is made
        endpoint.check(arch)
    return endpoint.address


def choose(settings: Settings, network: Network, roots: Roots, arch: Arch, console: Console) -> Engine:
    """The engine that builds for `arch`; UserError if the one that was asked for can't."""
    chosen, reason = decide(settings, arch)
    console.say(f"engine: {chosen} ({reason})")
    scratch = settings.artifact_dir / WORK
    # What killed builds left is removed, whichever engine they had.
    here = HostEngine(settings.prt_root, scratch, network, say=console.say)
    here.remove_abandoned()
    sandbox = SandboxEngine(roots, settings.prt_root, scratch, network)
    sandbox.remove_abandoned(console.say)
    if chosen is EngineChoice.HOST:
        return here
    if chosen is EngineChoice.SANDBOX:
        return sandbox
    from builder.engines.docker import DockerEngine
    from builder.engines.endpoint import Endpoint
    from builder.engines.images import BuilderImage
    from builder.engines.owner import remove_abandoned
    from builder.engines.root_images import RootImages

    endpoints = {each: Endpoint(url) for each, url in _urls(settings).items()}
    image: BuilderImage | RootImages = RootImages(roots, console, settings.artifact_dir / LOGS)
    if settings.libraries is Libraries.SYSTEM:
        image = BuilderImage(roots.recipes / "builder", settings.base_image, settings.debian_mirror, network)
    remove_abandoned(endpoints[arch])
    return DockerEngine(endpoints, image, settings.prt_root, network, settings.artifact_dir, console)


def why_not(settings: Settings, arch: Arch) -> str | None:
    """Why nothing can be built for an architecture that is not this machine's; None if it can."""
    if arch is Arch.native():
        return None
    try:
        decide(settings, arch)
    except UserError as problem:
        return problem.message
    return None


def remove_images(settings: Settings) -> Iterator[str]:
    """Remove every image we made, where a Docker daemon answers; yields their tags."""
    from builder.engines.endpoint import Endpoint
    from builder.engines.images import ours

    for url in sorted(set(_urls(settings).values())):
        endpoint = Endpoint(url)
        with suppress(UserError):
            for tag in list(ours(endpoint)):
                endpoint.client.images.remove(tag, force=True)
                yield tag


def _urls(settings: Settings) -> dict[Arch, str]:
    return {Arch.AMD64: settings.docker_host_amd64, Arch.ARM64: settings.docker_host_arm64}
