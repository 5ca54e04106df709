"""The sessions that remove what others made."""

from __future__ import annotations

from builder import artifact_dir
from builder.cache import report
from builder.console import say
from builder.engines import choice
from builder.pipeline import stores
from builder.sessions.opening import read_project, reported


@reported
def clean() -> None:
    """Remove the packages."""
    project = read_project()
    (project.settings.artifact_dir / report.FILE).unlink(missing_ok=True)
    for path in stores.artifacts(project).remove_all():
        say(f"removed {path}")


@reported
def clobber() -> None:
    """Remove the packages, the cache, the logs and our images."""
    project = read_project()
    artifact_dir.unused(project.settings.artifact_dir)
    clean()
    for line in artifact_dir.remove(project.settings.artifact_dir):
        say(line)
    for tag in choice.remove_images(project.settings):
        say(f"removed image {tag}")
