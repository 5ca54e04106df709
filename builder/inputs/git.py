"""What git says about the checkout: release, commit, date, and whether it was changed since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from builder import command
from builder.errors import BuildError, UserError
from builder.versions import latest_tag

# The oldest date a zip file can hold: what reproducible builds use where there is no better one.
NO_DATE = 315532800

# In English, for us to read, and without what a user's configuration may add.
_GIT = ("env", "LC_ALL=C", "git", "-c", "log.showSignature=false")


@dataclass(frozen=True)
class Repository:
    """`commit` is None outside a git checkout; `date` is the commit's, in seconds since 1970."""

    commit: str | None
    dirty: bool
    date: int
    release: str | None


def read(root: Path) -> Repository:
    """Ask git. A folder without git, a git without commits and a machine without git are all fine."""
    if not (root / ".git").exists():
        return Repository(None, False, NO_DATE, None)
    try:
        commit, date = command.output([*_GIT, "log", "-1", "--format=%H %ct"], cwd=root).split()
        dirty = bool(command.output([*_GIT, "status", "--porcelain"], cwd=root).strip())
        tags = command.output([*_GIT, "tag", "--merged", "HEAD"], cwd=root).split()
    except OSError:  # no git here
        return Repository(None, False, NO_DATE, None)
    except BuildError as problem:
        if "does not have any commits" in problem.message or "exit code 127" in problem.message:
            return Repository(None, False, NO_DATE, None)
        raise UserError(f"git can't read this checkout: {problem.message}", "fix what git names") from None
    return Repository(commit, dirty, int(date), latest_tag(tags))
