"""Commits of repositories: fetched once by git, packed, and never another than the one that was asked for."""

from __future__ import annotations

import io
import random
import socket
import subprocess
import sys
import tarfile
import time
import zlib
from pathlib import Path

import pytest

from builder.errors import BuildError, UserError
from builder.inputs.commit import Commit
from builder.sources.commits import archive
from builder.sources.shelf import SourceShelf
from tests.support.factories import NO_NETWORK

ROOT = Path(__file__).parents[3]


def git(folder: Path, *args: str) -> str:
    """Run git in a folder."""
    who = ("env", "TZ=UTC", "git", "-c", "user.name=t", "-c", "user.email=t@t")
    return subprocess.run([*who, *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


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
def test_a_commit_that_is_written_in_an_old_or_wrong_way_can_be_built(repository: Path, shelf: SourceShelf) -> None:
    made = git(repository, "cat-file", "commit", "main").replace(" +0000", " +051800")
    (repository / "commit").write_text(f"{made}\n")
    wrong = git(repository, "hash-object", "-t", "commit", "--literally", "-w", "commit")
    git(repository, "update-ref", "refs/heads/wrong", wrong)
    commit = Commit(f"file://{repository}", wrong)
    for _ in range(2):
        assert content(commit, shelf) == {"x.py": b"two"}


SETTINGS = {
    "line ends": "[core]\nautocrlf = true\n",
    "modes": "[tar]\numask = 0077\n",
    "filters": '[filter "lfs"]\nsmudge = "tr a-z A-Z"\n',
    "attributes": "[core]\nattributesFile = ~/attributes\n",
}


@pytest.mark.needs("git")
@pytest.mark.parametrize("what", SETTINGS)
def test_a_users_settings_of_git_change_no_byte(
    repository: Path, shelf: SourceShelf, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    (repository / ".gitattributes").write_text("*.py filter=lfs\n")
    git(repository, "add", ".")
    (repository / "y.txt").write_text("one\ntwo\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "three")
    commit = Commit(f"file://{repository}", git(repository, "rev-parse", "main"))
    monkeypatch.setenv("HOME", str(repository.parent))
    before = archive(commit, shelf)
    (repository.parent / ".gitconfig").write_text(SETTINGS[what])
    (repository.parent / "attributes").write_text("*.txt export-ignore\n")
    assert archive(commit, shelf) == before


@pytest.mark.needs("git")
def test_of_what_is_kept_only_objects_count(repository: Path, shelf: SourceShelf) -> None:
    commit = Commit(f"file://{repository}", git(repository, "rev-parse", "main"))
    before = archive(commit, shelf)
    (kept,) = shelf.folder.glob("git/[0-9a-f]*")
    (kept / "info").mkdir(exist_ok=True)
    (kept / "info" / "attributes").write_text("x.py export-ignore\n")
    (kept / "config").write_text("[core]\nautocrlf = true\n[tar]\numask = 0077\n")
    other = git(repository, "rev-parse", "main~1")
    git(kept, "fetch", "-q", f"file://{repository}", other)
    (kept / "refs" / "replace").mkdir()
    (kept / "refs" / "replace" / commit.id).write_text(f"{other}\n")
    repository.rename(f"{repository}-gone")
    assert archive(commit, shelf) == before


@pytest.mark.needs("git")
def test_builds_at_once_share_one_copy(repository: Path, shelf: SourceShelf) -> None:
    commit = Commit(f"file://{repository}", git(repository, "rev-parse", "main"))
    program = (
        "import sys; from pathlib import Path; from builder.sources.commits import archive; "
        "from builder.inputs.commit import Commit; from builder.sources.shelf import SourceShelf; "
        "from builder.inputs.network import Network; "
        "archive(Commit(*sys.argv[1:3]), SourceShelf(Path(sys.argv[3]), Network(None, {}, {}), '', '', print))"
    )
    command = [sys.executable, "-c", program, commit.url, commit.id, str(shelf.folder)]
    for kept in ("none", "altered"):
        for path in shelf.folder.glob("git/[0-9a-f]*/objects/*/*"):
            path.chmod(0o644)
            path.write_bytes(b"")
        builds = [subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT) for _ in range(4)]
        assert [build.wait() for build in builds] == [0] * 4, kept


@pytest.mark.needs("git")
def test_what_a_killed_build_left_is_removed(repository: Path, shelf: SourceShelf) -> None:
    (shelf.folder / "commit-x" / "fetched").mkdir(parents=True)
    archive(Commit(f"file://{repository}", git(repository, "rev-parse", "main")), shelf)
    assert [*shelf.folder.glob("commit-*")] == []


@pytest.mark.needs("git")
def test_a_server_that_never_answers_is_given_up(shelf: SourceShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.sources.commits._LONGEST", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        started = time.monotonic()
        with pytest.raises(BuildError, match="killed: it may take 1 seconds"):
            archive(Commit(f"git://127.0.0.1:{server.getsockname()[1]}/x", "0" * 40), shelf)
        assert time.monotonic() - started < 30


@pytest.mark.needs("git", "prlimit")
@pytest.mark.parametrize("bound", ["_LARGEST", "_LARGEST_PACK"])
def test_a_commit_has_a_bound_packed_and_unpacked(
    repository: Path, shelf: SourceShelf, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    (repository / "zeros").write_bytes(bytes(8 << 20))
    (repository / "chance").write_bytes(random.Random(0).randbytes(1 << 20))
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "large")
    commit = Commit(f"file://{repository}", git(repository, "rev-parse", "main"))
    monkeypatch.setattr(f"builder.sources.commits.{bound}", 1 << 19)
    with pytest.raises(BuildError):
        archive(commit, shelf)
    assert [path for path in shelf.folder.rglob("*") if path.is_file() and path.stat().st_size > 2 << 20] == []
    monkeypatch.undo()
    assert {"zeros", "chance"} <= content(commit, shelf).keys()


@pytest.mark.needs("git")
def test_a_login_in_a_url_is_not_shown(shelf: SourceShelf) -> None:
    with pytest.raises(BuildError) as raised:
        archive(Commit("https://me:topsecret@127.0.0.1:9/x", "0" * 40), shelf)
    assert "topsecret" not in str(raised.value)


@pytest.mark.needs("git")
def test_a_commit_that_a_repository_has_not_is_named_with_it(repository: Path, shelf: SourceShelf) -> None:
    with pytest.raises(BuildError, match=f"commit {'0' * 40} of file://{repository}: ") as raised:
        archive(Commit(f"file://{repository}", "0" * 40), shelf)
    assert "without a question" in raised.value.hint


def test_without_git_it_is_said_what_to_install(shelf: SourceShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(UserError, match="needs git, which is not installed"):
        archive(Commit("https://example.org/x", "0" * 40), shelf)
