"""ENGINE: which engine builds, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from builder.artifact_dir import LOGS, WORK
from builder.console import Console
from builder.engines import bubblewrap, emulation
from builder.engines.base import Engine
from builder.engines.host import HostEngine
from builder.engines.sandbox import SandboxEngine
from builder.errors import UserError
from builder.inputs.choices import EngineChoice, Libraries
from builder.inputs.network import Network
from builder.inputs.settings import Settings
from builder.roots.roles import Roots
from builder.targets import Arch


def choose(settings: Settings, network: Network, roots: Roots, arch: Arch, console: Console) -> Engine:
    """The engine that builds for `arch`; UserError if the one that was asked for can't."""
    scratch = settings.artifact_dir / WORK
    host = HostEngine(settings.prt_root, scratch, network, say=console.say)
    host.remove_abandoned()
    sandbox = SandboxEngine(roots, settings.prt_root, scratch, network)
    sandbox.remove_abandoned(console.say)
    if settings.engine is EngineChoice.HOST:
        console.say("engine: host (ENGINE=host)")
        return host
    if settings.engine is EngineChoice.SANDBOX:
        bubblewrap.demand()
        console.say("engine: sandbox (ENGINE=sandbox)")
        return sandbox
    # Imported here: a build that is up to date, and a machine without Docker, need not wait for the SDK.
    from builder.engines.docker import DockerEngine
    from builder.engines.endpoint import Endpoint
    from builder.engines.images import BuilderImage
    from builder.engines.owner import remove_abandoned
    from builder.engines.root_images import RootImages

    endpoints = {each: Endpoint(url) for each, url in _urls(settings).items()}
    try:
        address = endpoints[arch].address
        _ = endpoints[arch].client
    except UserError as problem:
        if settings.engine is EngineChoice.DOCKER:
            raise
        reason = bubblewrap.forbidden()
        if not reason:
            console.say(f"engine: sandbox ({problem.message})")
            return sandbox
        if arch is not Arch.native():
            raise
        console.say(f"engine: host ({problem.message}; {reason})")
        return host
    console.say(f"engine: docker (it answers at {address})")
    image: BuilderImage | RootImages = RootImages(roots, console, settings.artifact_dir / LOGS)
    if settings.libraries is Libraries.SYSTEM:
        image = BuilderImage(roots.recipes / "builder", settings.base_image, settings.debian_mirror, network)
    remove_abandoned(endpoints[arch])
    return DockerEngine(endpoints, image, settings.prt_root, network, settings.artifact_dir, console)


def why_not(settings: Settings, arch: Arch) -> str | None:
    """Why nothing can be built for an architecture that is not this machine's; None if it can."""
    if arch is Arch.native():
        return None
    if settings.engine is EngineChoice.HOST:
        return f"the host engine builds for {Arch.native().value} only"
    from builder.engines.endpoint import Endpoint

    try:
        if settings.engine is not EngineChoice.SANDBOX:
            Endpoint(_urls(settings)[arch]).check(arch)
            return None
    except UserError as problem:
        if settings.engine is EngineChoice.DOCKER or bubblewrap.forbidden():
            return problem.message
    try:
        emulation.check(arch)
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
