"""Commits of repositories: fetched once by git, packed, and never another than the one that was asked for."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zlib
from pathlib import Path

import pytest

from builder.errors import BuildError, UserError
from builder.inputs.commit import Commit
from builder.sources.commits import archive
from builder.sources.shelf import SourceShelf
from tests.support.factories import NO_NETWORK


def git(folder: Path, *args: str) -> str:
    """Run git in a folder."""
    who = ("-c", "user.name=t", "-c", "user.email=t@t")
    return subprocess.run(["git", *who, *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two commits."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for text in ("one", "two"):
        (folder / "x.py").write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "-qm", text)
    return folder


@pytest.fixture
def shelf(tmp_path: Path) -> SourceShelf:
    """A shelf without anything."""
    return SourceShelf(tmp_path / "sources", NO_NETWORK, "", "", lambda line: None)


def content(commit: Commit, shelf: SourceShelf) -> dict[str, bytes]:
    """The files of a commit."""
    with tarfile.open(fileobj=io.BytesIO(archive(commit, shelf))) as packed:
        return {one.name: packed.extractfile(one).read() for one in packed if one.isreg()}  # type: ignore[union-attr]


@pytest.mark.needs("git")
@pytest.mark.parametrize("revision", ["main", "main~1"])
def test_the_files_of_a_commit_are_packed_whatever_the_branch_has_now(
    repository: Path, shelf: SourceShelf, revision: str
) -> None:
    commit = Commit(f"file://{repository}", git(repository, "rev-parse", revision))
    assert content(commit, shelf) == {"x.py": git(repository, "show", f"{revision}:x.py").encode()}
    assert archive(commit, shelf) == archive(commit, shelf)


@pytest.mark.needs("git")
def test_a_commit_that_is_here_needs_no_server(repository: Path, shelf: SourceShelf) -> None:
    commit = Commit(f"file://{repository}", git(repository, "rev-parse", "main"))
    before = archive(commit, shelf)
    repository.rename(f"{repository}-gone")
    assert archive(commit, shelf) == before


@pytest.mark.needs("git")
def test_an_altered_copy_is_fetched_again(repository: Path, shelf: SourceShelf) -> None:
    commit = Commit(f"file://{repository}", git(repository, "rev-parse", "main"))
    before = archive(commit, shelf)
    blob = git(repository, "rev-parse", "main:x.py")
    (path,) = shelf.folder.glob(f"git/*/objects/{blob[:2]}/{blob[2:]}")
    path.chmod(0o644)
    path.write_bytes(zlib.compress(b"blob 3\0bad"))
    assert archive(commit, shelf) == before
    path.chmod(0o644)
    path.write_bytes(zlib.compress(b"blob 3\0bad"))
    repository.rename(f"{repository}-gone")
    with pytest.raises(BuildError, match=f"commit {commit.id} of file://{repository}: "):
        archive(commit, shelf)


@pytest.mark.needs("git")
def test_a_commit_that_a_repository_has_not_is_named_with_it(repository: Path, shelf: SourceShelf) -> None:
    with pytest.raises(BuildError, match=f"commit {'0' * 40} of file://{repository}: ") as raised:
        archive(Commit(f"file://{repository}", "0" * 40), shelf)
    assert "without a question" in raised.value.hint


def test_without_git_it_is_said_what_to_install(shelf: SourceShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(UserError, match="needs git, which is not installed"):
        archive(Commit("https://example.org/x", "0" * 40), shelf)
