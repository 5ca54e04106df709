"""What recipes/deb may hold, how its templates are rendered, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.inputs import deb_recipe

TEXTS = {"control": "Package: x\n", "changelog.j2": "{{ package }}\n", "copyright": "Format: x\n"}


def put(folder: Path, **more: str) -> Path:
    """A complete folder, with more files; `__` in a name is a dot."""
    for name, text in {**TEXTS, **{name.replace("__", "."): text for name, text in more.items()}}.items():
        (folder / name).write_text(text)
    return folder


def test_only_templates_are_rendered_and_keep_their_last_line_end(tmp_path: Path) -> None:
    put(tmp_path, postinst="#!/bin/sh\necho {{ package }}\n")
    rendered = deb_recipe.read(tmp_path).render({"package": "prt"})
    assert rendered["changelog"] == b"prt\n"
    assert rendered["postinst"] == b"#!/bin/sh\necho {{ package }}\n"


def test_files_of_the_user_are_read_with_their_path_and_whether_they_can_be_run(tmp_path: Path) -> None:
    program = put(tmp_path) / "files" / "usr" / "bin" / "hello"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)  # as a umask of 077 leaves it
    (tmp_path / "files" / "etc").mkdir()
    (tmp_path / "files" / "etc" / "hello.conf").write_text("a=b\n")
    found = deb_recipe.read(tmp_path).files
    assert [(file.name, file.executable) for file in found] == [("etc/hello.conf", False), ("usr/bin/hello", True)]


def test_links_and_empty_folders_are_read_as_what_they_are(tmp_path: Path) -> None:
    root = put(tmp_path) / "files"
    (root / "opt/real").mkdir(parents=True)
    (root / "opt/real/a").touch()
    (root / "opt/folder").symlink_to("real")
    (root / "opt/file").symlink_to("real/a")
    (root / "opt/python").symlink_to("/prt/bin/python")
    (root / "var/log/mine").mkdir(parents=True)
    (root / "var/log/mine/.gitkeep").touch()
    found = deb_recipe.read(tmp_path)
    assert found.links == {"opt/file": "real/a", "opt/folder": "real", "opt/python": "/prt/bin/python"}
    assert found.folders == ("var/log/mine",)
    assert [file.name for file in found.files] == ["opt/real/a"]


@pytest.mark.parametrize(
    ("place", "make", "said"),
    [
        ("files/usr/pipe", os.mkfifo, "can't be read: not a regular file"),
        ("postinst", os.mkfifo, "can't be read: not a regular file"),
        ("postinst", os.mkdir, "can't be read: not a regular file"),
        ("postinst", lambda path: os.symlink("nowhere", path), "points to nothing"),
        ("files", Path.touch, "can't be read: Not a directory"),
        ("files", lambda path: os.symlink("nowhere", path), "can't be read: No such file or directory"),
        (
            "files/usr/up",
            lambda path: os.symlink("../../README.md", path),
            r"points out of files/, to '../../README\.md'",
        ),
        ("files/a\nb", Path.touch, r"a\\nb': dpkg can't have such a name"),
        ("files/a\\b", Path.touch, "dpkg can't have such a name"),
        ("files/a\udcff", Path.touch, "dpkg can't have such a name"),
        ("files/DEBIAN", os.mkdir, "is not a file of the package"),
    ],
)
def test_what_can_t_go_into_a_package_is_refused_by_name(
    tmp_path: Path, place: str, make: Callable[[Path], None], said: str
) -> None:
    path = put(tmp_path) / place
    path.parent.mkdir(parents=True, exist_ok=True)
    make(path)
    with pytest.raises(UserError, match=said) as refused:
        deb_recipe.read(tmp_path)
    assert str(tmp_path) in refused.value.message


@pytest.mark.parametrize(
    ("name", "hint"), [("postints", "did you mean postinst?"), ("contrl.j2", "did you mean control?")]
)
def test_what_is_no_part_of_a_package_is_refused(tmp_path: Path, name: str, hint: str) -> None:
    (put(tmp_path) / name).touch()
    with pytest.raises(UserError, match=f"{name} is not part of a package") as refused:
        deb_recipe.read(tmp_path)
    assert refused.value.hint == hint


def test_notes_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path, README__md="notes", __hidden="")
    assert deb_recipe.read(tmp_path).texts.keys() == {"control", "changelog", "copyright"}


@pytest.mark.parametrize("name", ["control", "changelog.j2", "copyright"])
def test_what_every_package_has_is_missed(tmp_path: Path, name: str) -> None:
    (put(tmp_path) / name).unlink()
    with pytest.raises(UserError, match=f"{name.removesuffix('.j2')}.j2 is missing"):
        deb_recipe.read(tmp_path)


def test_a_text_and_a_template_of_one_name_are_refused(tmp_path: Path) -> None:
    put(tmp_path, control__j2="")
    with pytest.raises(UserError, match=r"has both control and control\.j2"):
        deb_recipe.read(tmp_path)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("ok\n{{ packag }}\n", "2: 'packag' is undefined"),
        ("ok\n\n{% if package %}\n", "3: Unexpected end of template"),
        ("{{ package.name.first }}\n", "1: 'str object' has no attribute 'name'"),
        ("ok\n{{ 1 / 0 }}\n", "2: division by zero"),
        ("ok\n{{ package + 1 }}\n", "2: can only concatenate"),
        ("ok\n{% include 'other' %}\n", "2: other"),
    ],
)
def test_a_mistake_in_a_template_is_named_with_file_and_line(tmp_path: Path, template: str, said: str) -> None:
    recipe = deb_recipe.read(put(tmp_path, postinst__j2=template))
    with pytest.raises(UserError) as refused:
        recipe.render({"package": "prt"})
    assert refused.value.message.startswith(f"{tmp_path}/postinst.j2:{said}")
    assert refused.value.hint == "known words: package"


def test_a_text_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (put(tmp_path) / "postinst.j2").write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"postinst\.j2:1: "):
        deb_recipe.read(tmp_path).render({"package": "prt"})
