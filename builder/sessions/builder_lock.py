"""The session that makes the locks of the root file systems again."""

from __future__ import annotations

from builder.artifact_dir import WORK
from builder.console import say
from builder.roots import renewal
from builder.sessions.opening import read_project, reported


@reported
def renew() -> None:
    """Pin the Debian packages that builds and proofs run in, as their suites have them today."""
    project = read_project()
    scratch = project.settings.artifact_dir / WORK
    scratch.mkdir(parents=True, exist_ok=True)
    renewal.renew(project.recipes_folder, project.settings.debian_mirror, project.network, scratch, say)
