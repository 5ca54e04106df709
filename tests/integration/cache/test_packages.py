"""Packages from a lock, with the real pip and an index of our own: what is locked, refused, and installed offline."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

import pytest

from builder.engines.base import fill
from builder.errors import BuildError
from builder.inputs.recipe import Recipe, RecipeFile, SourceTree
from builder.pipeline.distributions import wheel_of
from builder.stages.from_source import FromSource
from builder.stages.lock import LOCK, distribution, lines, read_lock
from builder.stages.pip import DISTRIBUTIONS, FETCHED, install, plan_fetch, plan_lock
from builder.stages.programs import program_file
from builder.stages.stage import Step
from builder.stages.wheel import OUTPUT, plan_wheel
from builder.targets import Arch, Variant
from tests.support.factories import inputs
from tests.support.tree import extract
from tests.support.wheels import METADATA, wheel

PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
BACKEND = """
import zipfile
NAME = "sourced-1.0-py3-none-any.whl"
def build_wheel(folder, *rest):
    with zipfile.ZipFile(folder + "/" + NAME, "w") as wheel:
        wheel.writestr("sourced.py", "compiled = True")
        for name, text in FILES.items():
            wheel.writestr("sourced-1.0.dist-info/" + name, text)
    return NAME
FILES = {"METADATA": "Metadata-Version: 2.1\\nName: sourced\\nVersion: 1.0\\n", "RECORD": "",
         "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}
"""


def sdist() -> tuple[str, bytes]:
    """A source distribution that is not a wheel yet."""
    stream = io.BytesIO()
    files = {
        "pyproject.toml": PROJECT, "backend.py": BACKEND,
        "PKG-INFO": METADATA.format(name="sourced", version="1.0", more=""),
    }  # fmt: skip
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"sourced-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return "sourced-1.0.tar.gz", stream.getvalue()


TOOL = wheel("tool")[1]


@contextmanager
def index(folder: Path, *files: tuple[str, bytes], fragment: str = "sha256") -> Iterator[str]:
    """An index of these files; its links carry digests of that kind."""
    for file, content in files:
        project = folder / "simple" / file.split("-")[0]
        project.mkdir(parents=True, exist_ok=True)
        (project / file).write_bytes(content)
        mark = f"#{fragment}={hashlib.new(fragment, content).hexdigest()}"
        with (project / "index.html").open("a") as page:
            page.write(f'<a href="{file}{mark}">{file}</a>\n')
    handler = partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple/"
        finally:
            server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@dataclass(frozen=True)
class Place:
    """A work folder, and a virtual environment in place of PRT_ROOT."""

    folder: Path
    index: str = "http://127.0.0.1:9/"

    @property
    def root(self) -> PurePosixPath:
        """What the steps take for PRT_ROOT."""
        return PurePosixPath(self.folder / "venv")

    def run(self, steps: list[Step]) -> str:
        """Run the steps but for unpacking; BuildError with what the failed one said."""
        said = ""
        for step in steps:
            if step.name in {"unpack parent", "unpack interpreter"}:
                continue
            args, env, cwd = fill(step, PurePosixPath(self.folder), 1)
            network = {"PIP_INDEX_URL": self.index, "PIP_RETRIES": "0"} if step.network else {}
            whole = {"PATH": os.defpath, "HOME": str(self.folder), **env, **network}
            done = subprocess.run(args, cwd=cwd, env=whole, capture_output=True, text=True, check=False)
            said += done.stdout + done.stderr
            if done.returncode:
                raise BuildError(f"{step.name}: {done.stdout}{done.stderr}", step.hint)
        return said

    def lock(self, requirements: bytes) -> Path:
        """Resolve, and return the lock."""
        given = recipe(requirements)
        stage = plan_lock((given,), {"version": "3.14.7t", "arch": "amd64"}, prt_root=self.root, env={})
        for file in stage.files:
            assert isinstance(file.content, bytes)
            path = self.folder / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
        self.run([*stage.steps])
        return self.folder / LOCK

    def fetch(self) -> None:
        """Download again what the lock names, into the folder from which it is installed."""
        shutil.rmtree(self.folder / DISTRIBUTIONS)
        (self.folder / FETCHED).unlink()
        self.run([*plan_fetch((recipe(b""),), [LOCK], prt_root=self.root, env={}).steps])
        assert (self.folder / FETCHED).is_file()

    def install(self, requirements: bytes = b"") -> str:
        """Install what the lock names."""
        check = program_file("compare_lock.py")
        assert isinstance(check.content, bytes)
        (self.folder / check.name).write_bytes(check.content)
        return self.run([*install(recipe(requirements), self.root, {})])

    def build(self, tmp_path: Path, hooks: str = "", tool: bytes = TOOL) -> str:
        """Build the wheel of a project that needs a tool, and put it where it is installed from."""
        requires = (distribution("tool", "1.0", "tool-1.0-py3-none-any.whl", hashlib.sha256(TOOL).hexdigest()),)
        texts = {"pyproject.toml": PROJECT, "backend.py": f"import tool\n{BACKEND}{hooks}"}
        tree = SourceTree("mine", tuple(RecipeFile(name, text.encode()) for name, text in texts.items()))
        given = inputs(tmp_path).set(PRT_ROOT=str(self.root))
        source = FromSource("sourced", "", tree, requires=requires)
        stage = plan_wheel(source, given.plan().interpreter, given.inputs, Arch.AMD64).stage
        files = {file.name: file.content for file in stage.files}
        for name, content in {**files, f"{DISTRIBUTIONS}/{requires[0].file}": tool}.items():
            assert isinstance(content, bytes)
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        said = self.run([*stage.steps])
        one, path = wheel_of(self.folder / OUTPUT, "sourced", tmp_path)
        shutil.copy(path, self.folder / DISTRIBUTIONS / one.file)
        (self.folder / LOCK).write_bytes(lines([one]))
        return said

    def imports(self, code: str) -> None:
        """Run Python code in the environment."""
        subprocess.run([f"{self.root}/bin/python", "-c", code], check=True)


def recipe(requirements: bytes) -> Recipe:
    """A development recipe: pip is there already."""
    files = (RecipeFile("10-x.txt", requirements),)
    return Recipe(Variant.RUNTIME_DEV, files, (), (), (), (), b"", None, ())


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with pip."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def place(environment: Path, tmp_path: Path) -> Place:
    """A fresh copy of it."""
    shutil.copytree(environment, tmp_path / "work" / "venv", symlinks=True)
    return Place(tmp_path / "work")


def test_what_is_resolved_is_locked_by_sha256_and_installed_with_no_index_left(place: Place, tmp_path: Path) -> None:
    files = wheel("one", more="Requires-Dist: two>=1\n"), wheel("two", "1.0"), wheel("two", "2.0")
    with index(tmp_path, *files) as url:
        online = replace(place, index=url)
        named = read_lock(online.lock(b"one\n"))
        online.fetch()
    assert [(one.name, one.file, one.sha256) for one in named] == [
        (file.split("-")[0], file, hashlib.sha256(content).hexdigest()) for file, content in (files[0], files[2])
    ]
    place.install()  # the index is gone: removed upstream, yanked or down, it is all the same
    place.imports("import one, two; assert two.version == '2.0'")


def test_a_poisoned_wheel_is_not_installed(place: Place, tmp_path: Path) -> None:
    with index(tmp_path, wheel("one")) as url:
        online = replace(place, index=url)
        online.lock(b"one\n")
        online.fetch()
    (poisoned,) = (place.folder / DISTRIBUTIONS).iterdir()
    poisoned.write_bytes(wheel("one", more="Summary: evil\n")[1])
    with pytest.raises(BuildError, match="DO NOT MATCH THE HASHES"):
        place.install()


def test_a_poisoned_wheel_in_pips_own_cache_is_not_looked_at(place: Place, tmp_path: Path) -> None:
    with index(tmp_path, wheel("one")) as url:
        online = replace(place, index=url)
        online.lock(b"one\n")
        online.fetch()
        online.install()
    assert [*place.folder.rglob("*http*")] == [], "pip keeps no cache"


def test_an_index_that_knows_md5_only_is_refused_by_the_packages_name(place: Place, tmp_path: Path) -> None:
    refused = pytest.raises(BuildError, match=r"one 1\.0 has no file with a sha256 to lock it by")
    with index(tmp_path, wheel("one"), fragment="md5") as url, refused:
        replace(place, index=url).lock(b"one\n")


@pytest.mark.needs("git")
def test_a_repository_is_refused_by_name(place: Place, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    with tarfile.open(fileobj=io.BytesIO(sdist()[1])) as archive:
        extract(archive, repository)
    source = repository / "sourced-1.0"
    for args in (["init", "-q"], ["add", "."], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"]):
        subprocess.run(["git", *args], cwd=source, check=True)
    with pytest.raises(BuildError, match=r"sourced 1\.0 has no file with a sha256 to lock it by") as problem:
        place.lock(f"--no-binary sourced\ngit+file://{source}#egg=sourced\n".encode())
    assert "must be a release on an index" in problem.value.hint


def test_a_source_distribution_is_refused_with_version_flavour_and_how_to_declare_it(
    place: Place, tmp_path: Path
) -> None:
    with index(tmp_path, sdist()) as url, pytest.raises(BuildError, match="sourced") as problem:
        replace(place, index=url).lock(b"sourced\n")
    assert "no wheel for Python 3.14.7t on amd64 is compiled from its source" in problem.value.hint
    assert "--no-binary NAME" in problem.value.hint


def test_a_declared_source_distribution_is_locked_and_compiled(place: Place, tmp_path: Path) -> None:
    declared = b"--no-binary sourced\nsourced\n"
    with index(tmp_path, sdist(), wheel("one")) as url:
        online = replace(place, index=url)
        (named,) = read_lock(online.lock(declared))
        assert named.file == "sourced-1.0.tar.gz"
        online.fetch()
        online.install(declared)
    place.imports("import sourced; assert sourced.compiled")


def test_requirements_that_exclude_each_other_name_the_conflict(place: Place, tmp_path: Path) -> None:
    files = wheel("one", more="Requires-Dist: two<2\n"), wheel("two", "1.0"), wheel("two", "2.0")
    with index(tmp_path, *files) as url, pytest.raises(BuildError, match="conflict") as problem:
        replace(place, index=url).lock(b"one\ntwo==2.0\n")
    assert "10-x.txt" in problem.value.hint


def test_a_set_that_does_not_fit_what_is_there_fails_by_pip_check(place: Place, tmp_path: Path) -> None:
    with index(tmp_path, wheel("one", more="Requires-Dist: two<2\n"), wheel("two", "1.0")) as url:
        online = replace(place, index=url)
        online.lock(b"one\n")
        online.fetch()
    lines = (place.folder / LOCK).read_text().splitlines(keepends=True)
    (place.folder / LOCK).write_text("".join(lines[:2]))
    with pytest.raises(BuildError, match=r"pip check: one 1\.0 requires two"):
        place.install()


def test_a_project_is_built_without_an_index_by_the_tools_of_its_lock_and_no_place_is_in_what_is_installed(
    place: Place, tmp_path: Path
) -> None:
    place.build(tmp_path)
    place.install()
    place.imports("import sourced; assert sourced.compiled")
    assert [*place.folder.glob("venv/lib/python*/site-packages/sourced-1.0.dist-info/direct_url.json")] == []


def test_a_tool_that_is_not_among_the_build_requirements_is_named(place: Place, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"(?s)build wheel: .*No module named 'another_tool'") as problem:
        place.build(tmp_path, "import another_tool\n")
    assert "[build-system] requires" in problem.value.hint


def test_a_poisoned_tool_builds_nothing(place: Place, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"(?s)install build requirements: .*DO NOT MATCH THE HASHES"):
        place.build(tmp_path, tool=wheel("tool", more="Summary: evil\n")[1])
