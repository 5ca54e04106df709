"""What git says about a checkout, asked of real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.inputs import git as module
from builder.inputs.git import NO_DATE, Repository

DATE = 1_700_000_000
pytestmark = pytest.mark.needs("git")
NOTHING = Repository(None, False, NO_DATE, None)


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's own settings, the user's and those a hook or a CI job exports, stay out."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "A")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")
        monkeypatch.setenv(f"GIT_{who}_DATE", f"{DATE} +0200")


def git(root: Path, *args: str) -> str:
    return subprocess.run(["git", *args], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def checkout(root: Path, *tags: str) -> str:
    """Make a repository with one commit and these tags, and return the commit."""
    git(root, "init", "--initial-branch=main")
    (root / "file").write_text("one")
    commit(root)
    for tag in tags:
        git(root, "tag", tag)
    return git(root, "rev-parse", "HEAD")


def commit(root: Path) -> None:
    git(root, "add", ".")
    git(root, "commit", "--allow-empty", "--message", "change")


def test_a_folder_without_git_has_no_commit(tmp_path: Path) -> None:
    assert module.read(tmp_path) == NOTHING


def test_a_folder_inside_another_checkout_has_no_commit(tmp_path: Path) -> None:
    checkout(tmp_path, "v1")
    (tmp_path / "unpacked").mkdir()
    assert module.read(tmp_path / "unpacked") == NOTHING


def test_a_checkout_of_another_user_is_reported_with_what_git_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout(tmp_path)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for its tests
    with pytest.raises(UserError, match=r"^git can't read this checkout: (.|\n)*dubious ownership") as refused:
        module.read(tmp_path)
    assert "safe.directory" in refused.value.message


def test_a_repository_without_commits_has_no_commit(tmp_path: Path) -> None:
    git(tmp_path, "init")
    assert module.read(tmp_path) == NOTHING


def test_a_machine_without_git_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout(tmp_path, "v1")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert module.read(tmp_path) == NOTHING


def test_a_clean_checkout_has_commit_date_and_release(tmp_path: Path) -> None:
    head = checkout(tmp_path, "v9", "v10", "v11rc1", "other")
    assert module.read(tmp_path) == Repository(head, False, DATE, "v10")


def test_a_checkout_without_tags_has_no_release(tmp_path: Path) -> None:
    head = checkout(tmp_path)
    assert module.read(tmp_path) == Repository(head, False, DATE, None)


@pytest.mark.parametrize(("name", "dirty"), [("file", True), ("new", True), ("ignored", False)])
def test_a_changed_or_new_file_makes_a_checkout_dirty_and_an_ignored_one_does_not(
    tmp_path: Path, name: str, dirty: bool
) -> None:
    checkout(tmp_path)
    (tmp_path / ".gitignore").write_text("ignored\n")
    commit(tmp_path)
    assert module.read(tmp_path).dirty is False
    (tmp_path / name).write_text("two")
    assert module.read(tmp_path).dirty is dirty


def test_only_tags_on_merged_history_count(tmp_path: Path) -> None:
    checkout(tmp_path, "v1")
    git(tmp_path, "switch", "--create", "other")
    commit(tmp_path)
    git(tmp_path, "tag", "--annotate", "v2", "--message", "two")
    git(tmp_path, "switch", "main")
    assert module.read(tmp_path).release == "v1"
    git(tmp_path, "merge", "other")
    assert module.read(tmp_path).release == "v2"


def test_a_later_commit_keeps_the_release_of_the_tag_before_it(tmp_path: Path) -> None:
    first = checkout(tmp_path, "v1")
    commit(tmp_path)
    found = module.read(tmp_path)
    assert found.release == "v1"
    assert found.commit != first
