"""ARTIFACT_DIR: what we made there is known by its tag or its content, and nothing else is removed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from builder.artifact_dir import FOLDERS, TAG, belongs, make, remove
from builder.errors import UserError


def made(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_what_we_made_is_removed_with_whatever_is_in_it(tmp_path: Path) -> None:
    make(tmp_path / "out")
    made(tmp_path / "out", "cache/x", "logs/y", "work/z")
    assert (tmp_path / "out" / "cache" / TAG).read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert [line.partition(" ")[0] for line in remove(tmp_path / "out")] == ["removed"] * 3
    assert [*(tmp_path / "out").iterdir()] == []
    assert [*remove(tmp_path / "out")] == []


def test_a_folder_that_was_there_is_not_called_ours(tmp_path: Path) -> None:
    made(tmp_path, "cache/mine", "logs/app.log", "work/report.doc")
    make(tmp_path)
    made(tmp_path, "cache/v1/x", "logs/runtime-amd64.log")
    assert [*remove(tmp_path)] == [
        f"left {tmp_path}/cache: it has mine, which is not ours",
        f"left {tmp_path}/logs: it has app.log, which is not ours",
        f"left {tmp_path}/work: it has report.doc, which is not ours",
    ]
    assert (tmp_path / "cache" / "v1" / "x").exists()


def test_folders_of_before_there_were_tags_are_known_by_their_content(tmp_path: Path) -> None:
    made(tmp_path, "cache/v1/x", "cache/sources/y", "cache/artifacts/a.json", "cache/locks/l")
    made(tmp_path, "logs/runtime-dev-arm64.log", "logs/test-tgz-runtime-amd64-debian-13.log", "work/parts-x/y")
    assert len([*remove(tmp_path)]) == 3
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("text", ["", "Signature: 8a477f597d28d172789f06886806bc55\n# Created by pip.\n"])
def test_the_tag_of_another_program_says_nothing(tmp_path: Path, text: str) -> None:
    made(tmp_path, "cache/http/x")
    (tmp_path / "cache" / TAG).write_text(text)
    assert [line.partition(" ")[0] for line in remove(tmp_path)] == ["left"]


def test_a_link_is_left_with_what_it_leads_to(tmp_path: Path) -> None:
    make(tmp_path / "elsewhere")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cache").symlink_to(tmp_path / "elsewhere" / "cache")
    assert [*remove(tmp_path / "out")] == [f"left {tmp_path}/out/cache: it is a link"]
    assert (tmp_path / "elsewhere" / "cache" / TAG).exists()


@pytest.mark.needs("root")
def test_a_mounted_folder_is_left(tmp_path: Path) -> None:
    make(tmp_path / "out")
    make(tmp_path / "shared")
    subprocess.run(["mount", "--bind", tmp_path / "shared" / "cache", tmp_path / "out" / "cache"], check=True)
    try:
        [left] = [line for line in remove(tmp_path / "out") if line.startswith("left")]
        assert "is a mount point" in left
        assert (tmp_path / "shared" / "cache" / TAG).exists()
    finally:
        subprocess.run(["umount", tmp_path / "out" / "cache"], check=True)


@pytest.mark.needs("root")
@pytest.mark.parametrize("name", ["", *FOLDERS])
def test_a_folder_or_link_of_a_user_who_is_not_trusted_is_refused(tmp_path: Path, name: str) -> None:
    make(tmp_path / "out")
    belongs(tmp_path / "out", {0})
    os.chown(tmp_path / "out" / name, 12345, 12345)
    with pytest.raises(UserError, match=r"belongs to user 12345"):
        belongs(tmp_path / "out", {0})
    belongs(tmp_path / "out", {0, 12345})
    (tmp_path / "link").symlink_to(tmp_path / "out" / name)
    with pytest.raises(UserError, match=r"link belongs to user 12345"):
        belongs(tmp_path / "link", {0})


@pytest.mark.needs("root")
def test_a_link_that_another_user_made_is_refused_whatever_it_leads_to(tmp_path: Path) -> None:
    make(tmp_path / "out")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    os.lchown(tmp_path / "link", 12345, 12345)
    with pytest.raises(UserError, match=r"link belongs to user 12345"):
        belongs(tmp_path / "link", {0})
