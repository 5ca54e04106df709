"""What the session does that makes the locks of the root file systems again."""

from __future__ import annotations

from builder import root_locks
from builder.sessions import read_project, reported


@reported
def renew_builder_locks() -> None:
    """Resolve the lists of Debian packages again, and print what changed."""
    project = read_project()
    scratch = project.settings.artifact_dir / "work"
    scratch.mkdir(parents=True, exist_ok=True)
    root_locks.renew(project.recipes_folder, project.settings.debian_mirror, project.network, scratch, print)
