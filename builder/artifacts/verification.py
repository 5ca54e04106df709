"""Whether finished files are what was packed, and by whom: by sums, signature and provenance, or a tree's list."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from builder.files import digest, read
from builder.inputs.choices import Signing
from builder.trust import sshsig, statement, sums
from builder.trust.signers import Signer, Untrusted, trusted
from builder.trust.sums import TREE_SUMS

_LARGEST = 16 << 20  # bytes of a list
_MOST = 20  # problems of one tree that are shown


class Kind(Enum):
    """What a finding means: checked and right, not checked, or wrong."""

    GOOD = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One sentence about what was looked at."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Verifier:
    """Checks files. `signers` are trusted, as far as `signing` asks for a signature; `now` is when."""

    signers: tuple[Signer, ...]
    signing: Signing
    now: datetime

    def files(self, paths: Iterable[Path]) -> Iterator[Finding]:
        """Compare files of one folder with its SHA256SUMS, and that with what their provenance says."""
        found = [*paths]
        path = found[0].parent / sums.SUMS
        try:
            content = read(path, _LARGEST)
            listed = sums.parsed(content)
        except FileNotFoundError:
            yield from (_wrong(f"{one} has no {sums.SUMS} next to it: nothing says what was packed") for one in found)
            return
        except (OSError, ValueError) as problem:
            yield _wrong(f"{path} can't be read: {_reason(problem)}")
            return
        yield self._signed(path, content)
        for one in found:
            if one.name not in (sums.SUMS, sums.SIGNATURE):
                compared = _compared(one, path, listed.get(one.name))
                yield compared
                if compared.kind is Kind.GOOD and not one.name.endswith(statement.ENDING):
                    yield _stated(one, listed)

    def tree(self, root: Path) -> Iterator[Finding]:
        """Compare every file of an unpacked runtime with the list that it brings."""
        path = root / TREE_SUMS
        try:
            listed = sums.parsed(read(path, _LARGEST))
        except FileNotFoundError:
            yield _wrong(f"{root} is no unpacked runtime: it has no {TREE_SUMS}")
            return
        except (OSError, ValueError) as problem:
            yield _wrong(f"{path} can't be read: {_reason(problem)}")
            return
        tree = _Tree(root)
        problems = [*tree.problems(listed)]
        yield from map(_wrong, problems[:_MOST])
        if len(problems) > _MOST:
            yield _wrong(f"{root}: and {len(problems) - _MOST:,} more files")
        if not problems:
            yield Finding(
                Kind.GOOD,
                f"{root}: all {len(listed):,} files have the sha256 that {TREE_SUMS} lists, and there are no others",
            )
        yield Finding(
            Kind.NOTE,
            f"{root}: {len(tree.links):,} links, and the modes and owners of files, are not in {TREE_SUMS}, and were "
            "not checked",
        )
        yield self._unsigned(path, "compare it with the one in a signed archive")

    def _signed(self, path: Path, content: bytes) -> Finding:
        """What the signature of SHA256SUMS, whose content was read, shows."""
        place = path.with_name(sums.SIGNATURE)
        if self.signing is Signing.OFF:
            return Finding(Kind.NOTE, f"{place} was not looked at (SIGNING=off): nothing shows who made the files")
        try:
            signature = sshsig.parsed(read(place, sshsig.LARGEST))
            signer = trusted(self.signers, signature, content, sums.NAMESPACE, self.now)
        except FileNotFoundError:
            return self._unsigned(path, "build with SIGNING_KEY")
        except (OSError, ValueError) as problem:
            return _wrong(f"{place} is no signature: {_reason(problem)}")
        except Untrusted as problem:
            return _wrong(f"{place} {problem}")
        return Finding(Kind.GOOD, f"{path} is signed by {signer}")

    def _unsigned(self, path: Path, instead: str) -> Finding:
        if self.signing is Signing.REQUIRE:
            return _wrong(f"{path} is not signed, and SIGNING=require wants it: {instead}")
        return Finding(
            Kind.NOTE, f"{path} is not signed: it proves no origin, because whoever alters a file can alter it as well"
        )


class _Tree:
    """What is in a folder, found without following a link."""

    def __init__(self, root: Path) -> None:
        self.root, self.real = root, os.path.realpath(root)
        self.files: set[str] = set()
        self.links: set[str] = set()
        self.others: set[str] = set()
        self.unread: list[str] = []
        for folder, folders, names in os.walk(root, onerror=self._note):
            for name in (*folders, *names):
                path = os.path.join(folder, name)
                mode = os.lstat(path).st_mode
                if not stat.S_ISDIR(mode):
                    kind = self.links if stat.S_ISLNK(mode) else self.files if stat.S_ISREG(mode) else self.others
                    kind.add(os.path.relpath(path, root))

    def _note(self, problem: OSError) -> None:
        self.unread.append(f"{problem.filename} can't be read: {problem.strerror}")

    def problems(self, listed: dict[str, str]) -> Iterator[str]:
        """What is not as the list has it."""
        yield from self.unread
        for name in sorted({*listed, *self.files, *self.links, *self.others} - {TREE_SUMS}):
            path = self.root / name
            if name in self.others:
                yield f"{path} is neither a file, a folder nor a link"
            elif name in self.links:
                yield from self._of_link(path, name in listed)
            elif name not in listed:
                yield f"{path} is not in {TREE_SUMS}: it was added since"
            elif name not in self.files:
                yield f"{path} is missing"
            elif problem := _altered(path, listed[name], TREE_SUMS):
                yield problem

    def _of_link(self, path: Path, listed: bool) -> Iterator[str]:
        leads = os.path.realpath(path)
        if listed:
            yield f"{path} is a link, and was packed as a file"
        elif os.path.commonpath((self.real, leads)) != self.real:
            yield f"{path} is a link to {leads}, out of the tree"


def _altered(path: Path, sha256: str, by: str) -> str:
    """What is wrong with a file's content; empty if nothing is."""
    try:
        same = digest(path) == sha256
    except OSError as problem:
        return f"{path} can't be read: {_reason(problem)}"
    return "" if same else f"{path} was altered: its sha256 is not the one that {by} lists"


def _compared(path: Path, by: Path, sha256: str | None) -> Finding:
    if sha256 is None:
        return _wrong(f"{path} is not listed in {by}")
    problem = _altered(path, sha256, by.name)
    return _wrong(problem) if problem else Finding(Kind.GOOD, f"{path} has the sha256 that {by} lists")


def _stated(path: Path, listed: Mapping[str, str]) -> Finding:
    """Whether the provenance of a file is of what is listed. It is itself the listed one."""
    place = _provenance_of(path)
    try:
        content = read(place, _LARGEST)
        if hashlib.sha256(content).hexdigest() != listed.get(place.name):
            return _wrong(f"{place} is not the file that {sums.SUMS} lists, and says nothing of {path.name}")
        named = statement.subjects(content).get(path.name)
    except FileNotFoundError:
        return Finding(Kind.NOTE, f"{path} has no provenance next to it: nothing says what it was made from")
    except (OSError, ValueError) as problem:
        return _wrong(f"{place} can't be read: {_reason(problem)}")
    if named is None:
        return Finding(Kind.NOTE, f"{path} is not named in {place}: nothing says what it was made from")
    if named != listed[path.name]:
        return _wrong(f"{place} is of another {path.name}: it states another sha256 than {sums.SUMS} lists")
    return Finding(Kind.GOOD, f"{path} has the sha256 that {place.name} states")


def _provenance_of(path: Path) -> Path:
    """Where a file's provenance is: a package has its own, and what was built with an archive is stated with it."""
    stem = path
    while not stem.with_name(f"{stem.name}.{statement.ENDING}").exists() and stem.suffix:
        stem = stem.with_suffix("")
    return stem.with_name(f"{stem.name}.{statement.ENDING}")


def _wrong(text: str) -> Finding:
    return Finding(Kind.WRONG, text)


def _reason(problem: Exception) -> str:
    return getattr(problem, "strerror", None) or str(problem)
