"""The session that locks packages: what the resolver is asked, and what is written and said. The resolver is a fake."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from builder.inputs import project as projects
from builder.inputs.package_lock import parse
from builder.sessions import opening
from builder.sessions.locks import renew
from builder.sessions.opening import SessionFailed
from builder.targets import Variant
from tests.support.factories import checkout
from tests.support.recipes import put

# It notes how it was called, and resolves to what `answers.json` next to it has.
FAKE = """
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
files = {path.name: path.read_text() for path in pathlib.Path().iterdir() if path.is_file()}
with (here / "calls").open("a") as calls:
    calls.write(json.dumps({"args": sys.argv[1:], "env": dict(os.environ), "files": files}) + "\\n")
answers = json.loads((here / "answers.json").read_text())
if "fails" in answers:
    sys.exit(answers["fails"])
rows = ['lock-version = "1.0"', 'created-by = "fake"']
wanted = "build" if "requires.txt" in files else "dev" if any(name.startswith("dev-") for name in files) else "runtime"
for name, version in answers.get(wanted, {}).items():
    if "=" in version:
        rows += ["[[packages]]", f'name = "{name}"', version]
        continue
    file = f'{{ url = "https://e.org/{name}-{version}.tar.gz", hashes = {{ sha256 = "00" }} }}'
    rows += ["[[packages]]", f'name = "{name}"', f'version = "{version}"', f"sdist = {file}"]
pathlib.Path("pylock.toml").write_text("\\n".join(rows if rows[2:] else [*rows, "packages = []"]))
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without locks, and a resolver in it."""
    root = checkout(tmp_path)
    (root / "fake.py").write_text(FAKE)
    # A first line can't name an interpreter whose path has a blank, as a checkout's may.
    (root / "uv").write_text(f'#!/bin/sh\nexec {shlex.join((sys.executable, str(root / "fake.py")))} "$@"\n')
    (root / "uv").chmod(0o755)
    answer(root, runtime={"fastapi": "1", "six": "1"}, dev={"fastapi": "1", "six": "1", "pytest": "9"})
    monkeypatch.setattr(opening, "ROOT", root)
    return root


def answer(root: Path, **answers: Any) -> None:
    """What the resolver finds from now on."""
    (root / "answers.json").write_text(json.dumps(answers))


def lock(root: Path, *args: str) -> list[dict[str, Any]]:
    """Run the session; how the resolver was called for each recipe."""
    (root / "calls").unlink(missing_ok=True)
    renew(args, root / "uv")
    return [json.loads(line) for line in (root / "calls").read_text().splitlines()]


def locks(root: Path) -> dict[str, bytes]:
    """The locks that are there."""
    return {path.parent.name: path.read_bytes() for path in sorted((root / "recipes").glob("*/pylock.toml"))}


def test_both_recipes_get_a_lock_that_fits_their_requirements(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock(root)
    runtime, dev = projects.read(root, {}).recipes.values()
    assert runtime.lock
    assert dev.lock
    assert runtime.lock.made_for == frozenset(runtime.asked)
    assert dev.lock.made_for == frozenset((*runtime.asked, *dev.asked))
    shown = capsys.readouterr().out
    assert "recipes/runtime/pylock.toml: written\n  + fastapi 1\n  + six 1\n" in shown
    assert "recipes/dev/pylock.toml: written\n" in shown


def test_the_resolver_gets_the_requirements_with_pip_and_the_constraints(root: Path) -> None:
    runtime, dev = lock(root)
    assert runtime["files"]["runtime-10-web.txt"] == "fastapi\n"
    assert runtime["files"]["pip.txt"] == "pip\n"
    assert "dev-10-tools.txt" not in runtime["files"]
    assert {"runtime-10-web.txt", "dev-10-tools.txt", "pip.txt"} <= {*dev["args"]}
    assert {"--constraint=constraints-runtime.txt", "--constraint=constraints-below.txt"} <= {*dev["args"]}
    assert dev["files"]["constraints-below.txt"] == "fastapi==1\nsix==1\n"
    assert {"--universal", "--only-binary=:all:", "--format=pylock.toml"} <= {*runtime["args"]}


@pytest.mark.parametrize(("asked", "lowest"), [("3.14t", "3.13"), ("3.14 3.12.1", "3.12")])
def test_the_lowest_version_that_is_asked_for_or_pinned_is_resolved_for(
    root: Path, monkeypatch: pytest.MonkeyPatch, asked: str, lowest: str
) -> None:
    monkeypatch.setenv("PYTHON_VERSION", asked)
    assert f"--python-version={lowest}" in lock(root)[0]["args"]


def test_what_is_locked_is_kept_unless_all_of_it_is_to_be_newer(root: Path) -> None:
    assert "pylock.toml" not in lock(root)[0]["files"]
    before = locks(root)["runtime"].decode()
    assert lock(root)[0]["files"]["pylock.toml"] == before
    named = lock(root, "--upgrade", "six")[0]
    assert "--upgrade-package=six" in named["args"]
    assert named["files"]["pylock.toml"] == before
    assert "pylock.toml" not in lock(root, "--upgrade")[0]["files"]


def test_the_newest_of_a_package_that_no_lock_has_is_refused_and_the_nearest_name_is_said(root: Path) -> None:
    lock(root)
    (root / "calls").unlink()
    with pytest.raises(
        SessionFailed, match=r"--upgrade FastAPY: no lock has a package of that name\n.*did you mean fastapi\?"
    ):
        renew(["--upgrade", "six", "FastAPY"], root / "uv")
    assert not (root / "calls").exists()
    assert "--upgrade-package=Six" in lock(root, "--upgrade", "Six")[0]["args"]


@pytest.mark.parametrize(
    ("file", "line", "named"),
    [
        ("constraints.txt", "Six<1\n", "recipes/dev/constraints.txt has Six<1, and "),
        ("requirements/20-six.txt", "six==2\n", "recipes/dev/requirements has six==2, and "),
    ],
)
def test_a_line_of_dev_that_excludes_what_the_runtime_has_is_named_with_its_file(
    root: Path, file: str, line: str, named: str
) -> None:
    put(root / "recipes", f"dev/{file}", content=line)
    with pytest.raises(SessionFailed, match=rf"{re.escape(named)}.*/recipes/runtime/pylock.toml six 1\n"):
        lock(root)
    assert [*locks(root)] == ["runtime"]


@pytest.mark.parametrize("line", ["six>=1\n", "six==2; sys_platform == 'win32'\n", "pytest<9\n"])
def test_a_line_of_dev_that_does_not_is_the_resolvers(root: Path, line: str) -> None:
    put(root / "recipes", "dev/constraints.txt", content=line)
    *_, dev = lock(root)
    assert dev["files"]["constraints-dev.txt"] == line


def test_an_unchanged_lock_is_not_written(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock(root)
    path = root / "recipes" / "runtime" / "pylock.toml"
    moment = path.stat().st_mtime_ns
    capsys.readouterr()
    lock(root)
    assert path.stat().st_mtime_ns == moment
    shown = capsys.readouterr().out
    assert shown.startswith("recipes/runtime/pylock.toml: unchanged\nrecipes/dev/pylock.toml: unchanged\n")


def test_diff_shows_what_would_change_and_writes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock(root)
    before = locks(root)
    answer(root, runtime={"fastapi": "2"}, dev={"fastapi": "2"})
    capsys.readouterr()
    lock(root, "--diff")
    shown = capsys.readouterr().out
    assert locks(root) == before
    assert "pylock.toml: not written (--diff)\n  - fastapi 1\n  + fastapi 2\n  - six 1\n" in shown


def test_what_no_build_could_install_is_said_when_it_is_locked(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock(root)
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert len(notes) == 4, "only sources, for two architectures and two recipes"
    assert "recipes/runtime/pylock.toml: fastapi 1 has no wheel for Python 3.14 on arm64 with glibc 2.31" in notes[2]
    answer(root, runtime={}, dev={})
    lock(root)
    assert capsys.readouterr().out.endswith("every package has a file for every platform\n")


@pytest.mark.parametrize(
    ("wheel", "line"),
    [
        ("mine-1.0-py3-none-any.whl", ""),
        (
            "mine-1.0-cp314-cp314-manylinux_2_28_x86_64.whl",
            " ; platform_machine == 'x86_64' and python_version == '3.14'",
        ),
        ("mine-1.0-cp314-cp314t-linux_aarch64.whl", " ; platform_machine == 'aarch64' and python_version == '3.14'"),
        ("mine-1.0-cp311-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", " ; platform_machine == 'x86_64'"),
    ],
)
def test_a_wheel_of_the_recipe_is_required_where_it_can_be_installed(root: Path, wheel: str, line: str) -> None:
    path = root / "recipes" / "runtime" / "wheels" / wheel
    path.parent.mkdir()
    path.write_bytes(b"PK")
    for call in lock(root):
        assert call["files"]["wheels.txt"] == f"../runtime/wheels/{wheel}{line}\n"


def test_a_virtual_environment_is_locked_by_itself(root: Path) -> None:
    folder = root / "recipes" / "dev" / "venvs" / "tool"
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text("tool==1\n")
    *_, call = lock(root)
    assert call["files"] == {"tool-requirements.txt": "tool==1\n"}
    assert [one for one in call["args"] if one.startswith("--constraint")] == []
    (venv,) = projects.read(root, {}).recipes[Variant.RUNTIME_DEV].venvs
    assert venv.lock
    assert venv.lock.made_for == {"tool==1"}


TREE = "recipes/runtime/packages/mine"
IN_RECIPE = 'directory = { path = "packages/mine" }'
FROM_DEV = 'directory = { path = "../runtime/packages/mine" }'


@pytest.fixture
def building(root: Path) -> Path:
    """The checkout with a project in the recipe of the runtime."""
    put(root, f"{TREE}/pyproject.toml", content='[build-system]\nrequires = ["backend>=2"]\n')
    put(root, f"{TREE}/src/mine.py", f"{TREE}/requirements.txt", content="1")
    answer(root, runtime={"mine": IN_RECIPE}, dev={"mine": FROM_DEV}, build={"backend": "2"})
    return root


def test_a_project_of_the_recipe_is_required_with_its_files_and_what_builds_it_is_locked(building: Path) -> None:
    runtime, tool, dev = lock(building)
    for call in (runtime, dev):
        assert call["files"]["packages.txt"] == "../runtime/packages/mine\n"
        assert not any(one.endswith("mine/requirements.txt") for one in call["args"]), "that is the project's own"
        assert "--only-binary=:all:" not in call["args"], "its metadata may have to be made"
    assert tool["files"] == {"requires.txt": "backend>=2", "requirements.txt": "", "constraints.txt": ""}
    assert "--only-binary=:all:" in tool["args"]
    recipe = projects.read(building, {}).recipes[Variant.RUNTIME]
    assert recipe.builds.locks["mine"].made_for == {"backend>=2"}
    assert projects.read(building, {}).recipes[Variant.RUNTIME_DEV].builds.locks == {}
    assert "constraints-below.txt" in dev["files"]
    assert dev["files"]["constraints-below.txt"] == "", "it has no version"


def test_what_builds_packages_may_be_constrained(building: Path) -> None:
    put(building, "recipes/runtime/builds/constraints.txt", content="backend<3\n")
    tool = lock(building)[1]
    assert tool["files"]["constraints.txt"] == "backend<3\n"
    assert "--constraint=constraints.txt" in tool["args"]
    builds = projects.read(building, {}).recipes[Variant.RUNTIME].builds
    assert builds.locks["mine"].made_for == {"backend>=2", "--constraint backend<3"}


def test_builds_may_need_more_than_their_projects_say(building: Path) -> None:
    put(building, "recipes/runtime/builds/requirements.txt", content="ninja\n")
    tool = lock(building)[1]
    assert {"requires.txt", "requirements.txt"} <= {*tool["args"]}
    assert tool["files"]["requirements.txt"] == "ninja\n"
    builds = projects.read(building, {}).recipes[Variant.RUNTIME].builds
    assert builds.locks["mine"].made_for == {"backend>=2", "ninja"}


def test_what_is_no_longer_built_has_no_lock(building: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock(building)
    shutil.rmtree(building / TREE)
    answer(building, runtime={}, dev={})
    lock(building, "--diff")
    path = building / "recipes" / "runtime" / "builds" / "pylock.mine.toml"
    assert path.is_file()
    lock(building)
    assert not path.exists()
    assert "builds/pylock.mine.toml: not needed any more" in capsys.readouterr().out


def test_an_index_is_asked_again_for_wheels_of_what_it_answered_with_a_source(building: Path) -> None:
    answer(building, runtime={"mine": IN_RECIPE, "six": "1"}, dev={}, build={})
    first, second, *_ = lock(building)
    assert [one for one in first["args"] if one.startswith("--only-binary")] == []
    assert "--only-binary=six" in second["args"]
    put(building, "recipes/runtime/requirements/20-six.txt", content="--no-binary six\n")
    calls = lock(building)
    assert not any("--only-binary=six" in one["args"] for one in calls), "that is wanted"


@pytest.mark.parametrize("own", ["requirements/20-six.txt", "packages/six/pyproject.toml", "packages/six-2.tar.gz"])
def test_what_was_a_release_may_become_own_code(building: Path, own: str) -> None:
    wheel = 'wheels = [{{ url = "https://e.org/{}-1-py3-none-any.whl", hashes = {{ sha256 = "00" }} }}]'
    answer(building, runtime={name: wheel.format(name) for name in ("six", "idna")}, dev={}, build={})
    lock(building)
    text = "six @ git+https://e.org/six\n" if own.endswith(".txt") else '[project]\nname = "Six"\n'
    put(building, f"recipes/runtime/{own}", content=text)
    runtime, *_ = lock(building)
    assert [one for one in runtime["args"] if one.startswith("--only-binary")] == ["--only-binary=idna"]


@pytest.mark.needs("git")
def test_a_commit_is_fetched_to_see_what_builds_it_and_runtime_dev_begins_with_it(root: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    put(repository, "pyproject.toml", content='[build-system]\nrequires = ["backend"]\n')
    for args in (["init", "-q"], ["add", "."], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"]):
        subprocess.run(["git", *args], cwd=repository, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True)
    vcs = f'vcs = {{ type = "git", url = "file://{repository}", commit-id = "{commit.stdout.strip()}" }}'
    put(root, "recipes/runtime/requirements/20-x.txt", content=f"x @ git+file://{repository}\n")
    answer(root, runtime={"x": vcs}, dev={"x": vcs}, build={"backend": "2"})
    runtime, _, dev = lock(root)
    assert projects.read(root, {}).recipes[Variant.RUNTIME].builds.locks["x"].made_for == {
        "backend",
        f"x @ {commit.stdout.strip()}",
    }
    assert "pylock.toml" not in runtime["files"]
    assert commit.stdout.strip() in dev["files"]["pylock.toml"]
    assert runtime["env"]["GIT_TERMINAL_PROMPT"] == "0"


def test_a_cool_down_takes_no_younger_file(root: Path) -> None:
    (option,) = (one for one in lock(root, "--cool-down", "7")[0]["args"] if one.startswith("--exclude-newer="))
    assert option.endswith("+00:00")


def test_pips_settings_reach_the_resolver_and_nothing_else_of_the_environment(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "recipes" / "runtime" / "pip.conf").write_text("[global]\nindex-url = https://recipe/simple\ntimeout = 9\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:secret@corp/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "file:///here https://more/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "https://a/ https://b/")
    monkeypatch.delenv("PIP_DEFAULT_TIMEOUT", raising=False)
    monkeypatch.setenv("SOMETHING", "else")
    call = lock(root)[0]
    assert call["env"]["UV_DEFAULT_INDEX"] == "https://me:secret@corp/simple"
    assert call["env"]["UV_INDEX"] == "https://more/simple"
    assert call["env"]["UV_FIND_LINKS"] == "https://a/,https://b/"
    assert call["env"]["UV_HTTP_TIMEOUT"] == "9"
    assert "SOMETHING" not in call["env"]
    assert "secret" not in str(call["args"])


def test_what_the_resolver_says_of_a_failure_is_said_without_secrets_and_nothing_is_written(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:secret@corp/simple")
    answer(root, fails="fastapi was not found at https://me:secret@corp/simple")
    with pytest.raises(SessionFailed, match="fastapi was not found") as raised:
        lock(root)
    assert "secret" not in str(raised.value)
    assert locks(root) == {}


def test_a_lock_that_can_not_be_read_says_how_to_get_another(root: Path) -> None:
    (root / "recipes" / "runtime" / "pylock.toml").write_text("[[[")
    with pytest.raises(SessionFailed, match="remove it; `nox -s lock` makes it again"):
        lock(root)


def test_the_lock_is_valid_toml_that_others_read(root: Path) -> None:
    lock(root)
    for text in locks(root).values():
        assert tomllib.loads(text.decode())["lock-version"] == "1.0"
        assert parse(Path("pylock.toml"), text).content.created_by == "fake"


def test_what_a_killed_session_left_goes_when_the_next_one_starts(root: Path) -> None:
    left = root / "out" / "work" / "lock-x"
    left.mkdir(parents=True)
    lock(root)
    assert not left.exists()
