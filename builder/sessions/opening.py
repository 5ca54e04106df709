"""How every session opens: the checkout read, a pipeline for an architecture; and how it ends where it fails."""

from __future__ import annotations

import errno
import functools
import logging
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import NoReturn, ParamSpec, TypeVar

from builder import artifact_dir
from builder.console import Console, harmless
from builder.engines import choice
from builder.errors import BuilderError, BuildError
from builder.inputs import project as projects
from builder.inputs.environment import conceal_secrets, whole_environment
from builder.inputs.parsers import without_credentials
from builder.inputs.project import Project
from builder.pipeline import stores
from builder.pipeline.pipeline import Pipeline
from builder.targets import Arch

ROOT = Path(__file__).parents[2]

P = ParamSpec("P")
T = TypeVar("T")

LOGS = "the full output of every step is in ARTIFACT_DIR/logs"


class SessionFailed(Exception):
    """The whole message for the user; the session ends with it."""


def reported(session: Callable[P, T]) -> Callable[P, T]:
    """Turn the failures that a user can understand into one message, and a termination into an interruption."""

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
            # What is in a recipe, or what a program put out, may have a login in a URL.
            raise SessionFailed("\n".join(map(harmless, without_credentials(str(problem)).splitlines()))) from None
        except OSError as problem:
            where = f"{problem.filename}: " if problem.filename else ""
            hint = "\n  → free some space, and build again" if problem.errno == errno.ENOSPC else ""
            raise SessionFailed(f"{where}{problem.strerror or problem}{hint}") from None

    return run


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def read_project() -> Project:
    """This checkout, read; UserError if its ARTIFACT_DIR is not this user's."""
    project = projects.read(ROOT, whole_environment())
    # The checkout's owner decides what we run anyway: root may build there for that user, by sudo or in a container.
    artifact_dir.belongs(project.settings.artifact_dir, {os.geteuid(), 0, ROOT.stat().st_uid})
    return project


def console_for(project: Project) -> Console:
    """What the user sees of one target after the other."""
    return Console(verbose=project.settings.v, folding=project.folding)


def pipeline_for(project: Project, arch: Arch, console: Console) -> Pipeline:
    """What builds for an architecture, with the engine that can."""
    artifact_dir.make(project.settings.artifact_dir)
    stores.cache(project, console.say)  # what is wrong with its settings is said before anything starts
    stores.signing_key(project)
    sources = stores.source_shelf(project, console.say)
    roots = stores.roots(project, sources, console.say)
    engine = choice.choose(project.settings, project.network, roots, arch, console)
    return Pipeline(project, engine, console, sources)


def fail_for(problems: Iterable[str], hint: str) -> None:
    """Raise BuildError with all problems, if there are any."""
    found = [problem for problem in problems if problem]
    if found:
        raise BuildError("\n".join(found), hint)
