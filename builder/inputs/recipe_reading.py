"""Recipes read: whole, and checked before anything is built."""

from __future__ import annotations

import configparser
import lzma
import re
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from builder.errors import UserError
from builder.files import read as read_file
from builder.files import unpacked
from builder.inputs import license_policy, package_lock
from builder.inputs.makefile_vars import nearest
from builder.inputs.package_lock import PackageLock
from builder.inputs.parsers import without_credentials
from builder.inputs.recipe import Builds, InterpreterRecipe, Recipe, RecipeFile, Venv, lines
from builder.inputs.tree_reading import read_tree
from builder.targets import Variant

_CONSTRAINTS, _REQUIREMENTS = "constraints.txt", "requirements.txt"
_FOLDERS = (
    "requirements", "pre-patch", "post-patch", "scripts", "checks", "venvs", "wheels", "packages", package_lock.BUILDS,
)  # fmt: skip
_VENV_FILES = (_REQUIREMENTS, "commands.txt", package_lock.FILE, package_lock.BUILDS)
_SDIST = r".+\.tar\.\w+"
# Options of pip: with one of them a build would succeed and have none of its packages.
_PLACES = {
    "break-system-packages", "dry-run", "ignore-installed", "no-install", "prefix", "python", "require-virtualenv",
    "root", "src", "target", "user",
}  # fmt: skip
_FILES = (_CONSTRAINTS, "pip.conf", "prune.txt", package_lock.FILE, license_policy.FILE)

_OWN_CODE = "put the project's folder, or its sdist, into the recipe's folder `packages`; or a wheel into `wheels`"

# Bytes: of a file, and of an unpacked profile, which has three million.
_LARGEST, _LARGEST_PROFILE = 64 << 20, 256 << 20


def read(recipes: Path, variant: Variant) -> Recipe:
    """Read `recipes/<variant>/`; UserError for what is not part of a recipe, so that no typo goes unnoticed."""
    folder = recipes / variant.recipe_folder
    if not folder.is_dir():
        raise UserError(f"{folder} is missing", "a recipe is a folder; it may be empty")
    for entry in folder.iterdir():
        if entry.name not in _FOLDERS + _FILES and not _is_aside(entry):
            raise UserError(f"{entry} is not part of a recipe", nearest(entry.name, _FOLDERS + _FILES))
    recipe = Recipe(
        variant=variant,
        requirements=_files(folder / "requirements", r"\d\d-.+\.txt", "NN-name.txt"),
        pre_patches=_files(folder / "pre-patch", r".+\.(patch|diff)", "name.patch"),
        post_patches=_files(folder / "post-patch", r".+\.(patch|diff)", "name.patch"),
        scripts=_files(folder / "scripts", r"\d\d-(?!.*\.(orig|rej|bak|swp|dpkg-\w+)$)[\w.+-]+", "NN-name"),
        checks=_files(folder / "checks", r"\d\d-.+\.py", "NN-name.py"),
        constraints=content_of(folder / _CONSTRAINTS) or b"",
        pip_conf=_pip_conf(folder / "pip.conf"),
        prune=_patterns(content_of(folder / "prune.txt") or b""),
        lock=_lock(folder / package_lock.FILE),
        venvs=tuple(_venv(entry) for entry in _entries(folder / "venvs")),
        wheels=_wheels(folder / "wheels"),
        trees=tuple(read_tree(one) for one in _entries(folder / "packages") if one.is_dir()),
        sdists=_files(folder / "packages", _SDIST, "as sdists are: NAME-VERSION.tar.gz", folders=True),
        builds=_builds(folder),
        licenses=license_policy.policy(folder / license_policy.FILE, content_of(folder / license_policy.FILE)),
    )
    for file in recipe.requirements:
        _demand_shareable(f"{folder}/requirements/{file.name}", file.content)
    _demand_shareable(f"{folder}/{_CONSTRAINTS}", recipe.constraints)
    for script in recipe.scripts:
        if not script.content.startswith(b"#!"):
            raise UserError(f"{folder}/scripts/{script.name} has no #! line", "begin it with #!/bin/sh")
    if variant is Variant.RUNTIME_DEV and recipe.pre_patches:
        raise UserError(
            f"{folder}/pre-patch: {variant.value} starts from the finished runtime",
            "patches to CPython's source belong in recipes/runtime/pre-patch",
        )
    return recipe


def read_interpreter(recipes: Path) -> InterpreterRecipe:
    """Read `recipes/libraries/`, `recipes/cpython/` and `recipes/profiles/`."""
    library_patches, python_patches = (
        {path.name: _files(path, r".+\.(patch|diff)", "name.patch") for path in _entries(recipes / folder)}
        for folder in ("libraries", "cpython")
    )
    profiles = {}
    for path in _entries(recipes / "profiles"):
        version, ending, _ = path.name.partition(".profdata.xz")
        try:
            profiles[version] = unpacked(content_of(path) or b"", _LARGEST_PROFILE)
            if not ending or not profiles[version]:
                raise lzma.LZMAError("no profile")
        except lzma.LZMAError as problem:
            raise UserError(
                f"{path}: {problem}", "a profile is named VERSION.profdata.xz; `nox -s train` makes one"
            ) from None
    return InterpreterRecipe(library_patches, python_patches, profiles)


def _lock(path: Path) -> PackageLock | None:
    content = content_of(path)
    return None if content is None else package_lock.parse(path, content)


def _venv(folder: Path) -> Venv:
    """A folder of `venvs/`; UserError for what is no part of one."""
    if not folder.is_dir() or not re.fullmatch(r"[A-Za-z0-9][\w.-]*", folder.name, re.ASCII):
        raise UserError(f"{folder} is not the folder of a virtual environment", "name it plainly, such as `ansible`")
    for entry in _entries(folder):
        if entry.name not in _VENV_FILES:
            raise UserError(f"{entry} is not part of a virtual environment", nearest(entry.name, _VENV_FILES))
    requirements = content_of(folder / _REQUIREMENTS)
    if requirements is None:
        raise UserError(f"{folder} has no {_REQUIREMENTS}", "write into it what the virtual environment is for")
    _demand_shareable(f"{folder}/{_REQUIREMENTS}", requirements)
    commands = _patterns(content_of(folder / "commands.txt") or b"")
    return Venv(folder, requirements, commands, _lock(folder / package_lock.FILE), _builds(folder))


def _builds(folder: Path) -> Builds:
    """What packages are built with."""
    folder = folder / package_lock.BUILDS
    asking = (_CONSTRAINTS, _REQUIREMENTS)
    known = ("pylock.NAME.toml", *asking)
    files = _files(folder, rf"pylock\.[a-z0-9-]+\.toml|{'|'.join(asking)}", " or ".join(known))
    locks = [package_lock.parse(folder / file.name, file.content) for file in files if file.name not in asking]
    constraints, requirements = (content_of(folder / name) or b"" for name in asking)
    _demand_shareable(f"{folder}/{_CONSTRAINTS}", constraints)
    _demand_shareable(f"{folder}/{_REQUIREMENTS}", requirements)
    return Builds({lock.path.name.split(".")[1]: lock for lock in locks}, constraints, requirements)


def _demand_shareable(file: str, requirements: bytes) -> None:
    """Raise UserError for a login, which would be in the lock, and for this machine's folders: another has others."""
    for line in lines(requirements):
        if without_credentials(line) != line:
            raise UserError(f"{file}: {without_credentials(line)} has a login", package_lock.LOGINS)
        if re.match(r"(-e\b|--editable\b)", line):
            raise UserError(f"{file}: {line}: a runtime has its own copy of everything", _OWN_CODE)
        if re.match(r"(\.{0,2}/|[\w.\[\], -]+@\s*file:)|file:", line):
            raise UserError(f"{file}: {line}: a place on this machine", _OWN_CODE)


def _wheels(folder: Path) -> tuple[RecipeFile, ...]:
    """Distributions of one's own; UserError for a name that no wheel has."""
    found = _files(folder, r".+\.whl", "as wheels are: NAME-VERSION-PYTHON-ABI-PLATFORM.whl")
    for file in found:
        try:
            parse_wheel_filename(file.name)
        except InvalidWheelFilename as problem:
            raise UserError(f"{folder}/{file.name}: {problem}", "leave the name that its tool gave it") from None
    return found


def _pip_conf(path: Path) -> bytes | None:
    """pip's defaults for those who use the runtime; UserError for what would steer the build, or give a login away."""
    content = content_of(path)
    parser = configparser.RawConfigParser()
    try:
        text = (content or b"").decode()
        parser.read_string(text)
    except (configparser.Error, UnicodeDecodeError):
        raise UserError(f"{path} is not a pip configuration", "fix it: pip can't read it either") from None
    if without_credentials(text) != text:
        raise UserError(f"{path} has a login, which every runtime would bring along", package_lock.LOGINS)
    for section in parser.sections():
        for option in parser.options(section):
            if option.lower().replace("_", "-") in _PLACES:
                raise UserError(
                    f"{path}: [{section}] {option} decides where or whether pip installs, in the build as well",
                    "leave it to the users' own configuration",
                )
    return content


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not _is_aside(path)) if folder.is_dir() else []


def _is_aside(entry: Path) -> bool:
    """Notes for people and git's placeholders may be in every folder."""
    return entry.name.startswith(".") or entry.suffix == ".md"


def content_of(path: Path) -> bytes | None:
    """The content of a regular file, None where there is none; UserError for what is not a file or can't be read."""
    try:
        return read_file(path, _LARGEST)
    except FileNotFoundError:
        if path.is_symlink():
            raise UserError(f"{path} points to nothing", "fix the link, or remove it") from None
        return None
    except OSError as problem:
        raise UserError(f"{path} can't be read: {problem.strerror}") from None


def _files(folder: Path, pattern: str, form: str, *, folders: bool = False) -> tuple[RecipeFile, ...]:
    """The files of a folder; `folders` may be in it besides."""
    if not folder.is_dir() and (folder.is_symlink() or folder.exists()):
        raise UserError(f"{folder} is not a folder", "make it one, or remove it")
    files = []
    for entry in sorted(folder.iterdir() if folder.is_dir() else (), key=lambda path: path.name):
        if _is_aside(entry) or (folders and entry.is_dir()):
            continue
        if not re.fullmatch(pattern, entry.name):
            raise UserError(f"{entry} is not named {form}", "rename it, or remove it")
        content = content_of(entry)
        files.append(RecipeFile(entry.name, content or b""))
    return tuple(files)


def _patterns(text: bytes) -> tuple[str, ...]:
    lines = (line.partition("#")[0].strip() for line in text.decode(errors="surrogateescape").split("\n"))
    return tuple(line for line in lines if line)
