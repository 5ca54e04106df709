"""What a recipe folder may hold, and what is refused in it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.inputs import recipe_reading
from builder.inputs.recipe import Recipe, RecipeFile
from builder.targets import Variant
from tests.support.recipes import SHIPPED, put


def read(recipes: Path, variant: Variant = Variant.RUNTIME) -> Recipe:
    (recipes / variant.recipe_folder).mkdir(parents=True, exist_ok=True)
    return recipe_reading.read(recipes, variant)


def names(files: tuple[RecipeFile, ...]) -> list[str]:
    return [file.name for file in files]


@pytest.mark.parametrize("variant", Variant)
def test_an_empty_recipe_is_fine(tmp_path: Path, variant: Variant) -> None:
    assert read(tmp_path, variant) == Recipe(variant, (), (), (), (), (), b"", None, ())


def test_a_missing_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="/dev is missing\n"):
        recipe_reading.read(tmp_path, Variant.RUNTIME_DEV)


@pytest.mark.parametrize(
    ("folder", "field", "in_order"),
    [
        ("requirements", "requirements", ["05-b.txt", "10-a.txt", "10-b.txt", "90-a.txt"]),
        ("scripts", "scripts", ["05-b", "10-a.py", "10-b.sh", "90-a"]),
        ("checks", "checks", ["05-b.py", "10-a.py", "10-b.py", "90-a.py"]),
        ("pre-patch", "pre_patches", ["0001-b.patch", "0002-a.diff", "a.patch"]),
        ("post-patch", "post_patches", ["0001-b.patch", "0002-a.diff", "a.patch"]),
    ],
)
def test_files_come_in_name_order_with_their_content(
    tmp_path: Path, folder: str, field: str, in_order: list[str]
) -> None:
    for name in reversed(in_order):
        put(tmp_path, f"runtime/{folder}/{name}", content=f"#!{name}")
    found = getattr(read(tmp_path), field)
    assert found == tuple(RecipeFile(name, f"#!{name}".encode()) for name in in_order)


def test_the_single_files_are_read_as_they_are(tmp_path: Path) -> None:
    put(tmp_path, "runtime/constraints.txt", content="a==1\n")
    put(tmp_path, "runtime/pip.conf", content="[global]\n")
    found = read(tmp_path)
    assert (found.constraints, found.pip_conf) == (b"a==1\n", b"[global]\n")


def test_each_variant_reads_its_own_folder(tmp_path: Path) -> None:
    put(tmp_path, "runtime/scripts/10-a", "dev/scripts/10-b")
    assert names(read(tmp_path, Variant.RUNTIME).scripts) == ["10-a"]
    assert names(read(tmp_path, Variant.RUNTIME_DEV).scripts) == ["10-b"]


@pytest.mark.parametrize(
    ("entry", "nearest"),
    [
        ("script/10-a", "did you mean scripts?"),
        ("requirement/10-a.txt", "did you mean requirements?"),
        ("prepatch/a.patch", "did you mean pre-patch?"),
        ("constraint.txt", "did you mean constraints.txt?"),
        ("requirements.txt", "did you mean requirements?"),
        (
            "zzz",
            "known names: builds, checks, constraints.txt, licenses.toml, packages, pip.conf, post-patch, pre-patch, "
            "prune.txt, pylock.toml, requirements, scripts, venvs, wheels",
        ),
    ],
)
def test_what_is_no_part_of_a_recipe_is_refused_with_the_nearest_name(tmp_path: Path, entry: str, nearest: str) -> None:
    put(tmp_path, f"runtime/{entry}")
    with pytest.raises(UserError, match=f"/runtime/{entry.partition('/')[0]} is not part of a recipe") as refused:
        read(tmp_path)
    assert refused.value.hint == nearest


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("requirements/rest.txt", "NN-name.txt"),
        ("requirements/1-rest.txt", "NN-name.txt"),
        ("requirements/10-rest", "NN-name.txt"),
        ("requirements/10-rest.txt~", "NN-name.txt"),
        ("requirements/10_rest.txt", "NN-name.txt"),
        ("scripts/setup", "NN-name"),
        ("scripts/100-setup", "NN-name"),
        ("scripts/10-setup~", "NN-name"),
        ("scripts/10-setup.orig", "NN-name"),
        ("scripts/10-setup.sh.rej", "NN-name"),
        ("scripts/10-setup.bak", "NN-name"),
        ("scripts/10-setup.dpkg-old", "NN-name"),
        ("checks/10-rest", "NN-name.py"),
        ("checks/rest.py", "NN-name.py"),
        ("pre-patch/fix.txt", "name.patch"),
        ("post-patch/fix.patch.orig", "name.patch"),
    ],
)
def test_a_file_with_another_name_is_refused_with_the_form(tmp_path: Path, name: str, form: str) -> None:
    put(tmp_path, f"runtime/{name}")
    with pytest.raises(UserError) as refused:
        read(tmp_path)
    assert refused.value.message == f"{tmp_path}/runtime/{name} is not named {form}"
    assert refused.value.hint


@pytest.mark.parametrize("name", ["scripts/20-b", "constraints.txt", "pip.conf", "prune.txt"])
def test_a_link_that_points_to_nothing_is_refused(tmp_path: Path, name: str) -> None:
    put(tmp_path, "runtime/scripts/10-a")
    (tmp_path / "runtime" / name).symlink_to("../gone")
    with pytest.raises(UserError, match=f"{name} points to nothing\n"):
        read(tmp_path)


@pytest.mark.parametrize("target", ["file", "gone"])
def test_what_is_no_folder_in_place_of_one_is_refused(tmp_path: Path, target: str) -> None:
    put(tmp_path, "file", "runtime/checks/10-a.py")
    (tmp_path / "runtime/scripts").symlink_to(f"../{target}")
    with pytest.raises(UserError, match="runtime/scripts is not a folder\n"):
        read(tmp_path)


def test_a_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    put(tmp_path, "shared.sh", content="#!/bin/bash")
    put(tmp_path, "runtime/scripts/10-a")
    (tmp_path / "runtime/scripts/20-b").symlink_to("../../shared.sh")
    assert read(tmp_path).scripts[1] == RecipeFile("20-b", b"#!/bin/bash")


@pytest.mark.parametrize("letter", ["\u2028", "\x0c", "\x0b", "\r", "\x85"])
def test_a_remark_ends_with_its_line_only(tmp_path: Path, letter: str) -> None:
    put(tmp_path, "runtime/prune.txt", content=f"# a remark{letter}lib\nshare/man\r\n")
    assert read(tmp_path).prune == ("share/man",)


@pytest.mark.parametrize("name", ["runtime/scripts/10-a", "runtime/constraints.txt", "runtime/prune.txt"])
@pytest.mark.parametrize("kind", ["fifo", "device", "endless"])
def test_what_is_no_file_or_has_no_end_is_refused_and_not_waited_for(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)
    with pytest.raises(UserError, match=f"{name} can't be read: (not a regular file|has more than)"):
        recipe_reading.read(tmp_path, Variant.RUNTIME)


@pytest.mark.parametrize("name", ["runtime/scripts/10-a", "runtime/constraints.txt"])
def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(parents=True)
    with pytest.raises(UserError, match=f"{name} can't be read: not a regular file"):
        read(tmp_path)


@pytest.mark.parametrize("content", ["", "echo\n", "\n#!/bin/sh\n", " #!/bin/sh\n"])
def test_a_script_without_interpreter_line_is_refused(tmp_path: Path, content: str) -> None:
    put(tmp_path, "runtime/scripts/10-a", content=content)
    with pytest.raises(UserError, match="runtime/scripts/10-a has no #! line"):
        read(tmp_path)


def test_a_check_needs_no_interpreter_line(tmp_path: Path) -> None:
    put(tmp_path, "runtime/checks/10-a.py", content="import os\n")
    assert names(read(tmp_path).checks) == ["10-a.py"]


def test_a_patch_of_the_interpreter_is_refused_in_the_dev_recipe(tmp_path: Path) -> None:
    put(tmp_path, "dev/pre-patch/fix.patch")
    with pytest.raises(UserError, match="dev/pre-patch: runtime-dev starts from the finished runtime") as refused:
        read(tmp_path, Variant.RUNTIME_DEV)
    assert "recipes/runtime/pre-patch" in refused.value.hint


def test_a_placeholder_keeps_the_pre_patch_folder_of_the_dev_recipe(tmp_path: Path) -> None:
    put(tmp_path, "dev/pre-patch/.gitkeep")
    assert read(tmp_path, Variant.RUNTIME_DEV).pre_patches == ()


@pytest.mark.parametrize("folder", ["", "requirements", "pre-patch", "post-patch", "scripts", "checks"])
def test_placeholders_and_notes_are_passed_over(tmp_path: Path, folder: str) -> None:
    put(tmp_path, *(f"runtime/{folder}/{name}" for name in (".gitkeep", "README.md", ".10-a.swp", "10-notes.md")))
    assert read(tmp_path) == Recipe(Variant.RUNTIME, (), (), (), (), (), b"", None, ())


def test_comments_and_blank_lines_are_no_prune_patterns(tmp_path: Path) -> None:
    put(tmp_path, "runtime/prune.txt", content="# all of it\n\n  bin/idle*  # no X here\n\t\nshare/man\n#lib\n")
    assert read(tmp_path).prune == ("bin/idle*", "share/man")


def test_the_shipped_runtime_recipe_reads_well() -> None:
    found = recipe_reading.read(SHIPPED, Variant.RUNTIME)
    assert found.requirements
    assert found.checks
    assert found.prune
    assert found.constraints


def test_the_shipped_dev_recipe_reads_well() -> None:
    found = recipe_reading.read(SHIPPED, Variant.RUNTIME_DEV)
    assert found.requirements
    assert found.checks
    assert found.pre_patches == ()


def test_a_pip_conf_that_gives_a_login_away_is_refused_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "pip.conf").write_text("[global]\nindex-url = https://jo:secret@pypi.example/simple\n")
    with pytest.raises(UserError, match=r"pip\.conf has a login, which every runtime would bring along") as refused:
        recipe_reading.read(tmp_path, Variant.RUNTIME)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("option", ["user", "target", "prefix", "root", "dry-run", "dry_run", "require-virtualenv"])
@pytest.mark.parametrize("section", ["global", "install"])
def test_a_pip_conf_that_steers_the_builds_own_installs_is_refused(tmp_path: Path, section: str, option: str) -> None:
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "pip.conf").write_text(f"[{section}]\n{option} = yes\n")
    with pytest.raises(UserError, match=rf"pip\.conf: \[{section}\] {option} decides where or whether pip installs"):
        recipe_reading.read(tmp_path, Variant.RUNTIME)


def test_a_pip_conf_with_an_index_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "pip.conf").write_bytes(b"[global]\nindex-url = https://index/simple\n")
    assert recipe_reading.read(tmp_path, Variant.RUNTIME).pip_conf == b"[global]\nindex-url = https://index/simple\n"


def test_a_virtual_environment_is_read_with_its_commands(tmp_path: Path) -> None:
    put(tmp_path, "runtime/venvs/tool/requirements.txt", content="# it\ntool==1\n--no-binary Tool_kit\n")
    put(tmp_path, "runtime/venvs/tool/commands.txt", content="tool*  # all\n\n")
    put(tmp_path, "runtime/venvs/other/requirements.txt", content="other\n")
    other, tool = read(tmp_path).venvs
    assert (other.name, other.commands, other.lock) == ("other", (), None)
    assert (tool.name, tool.commands, tool.asked) == ("tool", ("tool*",), ("tool==1", "--no-binary Tool_kit"))
    assert tool.compiled == {"tool-kit"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("venvs/tool", "is not the folder of a virtual environment"),
        ("venvs/-x/requirements.txt", "is not the folder of a virtual environment"),
        ("venvs/a b/requirements.txt", "is not the folder of a virtual environment"),
        ("venvs/tool/requirement.txt", "did you mean requirements.txt?"),
        ("venvs/tool/commands.txt", "has no requirements.txt"),
        ("venvs/tool/pylock.toml", "requirements.txt"),
    ],
)
def test_what_is_no_virtual_environment_is_refused(tmp_path: Path, entry: str, said: str) -> None:
    put(tmp_path, f"runtime/{entry}")
    with pytest.raises(UserError) as refused:
        read(tmp_path)
    assert said in f"{refused.value.message} {refused.value.hint}"
    assert "runtime/venvs/" in refused.value.message


def test_the_lines_of_requirements_are_those_that_ask_for_something(tmp_path: Path) -> None:
    content = "\ufeff# web\r\nfastapi==1\r\n\r\n  uvicorn  # fast\n--no-binary six\n"
    put(tmp_path, "runtime/requirements/10-web.txt", content=content)
    assert [*read(tmp_path).asked] == ["fastapi==1", "uvicorn  # fast", "--no-binary six"]


def test_a_wheel_is_asked_for_with_its_digest(tmp_path: Path) -> None:
    put(tmp_path, "runtime/wheels/mine-1.0-py3-none-any.whl", content="x")
    digest = hashlib.sha256(b"x").hexdigest()
    assert read(tmp_path).asked == (f"wheels/mine-1.0-py3-none-any.whl --hash=sha256:{digest}",)


@pytest.mark.parametrize("name", ["mine.whl", "mine-1.0.tar.gz", "mine-x-py3-none-any.whl", "a b-1.0-py3-none-any.whl"])
def test_what_is_not_named_as_wheels_are_is_refused(tmp_path: Path, name: str) -> None:
    put(tmp_path, f"runtime/wheels/{name}")
    with pytest.raises(UserError, match="runtime/wheels/"):
        read(tmp_path)
