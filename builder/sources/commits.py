"""Commits of others' repositories: fetched by this machine's git, with the user's own logins, and packed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from builder import command
from builder.errors import BuildError, UserError
from builder.inputs.commit import Commit
from builder.inputs.environment import logins
from builder.sources.shelf import SourceShelf
from builder.work import fresh_folder

_LONGEST = 3600  # seconds of a git that a server answers
_QUIET = 300  # seconds without a byte
_LARGEST_PACK, _LARGEST = 4 << 30, 1 << 30  # bytes: of what a server sends, and of a commit's files, unpacked


@dataclass(frozen=True)
class _Git:
    """Git in a repository of its own."""

    folder: Path
    env: Mapping[str, str]
    largest: int

    def __call__(self, *args: str) -> None:
        command.bounded(
            ("git", f"--git-dir={self.folder}", *args), self.env, seconds=_LONGEST, largest=self.largest
        )  # fmt: skip


def archive(commit: Commit, shelf: SourceShelf) -> bytes:
    """A tar archive of a commit's files, without submodules. What was fetched once is at hand, and verified by git."""
    if shutil.which("git") is None:
        raise UserError(f"{commit.url} needs git, which is not installed", "apt-get install git")
    folder = shelf.folder / "git" / commit.sha256[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with shelf.alone(folder), fresh_folder(shelf.folder, "commit", shelf.say) as scratch:
        with suppress(BuildError):
            return _packed(commit, folder, scratch / "kept", is_new=False)
        _fetch(commit, scratch / "fetched", shelf)
        shutil.rmtree(folder, ignore_errors=True)
        (scratch / "fetched").rename(folder)
        return _packed(commit, folder, scratch / "new", is_new=True)


def _packed(commit: Commit, folder: Path, view: Path, *, is_new: bool) -> bytes:
    """A commit's files; BuildError if the folder lacks some of it, or has an object that is not what its id says.

    Of the folder only objects count, and of the machine no setting: each could have other bytes come out.
    """
    env = {
        "PATH": logins().get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(view), "XDG_CONFIG_HOME": str(view),
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
    }  # fmt: skip
    git, result = _Git(view, env, _LARGEST), view / "commit.tar"
    (folder / "objects").mkdir(parents=True, exist_ok=True)
    git("init", "--quiet", "--bare", "--template=", str(view))
    shallow = folder / "shallow"
    if shallow.is_file():  # the commits whose parents are not there
        (view / shallow.name).write_bytes(shallow.read_bytes())
    if not is_new:  # then git has just verified it; and what fsck finds fault with besides is as it was committed
        git("fsck", "--no-dangling", commit.id)
    git("archive", "--format=tar", f"--output={result}", commit.id)
    return result.read_bytes()


def _fetch(commit: Commit, folder: Path, shelf: SourceShelf) -> None:
    """One commit into a new folder, if the server gives it by its id; else all there is."""
    bundle = shelf.network.ca_bundle
    env = {
        **logins(), **shelf.network.environment(str(bundle) if bundle else None), "LC_ALL": "C.UTF-8",
        "GIT_TERMINAL_PROMPT": "0", "GIT_HTTP_LOW_SPEED_LIMIT": "1", "GIT_HTTP_LOW_SPEED_TIME": str(_QUIET),
    }  # fmt: skip
    git = _Git(folder, env, _LARGEST_PACK)
    try:
        git("init", "--quiet", "--bare", str(folder))
        try:
            git("fetch", "--quiet", "--depth=1", "--no-tags", commit.url, commit.id)
        except BuildError:
            git("fetch", "--quiet", commit.url, "+refs/*:refs/fetched/*")
            git("cat-file", "-e", f"{commit.id}^{{commit}}")
    except BuildError as problem:
        raise BuildError(
            shelf.network.redact(f"commit {commit.id} of {commit.url}: {problem.message}"),
            "git itself must reach it without a question: by an agent of ssh, or a credential helper",
        ) from None
