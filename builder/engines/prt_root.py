"""PRT_ROOT on this machine, taken for a while and put back as it was: what is not ours is never removed.

The folder itself is locked while a process of the build lives, so that builds of other checkouts and users wait. What a
killed build left in it is known by a mark in the folder that equals the note in the build's abandoned work folder.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from builder import files, work
from builder.errors import UserError

# It is not a hidden file: a user who empties the folder by `rm -r PRT_ROOT/*` takes the mark away as well.
MARK = "being-built-by-python-runtime-builder"
NOTE = ".prt-root"  # in the build's work folder
_LARGEST = 64 << 10  # bytes of either

_Say = Callable[[str], None]


@dataclass(frozen=True)
class _Note:
    """What a build did to PRT_ROOT: the folders it made, deepest first, and the text it marked the content with."""

    root: Path
    made: tuple[Path, ...]
    mark: str

    def write(self, folder: Path) -> None:
        text = json.dumps({"root": str(self.root), "made": [str(path) for path in self.made], "mark": self.mark})
        (folder / NOTE).write_text(text)

    @staticmethod
    def read(folder: Path) -> _Note | None:
        """The note in a build's work folder; None if there is none that can be read."""
        try:
            found = json.loads(files.read(folder / NOTE, _LARGEST))
            return _Note(Path(found["root"]), tuple(map(Path, found["made"])), str(found["mark"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None


@contextmanager
def taken(root: Path, folder: Path, say: _Say) -> Iterator[int]:
    """Use `root`, which must be absent or empty, and put it back as it was, with the parents it needed.

    `folder` is this build's work folder. Yields the lock's descriptor, for the steps to inherit.
    """
    with _locked(root, folder, say) as (descriptor, note):
        if _left_by_a_sibling(root, folder):
            _empty(root)
        left = [entry.name for entry in root.iterdir()]
        if left not in ([], [MARK]):
            raise _not_empty(root, MARK in left)
        if not os.access(root, os.W_OK):
            raise UserError(f"PRT_ROOT={root} can't be written", f"sudo chown {os.getuid()} {root}")
        (root / MARK).unlink(missing_ok=True)
        try:
            (root / MARK).write_text(note.mark)
            yield descriptor
        finally:
            _empty(root)


@contextmanager
def mount_point(root: Path, folder: Path, say: _Say) -> Iterator[int]:
    """Have a folder there to mount on, whatever is in it; if it was made for this, it is removed afterwards."""
    with _locked(root, folder, say, shared=True) as (descriptor, _):
        yield descriptor


def put_back(folder: Path) -> None:
    """Undo what a killed build did, by the note in its work folder; UserError if a mount or another build forbids it.

    Without a note that can be read, or with another content than the one it marked, nothing is touched.
    """
    note = _Note.read(folder)
    if note is None:
        return
    try:
        descriptor = work.lock(note.root)
    except OSError:  # a link or a file is there now, or a folder of another user
        return
    try:
        marked = _marked_by(note.root) == note.mark
        if descriptor is None and note.root.exists():  # another build has it, looks at it, or mounts on it
            if marked or note.made:
                raise UserError(f"PRT_ROOT={note.root} is in use", "start again when that build has ended")
            return
        if marked:
            _empty(note.root)
        _remove_made(note)
    finally:
        work.unlock(descriptor)


@contextmanager
def _locked(root: Path, folder: Path, say: _Say, shared: bool = False) -> Iterator[tuple[int, _Note]]:
    """The lock on PRT_ROOT, which is made if it is missing; one that was there before may be `shared`."""
    waiting = False
    ours: set[Path] = set()  # the folders that we made, even if another build was quicker to lock one
    while True:
        if root.is_symlink() or (root.exists() and not root.is_dir()):
            raise UserError(f"PRT_ROOT={root} is not a folder", "remove it, or set PRT_ROOT")
        made = tuple(path for path in (root, *root.parents) if path in ours or not path.exists())
        mark = (
            f"python-runtime-builder, process {os.getpid()}, builds here, and empties this folder at its end.\n"
            f"If that process was killed, the next build with its work folder, {folder.parent}, empties it.\n"
            f"{secrets.token_hex(16)}\n"
        )
        note = _Note(root, made, mark)
        note.write(folder)  # before there is anything to put back
        with suppress(FileNotFoundError):  # a parent that was there has just been removed
            ours.update(_make(root, made))  # and no other: what goes after we looked is for the next round
            descriptor = _lock(root, shared and not made)
            if descriptor is not None:
                break
        if not waiting:
            process = re.search(r"process \d+", _marked_by(root))
            say(f"PRT_ROOT={root}: another build{f' ({process[0]})' if process else ''} uses it: waiting for it")
            waiting = True
        time.sleep(0.2)
    try:
        yield descriptor, note
    finally:
        try:
            _remove_made(note)
        finally:
            work.unlock(descriptor)
            (folder / NOTE).unlink(missing_ok=True)


def _make(root: Path, folders: Sequence[Path]) -> Iterator[Path]:
    """Make folders, given deepest first; yields those that were not there."""
    for path in reversed(folders):
        try:
            files.make_public(path)
        except FileExistsError:
            continue
        except FileNotFoundError:
            raise
        except OSError as problem:
            hint = f"sudo install -d -o {os.getuid()} {root}"
            raise UserError(f"PRT_ROOT={root} can't be created: {problem.strerror}", hint) from None
        yield path


def _lock(root: Path, shared: bool) -> int | None:
    try:
        return work.lock(root, shared=shared)
    except OSError as problem:
        raise UserError(f"PRT_ROOT={root} can't be locked: {problem.strerror}", "set PRT_ROOT, or ENGINE") from None


def _marked_by(root: Path) -> str:
    try:
        return files.read(root / MARK, _LARGEST).decode(errors="replace")
    except OSError:
        return ""


def _left_by_a_sibling(root: Path, folder: Path) -> bool:
    """Whether PRT_ROOT, which is locked, has what a build of the same scratch folder left when it was killed.

    A process of that build may have outlived it, and kept this from being known when the present build began.
    """
    mark = _marked_by(root)
    notes = (_Note.read(sibling) for sibling in folder.parent.iterdir() if sibling != folder)
    return bool(mark) and any(note and note.root == root and note.mark == mark for note in notes)


def _not_empty(root: Path, marked: bool) -> UserError:
    if marked:
        return UserError(
            f"PRT_ROOT={root} is not empty, and the host engine builds there: {root / MARK} says that a build left "
            "it, but no note of that build is at hand",
            "keep what you need of it, and empty it",
        )
    return UserError(f"PRT_ROOT={root} is not empty, and the host engine builds there", "empty it, or set PRT_ROOT")


def _empty(root: Path) -> None:
    """Remove all content, the mark last; UserError if something is mounted in there, and then nothing is removed."""
    work.nothing_mounted(root, below=True)
    for entry in root.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            work.remove_tree(entry)
        elif entry.name != MARK:
            entry.unlink()
    (root / MARK).unlink(missing_ok=True)


def _remove_made(note: _Note) -> None:
    for path in note.made:
        with suppress(OSError):  # gone, or no longer empty
            path.rmdir()
