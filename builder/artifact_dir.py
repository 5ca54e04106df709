"""ARTIFACT_DIR: who owns it, and which folders in it we made, so that `clobber` removes those and no others."""

from __future__ import annotations

import pwd
import re
from collections.abc import Iterator
from pathlib import Path

from builder import files, work
from builder.errors import UserError

CACHE, LOGS, WORK = "cache", "logs", "work"
# What we make in ARTIFACT_DIR, and the names in each by which it is recognised without a tag: older versions made none.
FOLDERS = {
    CACHE: r"v1|artifacts|benches|cache|images|locks|machines|outlook.*|python-build|quarantine|roots|sources|sysroots"
    r"|toolchains",
    LOGS: r".+-(amd64|arm64)(-.+)?\.log",
    WORK: r"(parts|stage|bench)-.+|taken",
}

TAG = "CACHEDIR.TAG"  # https://bford.info/cachedir/: backups leave such a folder out
_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55"
_OURS = "# python-runtime-builder made this folder, and `nox -s clobber` removes it with all that is in it."


def belongs(folder: Path, trusted: set[int]) -> None:
    """Raise UserError if ARTIFACT_DIR, or a folder we made in it, belongs to a user whose number is not in `trusted`.

    What is in the cache is run. A link and its target are both checked.
    """
    for path in (folder, *(folder / name for name in FOLDERS)):
        for follow in (True, False):
            try:
                owner = path.stat(follow_symlinks=follow).st_uid
            except FileNotFoundError:
                continue
            if owner not in trusted:
                raise UserError(
                    f"{path} belongs to {_name(owner)}, who could alter what is built and run from it",
                    "set ARTIFACT_DIR to a folder of your own",
                )


def make(folder: Path) -> None:
    """Make ARTIFACT_DIR and our folders in it where they are missing, each with a tag that says it is ours."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FOLDERS:
        try:
            (folder / name).mkdir()
        except FileExistsError:
            continue
        files.write_whole(folder / name / TAG, f"{_SIGNATURE}\n{_OURS}\n")


def unused(folder: Path) -> None:
    """Raise UserError while a build is running there."""
    for path in (folder / WORK).glob("*-*/"):
        descriptor = work.lock(path)
        if descriptor is None and path.exists():
            raise UserError(f"a build works in {path}", "wait for it, or stop it")
        work.unlock(descriptor)


def remove(folder: Path) -> Iterator[str]:
    """Remove our folders in ARTIFACT_DIR; says what was removed, and what was left and why."""
    for name, known in FOLDERS.items():
        path = folder / name
        if not path.is_dir():
            continue
        foreign = _foreign(path, known)
        try:
            if foreign:
                yield f"left {path}: {foreign}"
                continue
            work.remove_tree(path)
            yield f"removed {path}"
        except UserError as problem:
            yield f"left {path}: {problem.message}"


def _foreign(path: Path, known: str) -> str:
    """Why a folder is not ours to remove; empty if it is."""
    if path.is_symlink():
        return "it is a link"
    try:
        if files.read(path / TAG, 4096).decode(errors="replace").splitlines()[1:2] == [_OURS]:
            return ""
    except OSError:
        pass
    unknown = sorted(entry.name for entry in path.iterdir() if not re.fullmatch(known, entry.name))
    return f"it has {unknown[0]}, which is not ours" if unknown else ""


def _name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
