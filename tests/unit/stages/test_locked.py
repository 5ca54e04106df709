"""What of a lock is installed: one file of each package, that suits the target, and nothing that was not asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from builder.errors import UserError
from builder.inputs.commit import Commit
from builder.inputs.package_lock import parse, text_of
from builder.inputs.pins import Source
from builder.inputs.recipe import Builds, Recipe, RecipeFile, SourceTree
from builder.stages.from_source import FromSource
from builder.stages.lock import Distribution
from builder.stages.locked import Platform, of_recipe
from builder.stages.stage import File
from builder.targets import Arch, Variant
from tests.support.factories import recipes

BARE = {
    variant: replace(recipe, requirements=(), constraints=b"") for variant, recipe in recipes().items()
}  # fmt: skip
HERE = Platform("3.14.7", Arch.AMD64, "2.31")
Packages = list[dict[str, Any]]


def wheel(file: str, digit: str = "a", **more: str) -> dict[str, Any]:
    """A wheel of a lock."""
    return {"url": f"https://example.org/{file}", "hashes": {"sha256": digit * 64}, **more}


def package(name: str, *files: str, version: str = "1.0", **more: Any) -> dict[str, Any]:
    """A package of a lock, with wheels of these names."""
    return {"name": name, "version": version, "wheels": [wheel(file) for file in files], **more}


def recipe(packages: Packages, requirements: bytes = b"", variant: Variant = Variant.RUNTIME, **lock: Any) -> Recipe:
    """A recipe with a lock that fits its requirements."""
    files = (RecipeFile("10-x.txt", requirements),) if requirements else ()
    without = replace(BARE[variant], requirements=files)
    text = tomlkit.dumps({"lock-version": "1.0", "created-by": "uv", "packages": packages, **lock})
    return with_lock(without, text, without.asked)


def with_lock(given: Recipe, text: str, asked: tuple[str, ...]) -> Recipe:
    """A recipe with a lock that was made for these lines."""
    path = Path("recipes") / given.variant.recipe_folder / "pylock.toml"
    return replace(given, lock=parse(path, text_of(text, asked).encode()))


def files(packages: Packages, platform: Platform = HERE, requirements: bytes = b"") -> list[str]:
    """The files that are chosen."""
    return [one.file for one in distributions(recipe(packages, requirements), platform)]


def distributions(given: Recipe, platform: Platform = HERE) -> list[Distribution]:
    """The same, of a recipe that has nothing to be built."""
    chosen = of_recipe((given,), platform)
    assert chosen is not None
    return [one for one in chosen if isinstance(one, Distribution)]


def test_a_recipe_without_a_lock_has_nothing_locked() -> None:
    assert of_recipe((BARE[Variant.RUNTIME],), HERE) is None


def test_a_lock_of_nothing_is_a_lock() -> None:
    assert of_recipe((recipe([]),), HERE) == ()


def test_the_lines_are_those_of_pip_with_each_files_digest_in_the_order_of_names() -> None:
    chosen = recipe([package("six", "six-1.0-py3-none-any.whl"), package("a", "a-1.0-py3-none-any.whl")])
    assert [one.line for one in distributions(chosen)] == [
        f"a==1.0 --hash=sha256:{'a' * 64}  # a-1.0-py3-none-any.whl\n",
        f"six==1.0 --hash=sha256:{'a' * 64}  # six-1.0-py3-none-any.whl\n",
    ]


EACH = [
    "x-1.0-cp314-cp314-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "x-1.0-cp314-cp314-manylinux2014_aarch64.whl",
    "x-1.0-cp314-cp314-manylinux_2_34_x86_64.whl",
    "x-1.0-cp314-cp314t-manylinux_2_31_x86_64.whl",
    "x-1.0-cp313-cp313-manylinux_2_28_x86_64.whl",
    "x-1.0-cp311-abi3-manylinux_2_28_x86_64.whl",
    "x-1.0-cp314-cp314-musllinux_1_2_x86_64.whl",
    "x-1.0-cp314-cp314-macosx_11_0_arm64.whl",
    "x-1.0-cp314-cp314-win_amd64.whl",
]


@pytest.mark.parametrize(
    ("platform", "file"),
    [
        (HERE, EACH[0]),
        (replace(HERE, arch=Arch.ARM64), EACH[1]),
        (replace(HERE, glibc="2.36"), EACH[2]),
        (replace(HERE, version="3.14.7t"), EACH[3]),
        (replace(HERE, version="3.13.15"), EACH[4]),
        (replace(HERE, version="3.15.0rc2"), EACH[5]),
        (replace(HERE, version="3.14.7d"), EACH[0]),
    ],
)
def test_the_wheel_that_suits_the_target_is_chosen(platform: Platform, file: str) -> None:
    assert files([package("x", *EACH)], platform) == [file]


@pytest.mark.parametrize(
    ("marker", "there"),
    [
        ("platform_machine == 'x86_64'", True), ("platform_machine == 'aarch64'", False),
        ("sys_platform == 'linux'", True), ("os_name == 'nt'", False), ("python_version < '3.14'", False),
        ("python_full_version >= '3.14.7'", True), ("implementation_name == 'pypy'", False),
    ],
)  # fmt: skip
def test_a_marker_is_compared_with_the_target(marker: str, there: bool) -> None:
    assert files([package("x", "x-1.0-py3-none-any.whl", marker=marker)]) == ["x-1.0-py3-none-any.whl"] * there


SDIST: dict[str, Any] = {"sdist": {"url": "https://example.org/x-1.0.tar.gz", "hashes": {"sha256": "b" * 64}}}


def test_a_package_without_a_wheel_for_the_target_is_named_with_it() -> None:
    nothing: dict[str, Any] = {}
    for more in (nothing, SDIST):
        with pytest.raises(UserError) as raised:
            files([package("x", EACH[0], **more)], replace(HERE, arch=Arch.ARM64))
        message = raised.value.message
        assert re.search("recipes/runtime/pylock.toml.*Python 3.14.7 on arm64 with glibc 2.31", message), message
        assert re.search(r"\bx\b", message)
        assert "--no-binary" in raised.value.hint, "to lock it again would find no other file"


@pytest.mark.parametrize(
    "line",
    [
        b"--no-binary X\n",
        b"--no-binary=y,x\n",
        b"x --no-binary x\n",
        b"--no-binary :all:",
        b"\xef\xbb\xbf--no-binary x",
    ],
)
def test_what_is_to_be_compiled_comes_as_its_source(line: bytes) -> None:
    lock = [package("x", EACH[0], **SDIST)]
    with pytest.raises(UserError, match=r"recipes/runtime/builds/pylock\.x\.toml is missing: it locks what builds x"):
        of_recipe((recipe(lock, line),), HERE)
    built = building(recipe(lock, line), x=(f"x @ sha256:{'b' * 64}", "setuptools"))
    (source,) = of_recipe((built,), HERE) or ()
    assert isinstance(source, FromSource)
    (file,) = source.files
    assert isinstance(file.content, Source)
    assert (file.content.file, file.sha256) == ("x-1.0.tar.gz", "b" * 64)
    assert [one.line for one in source.requires] == [
        f"setuptools==1.0 --hash=sha256:{'a' * 64}  # setuptools-1.0-py3-none-any.whl\n"
    ]


def building(
    given: Recipe, files: Sequence[str] = ("setuptools-1.0-py3-none-any.whl",), **made_for: tuple[str, ...]
) -> Recipe:
    """The recipe with locks of what builds packages, of these files, made for these lines."""
    packages = [package(file.partition("-")[0], file) for file in files]
    text = tomlkit.dumps({"lock-version": "1.0", "created-by": "uv", "packages": packages})
    path = Path("recipes") / given.variant.recipe_folder / "builds"
    builds = {
        name: parse(path / f"pylock.{name}.toml", text_of(text, lines).encode()) for name, lines in made_for.items()
    }
    return replace(given, builds=Builds(builds))


COMMIT = "c0ffee" * 6 + "c0ff"
REPOSITORY: dict[str, Any] = {
    "name": "x", "version": "1.0",
    "vcs": {"type": "git", "url": "https://example.org/x", "requested-revision": "main", "commit-id": COMMIT},
}  # fmt: skip
TREE = SourceTree("mine", (RecipeFile("pyproject.toml", b'[build-system]\nrequires = ["flit_core<4"]\n'),))
IN_RECIPE: dict[str, Any] = {"name": "x", "directory": {"path": "packages/mine"}}
ARCHIVE: dict[str, Any] = {"url": "https://example.org/a/x-2.0.tar.gz?raw=1", "hashes": {"sha256": "d" * 64}}


def with_tree(tree: SourceTree = TREE, packages: Sequence[dict[str, Any]] = (IN_RECIPE,)) -> Recipe:
    """A recipe with a project, and a lock that has it."""
    without = replace(BARE[Variant.RUNTIME], trees=(tree,))
    text = tomlkit.dumps({"lock-version": "1.0", "created-by": "uv", "packages": [*packages]})
    return with_lock(without, text, without.asked)


def only(given: Recipe) -> FromSource:
    """The one source of a recipe."""
    (found,) = of_recipe((given,), HERE) or ()
    assert isinstance(found, FromSource)
    return found


def test_a_repository_is_built_from_the_commit_of_the_lock() -> None:
    found = only(building(recipe([REPOSITORY]), x=(f"x @ {COMMIT}", "flit_core")))
    assert found.files == (File("source.tar", Commit("https://example.org/x", COMMIT)),)
    assert found.described == {"name": "x", "source": "https://example.org/x", "commit": COMMIT}
    assert found.strip == 0


def test_an_archive_at_a_url_is_built_if_it_is_a_source_and_installed_if_it_is_a_wheel() -> None:
    found = only(building(recipe([{"name": "x", "archive": ARCHIVE}]), x=(f"x @ sha256:{'d' * 64}",)))
    assert found.described == {"name": "x", "source": "x-2.0.tar.gz", "sha256": "d" * 64}
    assert found.strip == 1
    url = "https://example.org/x-2.0-py3-none-any.whl#egg=x"
    (wheel_,) = distributions(recipe([{"name": "x", "version": "2.0", "archive": {**ARCHIVE, "url": url}}]))
    assert (wheel_.file, wheel_.url) == ("x-2.0-py3-none-any.whl", url)


def test_a_folder_of_the_recipe_is_built_from_what_it_has() -> None:
    found = only(building(with_tree(), x=("flit_core<4",)))
    assert [file.name for file in found.files] == ["source/pyproject.toml"]
    assert found.described == {"name": "x", "source": "packages/mine", "sha256": TREE.sha256}


def test_what_a_folder_is_built_with_changes_its_lock_and_what_it_holds_does_not() -> None:
    more = replace(TREE, files=(*TREE.files, RecipeFile("x.py", b"")))
    assert only(building(with_tree(more), x=("flit_core<4",))).files[1].name == "source/x.py"
    with pytest.raises(
        UserError, match=r"builds/pylock\.x\.toml was made for other requirements: \+ flit_core<4, - hatch"
    ):
        only(building(with_tree(), x=("hatch",)))
    other = replace(with_tree(), trees=(SourceTree("mine", (RecipeFile("pyproject.toml", b""),)),))
    with pytest.raises(
        UserError, match=r"pylock\.toml was made for other requirements: \+ packages/mine with metadata"
    ):
        of_recipe((other,), HERE)


def test_what_builds_another_commit_is_refused() -> None:
    with pytest.raises(UserError, match=rf"pylock\.x\.toml was not made for x @ {COMMIT}"):
        only(building(recipe([REPOSITORY]), x=("x @ 0ff1ce", "flit_core")))


@pytest.mark.parametrize(
    ("field", "content", "line"),
    [("constraints", b"# old\nsetuptools<81\n", "--constraint setuptools<81"), ("requirements", b"ninja\n", "ninja")],
)
def test_what_builds_a_package_is_made_for_the_constraints_and_requirements_of_builds(
    field: str, content: bytes, line: str
) -> None:
    for given, kind in ((recipe([REPOSITORY]), f"x @ {COMMIT}"), (with_tree(), "flit_core<4")):
        old, new = (building(given, x=(kind, *more)) for more in ((), (line,)))
        with pytest.raises(UserError, match=rf"pylock\.x\.toml was .*{line}"):
            only(replace(old, builds=Builds(old.builds.locks, **{field: content})))
        assert only(replace(new, builds=Builds(new.builds.locks, **{field: content}))).requires


def test_what_builds_a_package_has_a_wheel_for_the_platform() -> None:
    with pytest.raises(UserError, match=r"pylock\.x\.toml, for Python 3\.14\.7 on amd64"):
        only(building(with_tree(), ["ninja-1.0-py3-none-win_amd64.whl"], x=("flit_core<4",)))


def test_a_project_is_built_by_a_lock_only() -> None:
    with pytest.raises(UserError, match="recipes/runtime/packages is installed by a lock only"):
        of_recipe((replace(BARE[Variant.RUNTIME], trees=(TREE,)),), HERE)


def test_runtime_dev_builds_what_the_runtime_has_not() -> None:
    runtime = building(with_tree(), x=("flit_core<4",))
    dev = replace(BARE[Variant.RUNTIME_DEV])
    path = {"name": "x", "directory": {"path": "../runtime/packages/mine"}}
    text = tomlkit.dumps({"lock-version": "1.0", "created-by": "uv", "packages": [path, REPOSITORY | {"name": "y"}]})
    dev = building(with_lock(dev, text, runtime.asked), y=(f"y @ {COMMIT}",))
    (found,) = of_recipe((runtime, dev), HERE) or ()
    assert found.name == "y"


@pytest.mark.parametrize(
    ("asked", "change"),
    [(("fastapi==1",), r"\+ fastapi==2, - fastapi==1"), ((), r"\+ fastapi==2"), (("fastapi==2", "six"), "- six")],
)
def test_a_lock_of_other_requirements_is_refused_and_what_differs_is_named(asked: tuple[str, ...], change: str) -> None:
    given = replace(BARE[Variant.RUNTIME], requirements=(RecipeFile("10-x.txt", b"# web\nfastapi==2\n"),))
    stale = with_lock(given, 'lock-version = "1.0"\ncreated-by = "uv"\npackages = []\n', asked)
    with pytest.raises(UserError, match=change) as raised:
        of_recipe((stale,), HERE)
    assert "nox -s lock" in raised.value.hint


def test_a_changed_constraint_makes_a_lock_stale() -> None:
    stale = replace(recipe([]), constraints=b"six<2\n")
    with pytest.raises(UserError, match=r"\+ --constraint six<2"):
        of_recipe((stale,), HERE)


def test_runtime_dev_installs_what_the_runtime_has_not() -> None:
    six, pytest_ = package("six", "six-1.0-py3-none-any.whl"), package("pytest", "pytest-1.0-py3-none-any.whl")
    chosen = of_recipe((recipe([six]), recipe([six, pytest_], variant=Variant.RUNTIME_DEV)), HERE)
    assert [one.name for one in chosen or ()] == ["pytest"]


def test_runtime_dev_may_not_lock_another_release_than_the_runtime() -> None:
    six, newer = package("six", "six-1.0-py3-none-any.whl"), package("six", "six-1.1-py3-none-any.whl", version="1.1")
    with pytest.raises(UserError, match=r"six-1.1-py3-none-any.whl.*six-1.0-py3-none-any.whl"):
        of_recipe((recipe([six]), recipe([newer], variant=Variant.RUNTIME_DEV)), HERE)


def test_the_lock_of_runtime_dev_needs_that_of_the_runtime() -> None:
    with pytest.raises(UserError, match="recipes/runtime has no lock"):
        of_recipe((BARE[Variant.RUNTIME], recipe([], variant=Variant.RUNTIME_DEV)), HERE)


def test_a_lock_for_newer_versions_of_python_is_refused_by_older_ones_only() -> None:
    lock: dict[str, Any] = {"requires-python": ">=3.15"}
    given = recipe([], **lock)
    with pytest.raises(UserError, match=r"3\.15") as raised:
        of_recipe((given,), HERE)
    assert raised.value.hint == "`nox -s lock` makes it again"
    for version in ("3.15.0rc2", "3.15.0rc2t", "3.15.2"):
        assert of_recipe((given,), replace(HERE, version=version)) == ()


HOSTILE: Mapping[str, dict[str, Any]] = {
    "an option for a name": wheel("x-1.0-py3-none-any.whl", name="x-1.0-py3-none-any.whl --index-url=evil"),
    "another digest": {"url": "https://example.org/x-1.0-py3-none-any.whl", "hashes": {"md5": "a" * 32}},
    "a digest with a line end": wheel("x-1.0-py3-none-any.whl", digit="a\n"),
    "a folder": {"path": "../../x-1.0-py3-none-any.whl", "hashes": {"sha256": "short"}},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_file_that_pip_would_misread_is_refused(what: str) -> None:
    with pytest.raises(UserError, match=r"pylock.toml"):
        files([{"name": "x", "version": "1.0", "wheels": [HOSTILE[what]]}])


@pytest.mark.parametrize(
    "more",
    [
        {"vcs": {**REPOSITORY["vcs"], "url": "ext::sh -c id"}},
        {"vcs": {**REPOSITORY["vcs"], "url": "ssh://-oProxyCommand=id/x"}},
        {"vcs": {**REPOSITORY["vcs"], "commit-id": "main"}},
        {"directory": {"path": "x"}},
        {"directory": {"path": "../packages/mine"}},
        {"archive": {**ARCHIVE, "url": "https://example.org/x.zip"}},
        {"archive": {**ARCHIVE, "url": "file:///etc/x.tar.gz"}},
        {"archive": {**ARCHIVE, "hashes": {"sha256": "../../../../x"}}},
        {"archive": {**ARCHIVE, "url": "https://example.org/..%2f..%2fx.tar.gz/.."}},
        {"archive": {"path": "packages/x-1.0.tar.gz", "hashes": {"sha256": "a" * 64}}},
    ],
)
def test_what_can_not_be_had_by_its_digest_is_refused_by_name(more: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"pylock\.toml: x (is nothing that can be|has no file with a sha256)"):
        of_recipe((building(with_tree(packages=[{"name": "x", **more}]), x=("flit_core<4",)),), HERE)


OWN = RecipeFile("mine-1.0-py3-none-any.whl", b"a wheel of the team")
MINE: dict[str, Any] = {
    "name": "mine",
    "version": "1.0",
    "archive": {"path": f"wheels/{OWN.name}", "hashes": {"sha256": OWN.sha256}},
}


def with_wheels(*wheels: RecipeFile, packages: Packages) -> Recipe:
    """A recipe with wheels, and a lock that fits them."""
    without = replace(BARE[Variant.RUNTIME], wheels=wheels)
    return with_lock(
        without,
        tomlkit.dumps({"lock-version": "1.0", "created-by": "uv", "packages": packages}),
        without.asked,
    )


def test_a_wheel_of_the_recipe_is_known_by_its_digest() -> None:
    (found,) = distributions(with_wheels(OWN, packages=[MINE]))
    assert found.line == f"mine==1.0 --hash=sha256:{OWN.sha256}  # {OWN.name}\n"


def test_another_wheel_of_that_name_is_refused() -> None:
    recipe = with_wheels(OWN, packages=[MINE])
    other = replace(recipe, wheels=(replace(OWN, content=b"another"),))
    with pytest.raises(UserError, match=f"made for other requirements.*{OWN.name}"):
        of_recipe((other,), HERE)
    forged = {**MINE, "archive": {**MINE["archive"], "hashes": {"sha256": "0" * 64}}}
    with pytest.raises(UserError, match="mine is nothing that can be installed"):
        of_recipe((with_wheels(OWN, packages=[forged]),), HERE)


def test_wheels_are_installed_by_a_lock_only() -> None:
    with pytest.raises(UserError, match="recipes/runtime/wheels is installed by a lock only"):
        of_recipe((replace(BARE[Variant.RUNTIME], wheels=(OWN,)),), HERE)
