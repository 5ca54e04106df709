"""A file is there whole or not at all, and nothing half-written stays beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.files import write_whole


def test_a_file_is_written_with_its_folder_and_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.json"
    write_whole(path, "one")
    write_whole(path, "two")
    assert path.read_text() == "two"
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize("failing", ["write_text", "rename"])
def test_trouble_leaves_what_was_there_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "file.json"
    path.write_text("before")

    def fail(part: Path, *args: object) -> None:
        part.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, failing, fail)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "after")
    monkeypatch.undo()
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("file.json", "before")]
