"""A folder with OSV's data answers for what it has, says what it has not, and is refused where it would mislead."""

from __future__ import annotations

import datetime
import json
import zipfile
from pathlib import Path

import pytest

from builder.audit import folder as folders
from builder.audit.answers import NO_ADVISORY, Answer
from builder.audit.folder import OLDEST, Folder
from builder.audit.inventory import Component
from builder.errors import UserError
from tests.support.osv import (
    IN_JINJA,
    IN_NOTHING,
    IN_SQLITE,
    NEW_JINJA,
    NEW_SQLITE,
    OLD_JINJA,
    OLD_SQLITE,
    SQLITE,
    Record,
    folder,
    named,
    of,
    of_package,
    of_repository,
    record,
)

TODAY = datetime.date(2026, 11, 29)


def answers(path: Path, *components: Component, today: datetime.date = TODAY) -> list[Answer]:
    found = Folder(path, [package for one in components for package in one.packages], today).answers(components)
    return [found[one] for one in components]


def test_what_is_affected_is_found_and_what_is_fixed_is_not(tmp_path: Path) -> None:
    found = answers(
        folder(tmp_path, IN_SQLITE, IN_JINJA, IN_NOTHING), OLD_SQLITE, NEW_SQLITE, OLD_JINJA, NEW_JINJA, of("tea", "1")
    )
    assert [*map(named, found)] == [["CVE-2025-6965"], [], ["GHSA-cpwx-vrp4-4pq7"], [], []]
    assert [one.fixed for answer in found for one in answer.matches] == ["3.50.2", "3.1.6"]
    assert [answer.unchecked for answer in found] == [""] * 5


def test_what_was_withdrawn_is_not_found(tmp_path: Path) -> None:
    withdrawn = {**IN_JINJA, "withdrawn": "2026-01-01T00:00:00Z"}
    assert [*map(named, answers(folder(tmp_path, withdrawn), OLD_JINJA))] == [[]]


def test_the_newest_form_of_an_advisory_counts(tmp_path: Path) -> None:
    withdrawn = {**IN_JINJA, "withdrawn": "2026-01-01T00:00:00Z", "modified": "2026-11-29T01:00:00Z"}
    older = {**IN_JINJA, "modified": "2026-11-28T00:00:00Z"}
    folder(tmp_path / "one", withdrawn)
    folder(tmp_path / "two", older)
    assert named(*answers(tmp_path, OLD_JINJA)) == []
    folder(tmp_path / "three", {**IN_JINJA, "modified": "2026-11-30T00:00:00Z"})
    assert named(*answers(tmp_path, OLD_JINJA)) == [IN_JINJA["id"]]


def test_what_the_folder_has_not_is_said(tmp_path: Path) -> None:
    (sqlite,) = answers(folder(tmp_path / "a", IN_NOTHING), OLD_SQLITE)
    assert sqlite.unchecked == NO_ADVISORY
    jinja, sqlite = answers(folder(tmp_path / "b", IN_JINJA), OLD_JINJA, OLD_SQLITE)
    assert (jinja.unchecked, sqlite.unchecked) == ("", "the database has no advisories of GIT")


def test_an_advisory_that_names_commits_only_is_said(tmp_path: Path) -> None:
    (found,) = answers(folder(tmp_path, IN_SQLITE, record("OSV-2026-1", of_repository(SQLITE))), NEW_SQLITE)
    assert (found.matches, found.unclear) == ((), ("OSV-2026-1",))


def test_an_advisory_in_two_parts_counts_if_one_does(tmp_path: Path) -> None:
    both = record("CVE-2026-1", of_repository(SQLITE), of_repository(SQLITE, "version-3.50.1"))
    (found,) = answers(folder(tmp_path, both), OLD_SQLITE)
    assert (named(found), found.unclear) == (["CVE-2026-1"], ())


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no advisories of PyPI\n  → save https://.*/PyPI/all\.zip"):
        answers(tmp_path, OLD_JINJA)
    with pytest.raises(UserError, match=r"OSV_DATABASE=.*/nothing: no such folder"):
        answers(tmp_path / "nothing", OLD_JINJA)


def test_a_folder_of_other_ecosystems_is_an_error(tmp_path: Path) -> None:
    other = record("CVE-2026-1", of_package("tea", {"introduced": "0"}, ecosystem="npm"))
    with pytest.raises(UserError, match="has no advisories of PyPI"):
        answers(folder(tmp_path, other), OLD_JINJA)


def test_an_old_folder_is_an_error_for_what_is_old_in_it(tmp_path: Path) -> None:
    last = TODAY + datetime.timedelta(days=OLDEST)
    folder(tmp_path, IN_JINJA, {**IN_SQLITE, "modified": "2027-01-01T00:00:00Z"})
    assert len(answers(tmp_path, OLD_JINJA, OLD_SQLITE, today=last)) == 2
    with pytest.raises(UserError, match="the newest advisory of PyPI is of 2026-11-29: what was published since"):
        answers(tmp_path, OLD_JINJA, OLD_SQLITE, today=last + datetime.timedelta(days=1))
    assert len(answers(tmp_path, OLD_SQLITE, today=last + datetime.timedelta(days=1))) == 1


def test_the_dates_of_the_data_are_said(tmp_path: Path) -> None:
    found = Folder(folder(tmp_path, IN_JINJA, IN_SQLITE), OLD_JINJA.packages, TODAY)
    assert found.described == f"{tmp_path} (PyPI as of 2026-11-29, GIT as of 2026-11-29)"


def text(one: Record) -> bytes:
    return json.dumps(one).encode()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (text(IN_JINJA)[:-9], "Unterminated string"),
        (b"", "Expecting"),
        (b"\xff", "codec can't decode"),
        (b"[" * 100_000, "not as OSV's schema has it"),
        (text({**IN_JINJA, "schema_version": "9.0"}), "version 9.0 of OSV's schema is not known"),
        (text({**IN_JINJA, "summary": "x" * 300_000}), "more than 200,000 bytes"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_what_is_no_advisory_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, problem: str, packed: bool
) -> None:
    monkeypatch.setattr(folders, "LARGEST", 200_000)
    folder(tmp_path, IN_JINJA)
    if packed:
        with zipfile.ZipFile(tmp_path / "bad.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("BAD-1.json", content)
    else:
        (tmp_path / "BAD-1.json").write_bytes(content)
    with pytest.raises(UserError, match=rf"BAD-1\.json is no advisory, or is damaged: .*{problem}.*\n  → save"):
        answers(tmp_path, OLD_JINJA)


@pytest.mark.parametrize("spoil", [lambda text: text[:-30], lambda text: b"no zip", lambda text: b""])
def test_what_is_no_zip_file_is_named(tmp_path: Path, spoil: object) -> None:
    folder(tmp_path, IN_SQLITE, IN_JINJA)
    path = tmp_path / "all.zip"
    assert callable(spoil)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(UserError, match=r"all\.zip is no zip file, or is damaged"):
        answers(tmp_path, OLD_JINJA)


def test_a_zip_file_that_was_altered_is_named(tmp_path: Path) -> None:
    folder(tmp_path, IN_SQLITE, IN_JINJA)
    path = tmp_path / "all.zip"
    content = bytearray(path.read_bytes())
    content[80:90] = b"x" * 10
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"GHSA-cpwx-vrp4-4pq7\.json is no advisory, or is damaged"):
        answers(tmp_path, OLD_JINJA)


def test_more_than_is_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_MOST_READ", 100)
    with pytest.raises(UserError, match="there are more than"):
        answers(folder(tmp_path, IN_SQLITE, IN_JINJA), OLD_JINJA)
