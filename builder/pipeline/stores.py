"""Where a project's builds find and keep things: sources, root file systems, results, and finished artifacts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from builder import versions
from builder.artifact_dir import CACHE
from builder.cache import cache as caching
from builder.cache.cache import Cache
from builder.cache.remote import Remote
from builder.cache.report import Report
from builder.cache.signatures import Signatures
from builder.errors import UserError
from builder.inputs.project import Project
from builder.pipeline.artifacts import ArtifactShelf
from builder.roots.roles import Roots
from builder.roots.tree import RootShelf
from builder.sources import python_build as python_builds
from builder.sources.python_build import PythonBuild
from builder.sources.shelf import SourceShelf
from builder.stages.planning import BuildMachine, Inputs
from builder.trust import key, signers


def cache_folder(project: Project) -> Path:
    """Where everything is that `clobber` removes and another build can make again."""
    return project.settings.artifact_dir / CACHE


def cache(project: Project, say: Callable[[str], None]) -> Cache:
    """The cache of results; `say` gets a line for each thing that goes wrong with it."""
    return caching.opened(project.settings, project.network, cache_folder(project), say, signatures(project))


def remote_cache(project: Project, say: Callable[[str], None]) -> Remote:
    """The shared cache, for those who ask for it by name; UserError if no setting says where it is."""
    if not project.settings.cache_url:
        raise UserError("CACHE_URL is not set", "set it to the web server that is to be the cache")
    server = caching.server(project.settings, project.network)
    aside = cache_folder(project) / "quarantine"
    return Remote(server, Report(say, strict=True), aside, writes=True, signatures=signatures(project))


def signatures(project: Project) -> Signatures:
    """Who signs entries of the cache, and who is trusted; UserError for a key or a list that can't be read."""
    trusted = signers.read(project.recipes_folder / signers.FILE)
    return Signatures(trusted, project.settings.signing, signing_key(project))


def artifacts(project: Project) -> ArtifactShelf:
    """The finished artifacts."""
    return ArtifactShelf(project.settings.artifact_dir)


def signing_key(project: Project) -> Ed25519PrivateKey | None:
    """What signs the sums of the artifacts and entries of the cache; UserError where SIGNING_KEY is no key for that."""
    return key.load(project.settings.signing_key)


def source_shelf(project: Project, say: Callable[[str], None]) -> SourceShelf:
    """The downloaded sources; `say` gets a line for everything unusual."""
    mirror, debian = project.settings.source_mirror, project.settings.debian_mirror
    return SourceShelf(cache_folder(project) / "sources", project.network, mirror, debian, say)


def roots(project: Project, shelf: SourceShelf, say: Callable[[str], None]) -> Roots:
    """The root file systems that steps run in; `say` gets a line for everything unusual."""
    return Roots(project.recipes_folder, RootShelf(cache_folder(project) / "roots", shelf, say))


def inputs(project: Project, python_version: str, python_build: PythonBuild, machine: BuildMachine) -> Inputs:
    """What a plan of this project is made from."""
    return Inputs(
        python_version,
        project.settings,
        project.recipes,
        project.interpreter,
        project.repository,
        python_build,
        machine,
    )


def python_build(project: Project, shelf: SourceShelf, say: Callable[[str], None]) -> tuple[PythonBuild, str]:
    """What compiles CPython, and the exact version it is to build; says so if a newer patch of it is known.

    It is the pinned python-build, wherever that knows the version: two machines are to build alike. Where it does
    not, that of PYENV_ROOT.
    """
    wanted, pyenv_root = project.settings.python_version, project.settings.pyenv_root
    found = python_builds.pinned(project.pins, shelf)
    try:
        version, newest = versions.resolve_python(wanted, found.versions())
    except UserError:
        if not pyenv_root:
            raise
        found = python_builds.of_pyenv(pyenv_root, project.pins)
        version, newest = versions.resolve_python(wanted, found.versions())
        say(f"note: the pinned python-build does not know Python {version}: taking that of PYENV_ROOT={pyenv_root}")
    if version != newest:
        say(f"note: Python {newest} is known; PYTHON_VERSION asks for {version}")
    return found, version
