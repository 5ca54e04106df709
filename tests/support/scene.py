"""A small cache before a server: one stage, what answers it, and what the user was shown."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from builder.cache.cache import Cache
from builder.cache.credentials import NOBODY, Credentials
from builder.cache.entry import Entry, content_name, entry_name
from builder.cache.patience import Patience
from builder.cache.remote import Remote
from builder.cache.report import Report
from builder.cache.signatures import Signatures, signature_name
from builder.cache.store import Hit, Miss, Store
from builder.cache.webdav import WebDav
from builder.stages.stage import Json, Stage
from tests.support.hostile import Answer, Rule

BUILT: dict[str, Json] = {"compiled": "native", "seconds": 300}
QUICK = Patience(connect=1, idle=0.4, grace=1.2, slowest=1_000_000_000)


def stage(version: str = "3.13.5", output: str = "interpreter.tgz") -> Stage:
    """A stage that makes an archive."""
    return Stage("interpreter", {"version": version}, (), (), output)


def tgz(*members: tarfile.TarInfo) -> bytes:
    """An archive of these members, each regular file with content to its size; by default one good file."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for member in members or (file("bin/python", 7),):
            archive.addfile(member, io.BytesIO(b"x" * member.size) if member.isreg() else None)
    return gzip.compress(stream.getvalue(), mtime=0)


def file(name: str, size: int = 0, **fields: object) -> tarfile.TarInfo:
    """A member of an archive, named as `pack` names it; `fields` are attributes of TarInfo."""
    member = tarfile.TarInfo(name if name.startswith(("/", "./")) else f"./{name}")
    member.size = size
    for field_, value in fields.items():
        setattr(member, field_, value)
    return member


GOOD = tgz()


def entry(content: bytes = GOOD, of: Stage | None = None) -> Entry:
    """What answers a stage with this content."""
    of = of or stage()
    return Entry(of.name, of.key, of.key_inputs, hashlib.sha256(content).hexdigest(), len(content), BUILT)


def entry_path(of: Stage | None = None) -> str:
    """The path of a stage's entry on a server."""
    of = of or stage()
    return "/" + entry_name(of.name, of.key)


def signature_path(of: Stage | None = None) -> str:
    """The path of the signature of a stage's entry on a server."""
    return signature_name(entry_path(of))


def content_path(content: bytes = GOOD) -> str:
    """The path of content on a server."""
    return "/" + content_name(entry(content).digest)


def honest(made: bytes = GOOD, **others: Answer) -> Rule:
    """A server that has the result; `entry`, `content` or a method name another answer for those requests."""

    def rule(method: str, path: str, before: int) -> Answer:
        kind = "entry" if path.endswith(".json") else "content"
        if method in others or kind in others:
            return others.get(method) or others[kind]
        if path == entry_path():
            return Answer(body=entry(made).encode())
        return Answer(body=made) if path == content_path(made) else Answer(404)

    return rule


@dataclass
class Scene:
    """The cache, and what happened with it."""

    cache: Cache
    parts: Path
    shown: list[str]
    slept: list[float]
    proved: list[bytes] = field(default_factory=list)

    def find(self, wanted: Stage | None = None, prove: Callable[[Path], None] | None = None) -> Hit | Miss:
        """Look a stage up; its proof succeeds unless `prove` says otherwise."""
        return self.cache.find(
            wanted or stage(), self.parts, prove or (lambda path: self.proved.append(path.read_bytes()))
        )

    def keep(self, content: bytes = GOOD, of: Stage | None = None) -> Hit:
        """Keep what was made."""
        result = self.parts / "made"
        result.write_bytes(content)
        return self.cache.keep(of or stage(), result, BUILT)

    @property
    def warnings(self) -> list[str]:
        """The warnings the user saw."""
        return [line for line in self.shown if line.startswith("warning")]

    @property
    def left(self) -> list[Path]:
        """Every file in the local cache, and every part."""
        folders = (self.cache.store.folder / "v1", self.parts)
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]

    def expect(self, found: Hit | Miss, cause: str) -> None:
        """What every case of trouble ends in: a miss, one warning that names the URL, a counter, and nothing left."""
        assert isinstance(found, Miss)
        assert len(self.warnings) == 1, self.shown
        assert "127.0.0.1" in self.warnings[0] or "localhost" in self.warnings[0]
        assert self.cache.report.troubles.keys() == {cause}
        assert self.left == []
        assert self.cache.report.misses == 1


def scene(
    folder: Path, url: str, *, patience: Patience = QUICK, who: Credentials = NOBODY, writes: bool = False,
    strict: bool = False, signatures: Signatures | None = None,
) -> Scene:  # fmt: skip
    """A cache in a folder before a server; waits are remembered and not waited. Nobody's signature is trusted."""
    shown: list[str] = []
    slept: list[float] = []
    report = Report(shown.append, strict)
    server = WebDav(url, who, patience=patience, sleep=slept.append)
    signatures = signatures or Signatures()
    remote = Remote(server, report, folder / "cache" / "quarantine", writes=writes, signatures=signatures)
    (folder / "parts").mkdir(exist_ok=True)
    return Scene(Cache(Store(folder / "cache"), remote, report, 10**9), folder / "parts", shown, slept)
