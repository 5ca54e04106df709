"""Commits of others' repositories: fetched by this machine's git, with the user's own logins, and packed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from builder import command
from builder.errors import BuildError, UserError
from builder.inputs.commit import Commit
from builder.inputs.environment import logins
from builder.sources.shelf import SourceShelf


def archive(commit: Commit, shelf: SourceShelf) -> bytes:
    """A tar archive of a commit's files, without submodules. What was fetched once is at hand, and verified by git."""
    if shutil.which("git") is None:
        raise UserError(f"{commit.url} needs git, which is not installed", "apt-get install git")
    folder = shelf.folder / "git" / commit.sha256[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    env = {**logins(), **_environment(shelf), "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
    with tempfile.TemporaryDirectory(dir=shelf.folder) as scratch:
        if not _is_whole(commit, folder, env):
            new = Path(scratch, "fetched")
            _fetch(commit, new, env, shelf)
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):  # another build was quicker
                new.rename(folder)
        packed = Path(scratch, "commit.tar")
        command.output((*_git(folder), "archive", "--format=tar", f"--output={packed}", commit.id), env=env)
        return packed.read_bytes()


def _git(folder: Path) -> tuple[str, ...]:
    return ("git", f"--git-dir={folder}")


def _is_whole(commit: Commit, folder: Path, env: Mapping[str, str]) -> bool:
    """Whether a folder has a commit, and every object in it has the content that its id says."""
    try:
        command.output((*_git(folder), "fsck", "--no-dangling", commit.id), env=env)
    except BuildError:
        return False
    return True


def _fetch(commit: Commit, folder: Path, env: Mapping[str, str], shelf: SourceShelf) -> None:
    """One commit into a new folder, if the server gives it by its id; else all there is."""
    git = _git(folder)
    try:
        command.output(("git", "init", "--quiet", "--bare", str(folder)), env=env)
        try:
            command.output((*git, "fetch", "--quiet", "--depth=1", "--no-tags", commit.url, commit.id), env=env)
        except BuildError:
            command.output((*git, "fetch", "--quiet", commit.url, "+refs/*:refs/fetched/*"), env=env)
            command.output((*git, "cat-file", "-e", f"{commit.id}^{{commit}}"), env=env)
    except BuildError as problem:
        raise BuildError(
            f"commit {commit.id} of {commit.url}: {shelf.network.redact(problem.message)}",
            "git itself must reach it without a question: by an agent of ssh, or a credential helper",
        ) from None


def _environment(shelf: SourceShelf) -> dict[str, str]:
    bundle = shelf.network.ca_bundle
    return shelf.network.environment(str(bundle) if bundle else None)
