"""Whatever of a recipe or a setting is changed, a key changes or it is refused; what else may change has its reason."""

from __future__ import annotations

import lzma
import os
import re
import shutil
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from itertools import zip_longest
from pathlib import Path

import pytest

from builder.engines.images import BuilderImage
from builder.errors import UserError
from builder.inputs import deb_recipe, pins, recipe_reading
from builder.inputs.deb_recipe import DebRecipe
from builder.inputs.package_lock import FILE
from builder.inputs.recipe import InterpreterRecipe, Recipe
from builder.inputs.settings import SETTINGS
from builder.plan import plan_deb, plan_runtime
from builder.roots.roles import Role, Roots
from builder.roots.tree import RootShelf
from builder.sources.python_build import PythonBuild
from builder.sources.shelf import SourceShelf
from builder.stages.planning import BuildMachine, Inputs
from builder.stages.stage import Stage, key_of
from builder.targets import Arch, Target, Variant
from tests.support.factories import COMMITTED, NO_NETWORK, plugin, settings

SHIPPED = Path(__file__).parents[3] / "recipes"
# One file of each kind that the shipped recipes have none of.
MORE = {
    "runtime/pre-patch/10-a.patch": "--- a/x\n+++ b/x\n",
    "runtime/post-patch/10-a.patch": "--- a/x\n+++ b/x\n",
    "runtime/scripts/10-a": "#!/bin/sh\necho a\n",
    "runtime/licenses.toml": 'denied = ["GPL-3.0-only"]\n',
    "dev/post-patch/10-a.patch": "--- a/x\n+++ b/x\n",
    "deb/triggers": "interest a\n",
    "builder/more": "copied by a Dockerfile\n",
}
OWN_CODE = ("packages", "builds")  # folders of a recipe
# Builds of all pinned versions, line editors, suites and architectures, each at least once.
Build = tuple[str, Arch, dict[str, str]]
VERSIONS = [*pins.read(SHIPPED / "pins.toml").pythons]
PATCHED = [f"cpython/{version}" for version in recipe_reading.read_interpreter(SHIPPED).python_patches]
CHOICES: list[tuple[Arch, dict[str, str]]] = [
    (Arch.AMD64, {}),
    (Arch.ARM64, {"SYSROOT": "bookworm"}),
    (Arch.ARM64, {"LINE_EDITOR": "readline", "GDBM": "1", "TK": "1"}),
    (Arch.AMD64, {"LINE_EDITOR": "readline", "SYSROOT": "bookworm"}),
]
BUILDS: list[Build] = [
    (VERSIONS[number % len(VERSIONS)], *CHOICES[number % len(CHOICES)])
    for number in range(max(len(VERSIONS), len(CHOICES)))
]


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    """The shipped recipes, and one file of each kind they have none of; the one profile is a small one.

    Of Debian's patches to a source only the first: all of them are files of one kind.

    The recipes themselves have no lock, for with one a change of the requirements is refused; and no code of their own,
    which needs one.
    """
    left_out = shutil.ignore_patterns("*.profdata.xz", *OWN_CODE, "debian-?[!1]-*", "debian-[!0]?-*")
    folder = shutil.copytree(SHIPPED, tmp_path / "recipes", ignore=left_out)
    for name in ("runtime", "dev"):
        (folder / name / FILE).unlink()
    (folder / "profiles" / f"{VERSIONS[0]}.profdata.xz").write_bytes(lzma.compress(b"a profile"))
    for name, text in MORE.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


Read = tuple[dict[Variant, Recipe], InterpreterRecipe, DebRecipe]


def read(recipes: Path) -> Read:
    """The recipes, but for their pins."""
    each = {variant: recipe_reading.read(recipes, variant) for variant in Variant}
    return each, recipe_reading.read_interpreter(recipes), deb_recipe.read(recipes / "deb")


def keys(recipes: Path, build: Build = BUILDS[0], reading: Read | None = None, *, whole: bool = False) -> Iterator[str]:
    """Every key there is of the packages of these recipes, and what decides their builder images.

    The manifest has one digest of all recipes, and a key has those of the stages before it: unless the keys are wanted
    `whole`, each stage has to notice by itself what it makes something of.
    """
    version, arch, chosen = build
    each, interpreter, package = reading or read(recipes)
    given = Inputs(
        version, settings(recipes, **chosen), each, interpreter, COMMITTED,
        PythonBuild(plugin(), pins.read(recipes / "pins.toml")),
        BuildMachine("a toolchain", Arch.AMD64, crosses=True, surroundings="an image"),
    )  # fmt: skip
    plan = plan_runtime(Target(Variant.RUNTIME_DEV, arch), given)
    assert plan.parent
    yield from _compiled(plan.interpreter)
    stages = [plan.parent.locks.stage, plan.parent.stage, plan.locks.stage, plan.stage]
    yield from (_own_key(stage, whole) for stage in stages)
    yield from map(BuilderImage(recipes / "builder", "", "", NO_NETWORK).recipe, Role)
    yield _own_key(plan_deb(plan, package).stage, whole)
    # What takes longest comes last: whoever looks for a difference may have found one.
    shelf = RootShelf(recipes, SourceShelf(recipes, NO_NETWORK, "", "", print), print)
    yield from (Roots(recipes, shelf).root(role, arch).digest for role in Role for arch in Arch)


def _own_key(stage: Stage, whole: bool) -> str:
    left_out = () if whole else ("manifest", "parent", "parents", "below")
    return key_of({name: value for name, value in stage.key_inputs.items() if name not in left_out})


def _compiled(stage: Stage) -> Iterator[str]:
    yield stage.key
    for parent in stage.parents:
        yield from _compiled(parent)


def build_of(name: str) -> Build:
    """A build that a file of the recipes, or a folder, is part of: a patch to CPython is of one version."""
    first, _, rest = name.partition("/")
    return (rest.partition("/")[0], *CHOICES[0]) if first == "cpython" and rest else BUILDS[0]


def noticed(
    before: list[str], recipes: Path, build: Build = BUILDS[0], reading: Read | None = None, *, whole: bool = False
) -> bool:
    """Whether the recipes have other keys now, or are refused."""
    try:
        return any(one != other for one, other in zip_longest(keys(recipes, build, reading, whole=whole), before))
    except UserError:
        return True


def byte(position: float) -> Callable[[Path], None]:
    """A change of one byte."""

    def change(path: Path) -> None:
        content = bytearray(path.read_bytes() or b"\n")
        content[int(position * (len(content) - 1))] ^= 1
        path.write_bytes(content)

    return change


def mode(path: Path) -> None:
    """Executable where it was not, and the other way round."""
    path.chmod(path.stat().st_mode ^ 0o111)


def link(path: Path) -> None:
    """A link to a file with other content: what it leads to is what counts."""
    other = path.parents[len(path.parts) - 1 - path.parts.index("recipes")] / "other"
    other.write_bytes(path.read_bytes() + b"more\n")
    path.unlink()
    path.symlink_to(os.path.relpath(other, path.parent))


CHANGES: dict[str, Callable[[Path], None]] = {
    "first byte": byte(0),
    "byte in the middle": byte(0.5),
    "mode": mode,
    "link": link,
    "removal": Path.unlink,
}

# What may change without another key: files, changes, and why the result is the same.
WITHOUT_A_KEY = {
    ("*.md", "*"): "notes for people",
    ("*/.*", "*"): "git's placeholders",
    ("pins.toml", "mode"): "it is read, and never a file of a build",
    ("runtime/*", "mode"): "a script is put into the workplace executable, all else is not, whatever it is here",
    ("dev/*", "mode"): "the same",
    ("libraries/*", "mode"): "the same",
    ("cpython/*", "mode"): "the same",
    ("profiles/*", "mode"): "the same",
    ("deb/*", "mode"): "what dpkg runs is put there executable, texts are not",
    ("allowed_signers", "*"): "whose signatures are trusted is no part of what is signed",
    ("systems/*", "*"): "packages are proved there, and nothing is made",
    ("*/prune.txt", "byte in the middle"): "a comment",
    ("*/venvs/*/requirements.txt", "byte in the middle"): "a comment",
    ("*/commands.txt", "byte in the middle"): "a comment",
    ("*/pylock.toml", "byte in the middle"): "where to find a file, or one that is for another platform",
    ("pins.toml", "byte in the middle"): "where to find something; its lines are looked at one by one below",
}


def test_every_file_of_a_recipe_counts_or_has_a_reason_not_to(recipes: Path) -> None:
    before = {build[0]: [*keys(recipes, build)] for build in map(build_of, ("", *PATCHED))}
    found: dict[tuple[str, str], list[str]] = {rule: [] for rule in WITHOUT_A_KEY}
    unseen = []
    for path in sorted(path for path in recipes.rglob("*") if path.is_file()):
        name, content, was = str(path.relative_to(recipes)), path.read_bytes(), path.stat().st_mode
        for what, change in CHANGES.items():
            change(path)
            build = build_of(name)
            if not noticed(before[build[0]], recipes, build):
                rules = [rule for rule in WITHOUT_A_KEY if fnmatchcase(name, rule[0]) and fnmatchcase(what, rule[1])]
                if not rules:
                    unseen.append((name, what))
                for rule in rules:
                    found[rule].append(name)
            path.unlink(missing_ok=True)
            path.write_bytes(content)
            path.chmod(was)
    assert unseen == []
    # What is in the middle of the pins, a bump decides.
    unused = [rule for rule, names in found.items() if not names and rule[0] != "pins.toml"]
    assert unused == [], "reasons that nothing needs any more"
    assert [*keys(recipes)] == before[VERSIONS[0]]


def lock(recipes: Path) -> None:
    """Add the locks that the recipes ship with, and the code of their own that the locks name."""
    for name in ("runtime", "dev"):
        shutil.copyfile(SHIPPED / name / FILE, recipes / name / FILE)
    for folder in OWN_CODE:
        shutil.copytree(SHIPPED / "runtime" / folder, recipes / "runtime" / folder)


def test_own_code_and_what_it_is_built_with_count(recipes: Path) -> None:
    lock(recipes)
    before = [*keys(recipes)]
    for name, old, new in (
        ("packages/luhn/luhn.c", "digit", "digits"),
        ("builds/pylock.luhn.toml", r'(?<=sha256 = ")\w{4}', "dead"),
    ):
        path = recipes / "runtime" / name
        content = path.read_text()
        path.write_text(re.sub(old, new, content))
        assert noticed(before, recipes), name
        path.write_text(content)


@pytest.mark.parametrize("name", ["runtime", "dev"])
@pytest.mark.parametrize("package", ["pip", "pydantic-core", "ruff"])
def test_a_lock_counts_in_what_it_installs(recipes: Path, name: str, package: str) -> None:
    lock(recipes)
    before = [*keys(recipes)]
    path = recipes / name / FILE
    content = path.read_text()
    start = content.find(f'name = "{package}"')
    if start < 0:
        assert (name, package) == ("runtime", "ruff")
        return
    end = content.index("[[packages]]", start) if "[[packages]]" in content[start:] else len(content)
    other = re.sub("(?<=sha256 = .)[0-9a-f]", "x", content[start:end]).replace("x", "0")
    path.write_text(content[:start] + other + content[end:])
    assert noticed(before, recipes)
    path.write_text(content.replace("https://files.pythonhosted.org/", "https://elsewhere.example/"))
    assert not noticed(before, recipes), "places do not count"
    path.unlink()
    assert noticed(before, recipes)


def test_a_file_more_counts_or_is_refused_in_every_folder(recipes: Path) -> None:
    before = {build[0]: [*keys(recipes, build)] for build in map(build_of, ("", *PATCHED))}
    unseen = []
    for folder in sorted(path for path in recipes.rglob("*") if path.is_dir() and path.name != "systems"):
        for name in ("10-more", "10-more.patch", "10-more.txt", "10-more.py"):
            path = folder / name
            path.write_text("#!/bin/sh\n")
            build = build_of(str(folder.relative_to(recipes)))
            if not noticed(before[build[0]], recipes, build):
                unseen.append(str(path.relative_to(recipes)))
            path.unlink()
    assert unseen == []


# Lines of pins.toml that say where a source is found, or what `nox -s bump` takes, and no more; CPython's tarball has
# another name in a build. Of python-build's package the program that comes out counts, by its own digest.
PLACES = ("places = [", "line = ", "signed_by = ", '    "', "]", "snapshot = ", "beside.", 'file = "Python-')


def test_every_line_of_the_pins_counts_or_only_says_where_to_find_something(recipes: Path) -> None:
    path = recipes / "pins.toml"
    lines = path.read_text().splitlines()
    reading = read(recipes)
    before = {whole: [[*keys(recipes, build, reading, whole=whole)] for build in BUILDS] for whole in (True, False)}
    section, unseen = "", []
    for number, line in enumerate(lines):
        section = line if line.startswith("[") else section
        if not line or line.startswith(("#", "[", *PLACES)) or line.endswith("= [") or section == "[python-build]":
            continue
        digits = [index for index, letter in enumerate(line) if letter in "0123456789"]
        index = digits[-1] if digits else line.rindex('"') - 1
        other = chr(ord(line[index]) ^ 1)
        path.write_text("\n".join([*lines[:number], line[:index] + other + line[index + 1 :], *lines[number + 1 :]]))
        try:
            # Versions and licenses are for the manifest.
            whole = "sha256" not in line
            seen = any(
                noticed(old, recipes, build, reading, whole=whole)
                for build, old in zip(BUILDS, before[whole], strict=True)
            )
        except KeyError:  # the version that is to be built is pinned no more
            seen = line.startswith("version = ")
        if not seen:
            unseen.append(line)
    assert unseen == []


COUNTS = {
    "PRT_ROOT": "/srv/py",
    "OPTIMIZE": "0",
    "SYSROOT": "bookworm",
    "LINE_EDITOR": "readline",
    "GDBM": "1",
    "TK": "1",
    "PROFILE": "train",
    "PACKAGE_PREFIX": "own",
    "PACKAGE_VERSION": "v2",
    "ARCHIVE_FOLDER": "1",
    "PACKAGE_DESC": "ours",
    "PACKAGE_MAINTAINER": "Jo <jo@example.org>",
}
DOES_NOT_COUNT = {
    "PYTHON_VERSION": "the exact version counts, which is found before the plan is made",
    "COMPILE": "how it is compiled is decided before the plan is made: BuildMachine.crosses counts",
    "LIBRARIES": "the same",
    "ENGINE": "BuildMachine.engine counts, in the manifest, and what is installed there",
    "BASE_IMAGE": "what is installed there counts",
    "DOCKER_HOST_AMD64": "what is installed there counts",
    "DOCKER_HOST_ARM64": "what is installed there counts",
    "JIT": "the version that is planned here has none; of one that has, the options of configure differ",
    "PYENV_ROOT": "its python-build is used for versions the pinned one does not know, and then counts itself",
    **dict.fromkeys(("SOURCE_MIRROR", "DEBIAN_MIRROR", "CA_BUNDLE"), "the digest counts, not the place"),
    **dict.fromkeys(
        "CACHE_URL CACHE_MODE CACHE_TOKEN CACHE_USER CACHE_PASSWORD CACHE_STRICT CACHE_SIZE NO_CACHE "
        "NO_PACKAGE_CACHE".split(),
        "where results are kept",
    ),
    "OSV_DATABASE": "what is known of the result later is no part of it",
    **dict.fromkeys(("SIGNING_KEY", "SIGNING"), "what is signed is finished: who signs it changes no byte of it"),
    **dict.fromkeys(("ARTIFACT_DIR", "TEST_IMAGE", "JOBS", "V"), "what is done with the result, or shown of it"),
}


def test_every_setting_counts_or_has_a_reason_not_to(recipes: Path) -> None:
    assert sorted([*COUNTS, *DOES_NOT_COUNT]) == sorted(setting.name for setting in SETTINGS)
    reading = read(recipes)
    before = [*keys(recipes, whole=True)]
    builds = {name: ("3.13.5", Arch.AMD64, {name: value}) for name, value in COUNTS.items()}
    assert [name for name, build in builds.items() if not noticed(before, recipes, build, reading, whole=True)] == []
