"""Projects in a recipe: what of a folder counts, what is refused in it, and what its build asks for."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.inputs import build_system, recipe_reading, tree_reading
from builder.inputs.recipe import Recipe
from builder.targets import Variant
from tests.support.recipes import put

MINE = "runtime/packages/mine"


def read(recipes: Path) -> Recipe:
    """The recipe, with a project that has what was put there."""
    put(recipes, f"{MINE}/pyproject.toml", content="[project]\n")
    return recipe_reading.read(recipes, Variant.RUNTIME)


def names(recipes: Path) -> list[str]:
    """The files of the project."""
    (tree,) = read(recipes).trees
    return [file.name for file in tree.files]


def test_a_project_is_all_its_files_but_those_that_tools_keep(tmp_path: Path) -> None:
    kept = ["pyproject.toml", "src/mine/__init__.py", "src/mine/a b.c", ".gitignore"]
    left_out = [".git/config", ".venv/bin/python", "src/mine/__pycache__/x.pyc", "src/mine.egg-info/PKG-INFO"]
    put(tmp_path, *(f"{MINE}/{name}" for name in (*kept, *left_out)), content="")
    assert sorted(names(tmp_path)) == sorted(kept)


def test_a_change_of_content_mode_or_name_changes_its_digest_and_only_metadata_changes_what_is_asked(
    tmp_path: Path,
) -> None:
    put(tmp_path, f"{MINE}/x.py", content="1")
    seen = []
    path = tmp_path / MINE / "x.py"
    for change in (
        lambda: None,
        lambda: path.write_text("2"),
        lambda: path.chmod(0o755),
        lambda: path.rename(f"{path}x"),
    ):
        change()
        recipe = read(tmp_path)
        seen.append((recipe.trees[0].sha256, recipe.asked))
    assert len({digest for digest, _ in seen}) == 4
    assert len({asked for _, asked in seen}) == 1
    put(tmp_path, f"{MINE}/setup.cfg", content="[options]\n")
    assert read(tmp_path).asked != seen[0][1]


def test_a_link_within_the_project_is_the_file_it_leads_to(tmp_path: Path) -> None:
    put(tmp_path, f"{MINE}/a.py", content="a")
    (tmp_path / MINE / "b.py").symlink_to("a.py")
    assert names(tmp_path) == ["a.py", "b.py", "pyproject.toml"]


def test_the_projects_folder_itself_may_be_elsewhere(tmp_path: Path) -> None:
    put(tmp_path, "services/mine/a.py", "services/mine/setup.py", "runtime/packages/README.md")
    (tmp_path / MINE).symlink_to("../../services/mine")
    assert names(tmp_path) == ["a.py", "pyproject.toml", "setup.py"]


@pytest.mark.parametrize("target", ["../secret", "/etc/passwd", "../../packages", "../gone"])
def test_a_link_that_leads_out_of_the_project_is_refused(tmp_path: Path, target: str) -> None:
    put(tmp_path, "runtime/packages/secret", f"{MINE}/a.py", content="#!")
    (tmp_path / MINE / "link").symlink_to(target)
    with pytest.raises(UserError, match="link is a link that leads out of the folder"):
        read(tmp_path)


def test_a_link_to_a_folder_and_one_to_nothing_are_refused(tmp_path: Path) -> None:
    put(tmp_path, f"{MINE}/sub/a.py")
    link = tmp_path / MINE / "link"
    for target, said in (("sub", "is a link to a folder"), (".", "is a link to a folder"), ("gone", "can't be read")):
        link.symlink_to(target)
        with pytest.raises(UserError, match=f"mine/link {said}"):
            read(tmp_path)
        link.unlink()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("empty/README.txt", "is not a Python project"),
        ("-x/setup.py", "is not the folder of a project"),
        ("mine-1.0.zip", "is not named as sdists are"),
        ("mine/a\nb.py", "has characters that can't be seen"),
    ],
)
def test_what_is_no_project_is_refused(tmp_path: Path, entry: str, said: str) -> None:
    put(tmp_path, f"runtime/packages/{entry}")
    with pytest.raises(UserError, match=said):
        read(tmp_path)


def test_a_project_has_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, f"{MINE}/a.py", f"{MINE}/b.py", content="12345")
    monkeypatch.setattr(tree_reading, "_MOST_FILES", 2)
    with pytest.raises(UserError, match="mine has more than 2 files"):
        read(tmp_path)
    monkeypatch.setattr(tree_reading, "_MOST_FILES", 3)
    monkeypatch.setattr(tree_reading, "_MOST_BYTES", 9)
    with pytest.raises(UserError, match=r"b\.py can't be read: has more than 4 bytes"):
        read(tmp_path)


def test_what_never_ends_is_not_read(tmp_path: Path) -> None:
    put(tmp_path, f"{MINE}/a.py")
    os.mkfifo(tmp_path / MINE / "pipe")
    with pytest.raises(UserError, match="mine/pipe can't be read: not a regular file"):
        read(tmp_path)


def test_an_sdist_is_asked_for_by_its_digest(tmp_path: Path) -> None:
    put(tmp_path, "runtime/packages/mine-1.0.tar.gz", content="x")
    (sdist,) = recipe_reading.read(tmp_path, Variant.RUNTIME).sdists
    assert recipe_reading.read(tmp_path, Variant.RUNTIME).asked == (
        f"packages/mine-1.0.tar.gz --hash=sha256:{sdist.sha256}",
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-e ../mine", "a runtime has its own copy of everything"),
        ("--editable=git+https://example.org/x", "a runtime has its own copy of everything"),
        ("./mine", "a place on this machine"),
        ("../mine[extra]", "a place on this machine"),
        ("/srv/mine", "a place on this machine"),
        ("mine @ file:///srv/mine", "a place on this machine"),
        ("file:///srv/mine", "a place on this machine"),
    ],
)
@pytest.mark.parametrize("file", ["requirements/10-x.txt", "venvs/tool/requirements.txt"])
def test_what_another_machine_has_elsewhere_is_refused_by_its_line(
    tmp_path: Path, file: str, line: str, said: str
) -> None:
    put(tmp_path, f"runtime/{file}", content=f"six\n{line}\n")
    with pytest.raises(UserError) as refused:
        recipe_reading.read(tmp_path, Variant.RUNTIME)
    assert f"{file}: {line}: {said}" in refused.value.message
    assert "the recipe's folder `packages`" in refused.value.hint


@pytest.mark.parametrize(
    "line",
    [
        "x @ https://me:topsecret@e.org/x.whl",
        "x @ git+https://topsecret@e.org/x",
        "--extra-index-url https://${ME}:topsecret@e.org/simple",
        "x @ git+ssh://git:topsecret@e.org/x",
    ],
)
@pytest.mark.parametrize(
    "file", ["requirements/10-x.txt", "constraints.txt", "builds/constraints.txt", "builds/requirements.txt"]
)
def test_a_login_in_a_requirement_is_refused_and_not_shown(tmp_path: Path, line: str, file: str) -> None:
    put(tmp_path, f"runtime/{file}", content=f"{line}\n")
    with pytest.raises(UserError, match=rf"{file}: .* has a login") as refused:
        recipe_reading.read(tmp_path, Variant.RUNTIME)
    assert "topsecret" not in str(refused.value)


@pytest.mark.parametrize(
    "line",
    [
        "x @ git+ssh://git@e.org/x@main",
        "x @ git+file:///srv/x@main",
        "x @ https://e.org/x.whl",
        "e-mail==1",
        "-r x.txt",
    ],
)
def test_what_is_the_same_everywhere_may_be_required(tmp_path: Path, line: str) -> None:
    put(tmp_path, "runtime/requirements/10-x.txt", content=f"{line}\n")
    assert recipe_reading.read(tmp_path, Variant.RUNTIME).asked == (line,)


@pytest.mark.parametrize(
    ("pyproject", "requires"),
    [
        (None, ("setuptools>=40.8.0",)),
        (b"[project]\n", ("setuptools>=40.8.0",)),
        (b'[build-system]\nrequires = ["hatchling", "cython >=3 ; python_version > \'3\'"]\n',
         ("hatchling", 'cython>=3; python_version > "3"')),
        (b"[build-system]\nrequires = []\n", ()),
    ],
)  # fmt: skip
def test_what_a_build_asks_for(pyproject: bytes | None, requires: tuple[str, ...]) -> None:
    assert build_system.requires(pyproject, "here") == requires


@pytest.mark.parametrize(
    "pyproject",
    [
        b"[build-system]\n", b"[build-system]\nrequires = 1\n", b"build-system = 1\n", b"[[[", b"\xff",
        b'[build-system]\nrequires = ["--index-url=evil"]\n', b'[build-system]\nrequires = [1]\n',
    ],
)  # fmt: skip
def test_a_pyproject_that_pip_could_not_build_is_refused(pyproject: bytes) -> None:
    with pytest.raises(UserError, match=r"^here: pyproject\.toml: "):
        build_system.requires(pyproject, "here")


def archive(**files: bytes) -> bytes:
    """A tar archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return content.getvalue()


def test_it_is_found_in_an_archive_where_the_project_is(tmp_path: Path) -> None:
    def of(name: str) -> bytes:
        return f'[build-system]\nrequires = ["{name}"]\n'.encode()

    given = archive(
        **{"x-1/a/pyproject.toml": of("deep"), "x-1/pyproject.toml": of("top"), "pyproject.toml": of("root")}
    )
    assert build_system.of_archive(given, 1, "", "here") == ("top",)
    assert build_system.of_archive(given, 1, "a", "here") == ("deep",)
    (tmp_path / "x.tar").write_bytes(given)
    assert build_system.of_archive(tmp_path / "x.tar", 0, "", "here") == ("root",)
    assert build_system.of_archive(given, 0, "b", "here") == ("setuptools>=40.8.0",)
    with pytest.raises(UserError, match="here is not a tar archive"):
        build_system.of_archive(given[:50], 1, "", "here")
    with pytest.raises(UserError, match="here is not a tar archive"):
        build_system.of_archive(b"PK", 1, "", "here")


def test_a_pyproject_larger_than_any_is_refused_and_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_system, "_LARGEST", 10)
    given = archive(**{"x-1/pyproject.toml": b"# a remark\n[build-system]\nrequires = []\n"})
    with pytest.raises(UserError, match="has more than 10 bytes"):
        build_system.of_archive(given, 1, "", "here")
