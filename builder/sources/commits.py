"""Commits of others' repositories: fetched by this machine's git, with the user's own logins, and packed."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from builder import command
from builder.errors import BuildError, UserError
from builder.inputs.commit import Commit
from builder.inputs.environment import logins
from builder.sources.shelf import SourceShelf


def archive(commit: Commit, shelf: SourceShelf) -> bytes:
    """A tar archive of a commit's files, without submodules. What was fetched once is at hand, and verified by git."""
    folder = shelf.folder / "git" / hashlib.sha256(commit.url.encode()).hexdigest()[:16]
    if shutil.which("git") is None:
        raise UserError(f"{commit.url} needs git, which is not installed", "apt-get install git")
    git = ("git", f"--git-dir={folder}", "-c", "gc.auto=0")
    env = {**logins(), **_environment(shelf), "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
    command.output(("git", "init", "--quiet", "--bare", str(folder)), env=env)
    try:
        command.output((*git, "fsck", "--no-dangling", commit.id), env=env)
    except BuildError:
        _fetch(commit, git, env, shelf)
    with tempfile.TemporaryDirectory(dir=shelf.folder) as scratch:
        packed = Path(scratch, "commit.tar")
        command.output((*git, "archive", "--format=tar", f"--output={packed}", commit.id), env=env)
        return packed.read_bytes()


def _fetch(commit: Commit, git: tuple[str, ...], env: dict[str, str], shelf: SourceShelf) -> None:
    """One commit if the server gives it by its id, else all there is."""
    try:
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
