"""What each Nox session does. The noxfile names them; errors become one message and a failed session."""

from __future__ import annotations

import errno
import functools
import logging
import os
import shlex
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn, ParamSpec, TypeVar

from builder import artifact_dir
from builder import project as projects
from builder.cache import report
from builder.cache.conformance import points
from builder.cache.upload import FAILED, upload
from builder.console import Console, clock, harmless, say, table
from builder.engines import choice
from builder.errors import BuilderError, BuildError, UserError
from builder.newer import newer
from builder.outlook import outlook
from builder.packages.record import Artifact
from builder.parsers import without_credentials
from builder.pipeline import Pipeline
from builder.plan import deb_file
from builder.project import Project
from builder.settings import SETTINGS, conceal_secrets, environment
from builder.targets import Arch, Target, Variant

ROOT = Path(__file__).parents[1]

P = ParamSpec("P")
T = TypeVar("T")


class SessionFailed(Exception):
    """The whole message for the user; the session ends with it."""


def reported(session: Callable[P, T]) -> Callable[P, T]:
    """Turn what a user can be told about into one message, and a termination into an interruption."""

    @functools.wraps(session)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        signal.signal(signal.SIGTERM, _interrupted)
        os.umask(os.umask(0o077) | 0o022)  # nobody else writes what we make, whatever the user's umask allows
        conceal_secrets()
        # Nox shows what every library logs, down to the last detail.
        for library in ("docker", "urllib3"):
            logging.getLogger(library).setLevel(logging.WARNING)
        try:
            return session(*args, **kwargs)
        except BuilderError as problem:
            raise SessionFailed("\n".join(map(harmless, str(problem).splitlines()))) from None
        except OSError as problem:
            where = f"{problem.filename}: " if problem.filename else ""
            hint = "\n  → free some space, and build again" if problem.errno == errno.ENOSPC else ""
            raise SessionFailed(f"{where}{problem.strerror or problem}{hint}") from None

    return run


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@reported
def build(target: Target) -> None:
    """Build one target and print its artifacts."""
    _made(target, Pipeline.build)


@reported
def build_deb(target: Target) -> None:
    """Build the Debian package of one target and print it."""
    _made(target, Pipeline.deb)


@reported
def builder_image(arch: Arch) -> None:
    """Have everything there that steps run in: images, root file systems, or this machine's own programs."""
    project = read_project()
    console = console_for(project)
    engine, version = pipeline_for(project, arch, console).engine, project.settings.python_version
    fingerprint = ""
    for compiles in (True, False) if engine.crosses(arch) else (False,):
        fingerprint = engine.toolchain(arch, version, compiles)
        with engine.workplace(arch, compiles):
            pass
    console.say(f"ready to build for {arch.value} (toolchain {fingerprint[:12]})")


@reported
def show_settings() -> None:
    """Print every setting, its value, and where it came from; then what a build of the runtime would find."""
    project = read_project()
    settings = project.settings
    rows = [(row.name, settings.shown(row), settings.values[row.name].origin) for row in SETTINGS]
    say(table(("SETTING", "VALUE", "FROM"), rows))
    target = Target(Variant.RUNTIME, Arch.native())
    stages = list(outlook(project, target, project.cache(say)))
    if stages:
        say(f"\n{table((f'STAGE of {target}', 'AS THE LAST BUILD COMPILED'), stages)}")


@reported
def show_environment() -> None:
    """Print NAME=value lines, for `eval` and for env files: the settings, and the artifacts' names."""
    settings = read_project().settings
    lines = {row.name: settings.values[row.name].text for row in SETTINGS if not row.secret}
    lines["ARTIFACT_DIR"] = str(settings.artifact_dir)
    for arch in Arch:
        for variant in Variant:
            name = f"{variant.value}_{arch.suffix}".upper().replace("-", "_")
            target = Target(variant, arch)
            for kind, ending in (("TARBALL", "tgz"), ("MANIFEST", "manifest.json")):
                lines[f"{kind}_{name}"] = target.artifact(settings.package_prefix, settings.package_version, ending)
            with suppress(UserError):  # not every version of a tarball can be one of a Debian package
                lines[f"DEB_{name}"] = deb_file(target, settings)
    for name, value in lines.items():
        if without_credentials(value) == value:
            print(f"{name}={shlex.quote(value) if value else ''}")
        else:  # without its password it would be another setting
            print(f"{name} is left out, for it holds a password", file=sys.stderr)


@reported
def show_pins() -> None:
    """Print every source that is downloaded: version, newer one if known, licence, digest, and where from."""
    project = read_project()
    pins = project.pins
    sources = (*pins.pythons.values(), pins.python_build, *pins.libraries.values())
    old_on_purpose = [package for sysroot in pins.sysroots for package in (*sysroot.packages, *sysroot.beside)]
    try:
        known = newer(sources, project.source_shelf(say))
    except BuildError as problem:
        say(f"note: newer versions are not known: {problem}\n")
        known = {}
    rows = [
        (s.name, s.version, known.get(s, ""), s.licence, s.sha256[:16], s.places[0])
        for s in (*sources, *old_on_purpose)
    ]
    say(table(("SOURCE", "VERSION", "NEWER", "LICENCE", "SHA256", "FIRST PLACE"), rows))


@reported
def upload_cache() -> None:
    """Publish what the local cache has, with a table of all objects; SessionFailed if one could not be published."""
    project = read_project()
    done = []
    for one in upload(project.cache(say).store, project.remote_cache(say)):
        done.append(one)
        say(f"{one.outcome:<8}  {one.size:>13,}  {one.name}")
    failed = [f"\n  {one.name}: {one.problem}" for one in done if one.outcome == FAILED]
    counts = Counter(one.outcome for one in done)
    say("\n" + (", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "nothing to publish"))
    if failed:
        raise BuildError(f"{len(failed)} objects could not be published:{''.join(failed)}", "`nox -s cache-check`")


@reported
def check_cache() -> None:
    """Try whether the server of CACHE_URL is fit to be the cache; SessionFailed if it is not."""
    found = []
    for point in points(read_project().remote_cache(say).server):
        found.append(point)
        say(f"{'ok' if not point.seen else 'NO':<4}{point.name}{f': {point.seen}' if point.seen else ''}")
    if any(point.seen for point in found):
        raise BuildError("this server is not fit to be the cache", "remote_cache/ has one that is")


def show_help(groups: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """Print the sessions, group by group; those of one architecture stand beside their general form."""
    endings = tuple(f"-{arch.suffix}" for arch in Arch)
    for group, entries in groups.items():
        print(f"\n{group}:")
        for name, purpose in entries:
            if name.endswith(endings):
                continue
            forms = [ending for ending in endings if name + ending in dict(entries)]
            label = f"{name} [{', '.join(forms)}]" if forms else name
            print(f"  {label:<32} {purpose}")
    print("\nSettings: `nox`. A session with [-x86, -arm] also has those forms, such as `nox -s runtime-arm`.")


@reported
def clean() -> None:
    """Remove the packages."""
    project = read_project()
    (project.settings.artifact_dir / report.FILE).unlink(missing_ok=True)
    for path in project.artifacts.remove_all():
        say(f"removed {path}")


@reported
def clobber() -> None:
    """Remove the packages, the cache, the logs and the images we made."""
    project = read_project()
    artifact_dir.unused(project.settings.artifact_dir)
    clean()
    for line in artifact_dir.remove(project.settings.artifact_dir):
        say(line)
    for tag in choice.remove_images(project.settings):
        say(f"removed image {tag}")


def read_project() -> Project:
    """This checkout, read; UserError if its ARTIFACT_DIR is not this user's."""
    project = projects.read(ROOT, environment())
    # The checkout's owner decides what we run anyway: root may build there for that user, by sudo or in a container.
    artifact_dir.belongs(project.settings.artifact_dir, {os.geteuid(), 0, ROOT.stat().st_uid})
    return project


def console_for(project: Project) -> Console:
    """What the user sees of one target after the other."""
    return Console(verbose=project.settings.v, folding=project.folding)


def pipeline_for(project: Project, arch: Arch, console: Console) -> Pipeline:
    """What builds for an architecture, with the engine that can."""
    artifact_dir.make(project.settings.artifact_dir)
    project.cache(console.say)  # what is wrong with its settings is said before anything starts
    sources = project.source_shelf(console.say)
    roots = project.roots(sources, console.say)
    engine = choice.choose(project.settings, project.network, roots, arch, console)
    return Pipeline(project, engine, console, sources)


def _made(target: Target, make: Callable[[Pipeline, Target], list[Artifact]]) -> None:
    """Make artifacts of a target, and print them."""
    project = read_project()
    console = console_for(project)
    artifacts = make(pipeline_for(project, target.arch, console), target)
    console.say(_closing_table(artifacts, project.settings.artifact_dir))


def _closing_table(artifacts: list[Artifact], folder: Path) -> str:
    rows = [(str(folder / one.name), f"{one.size:,}", one.sha256, clock(one.seconds)) for one in artifacts]
    return "\n" + table(("FILE", "SIZE", "SHA256", "TIME"), rows)
