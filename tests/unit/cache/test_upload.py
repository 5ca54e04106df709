"""upload-cache and cache-check as sessions: a table of all objects, and every failure an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder.cache.entry import content_name
from builder.cache.store import Store
from builder.errors import UserError
from builder.pipeline import stores
from builder.sessions import opening, share
from builder.trust import signers
from tests.support.factories import checkout, environ
from tests.support.hostile import Answer, Hostile, hostile
from tests.support.scene import BUILT
from tests.support.signing import key_of, line, private_text


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose cache has one interpreter for each architecture."""
    monkeypatch.setattr(opening, "ROOT", checkout(tmp_path))
    store = Store(tmp_path / "out" / "cache")
    for arch in ("amd64", "arm64"):
        (tmp_path / "result").write_bytes(arch.encode())
        store.add("interpreter", {"arch": arch}, tmp_path / "result", BUILT)
    return tmp_path


@pytest.fixture
def memory() -> dict[str, bytes]:
    """What the server has, by path."""
    return {}


@pytest.fixture
def server(root: Path, memory: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Hostile]:
    """An honest server at CACHE_URL."""

    def rule(method: str, path: str, before: int) -> Answer:
        memory.update(running[0].bodies)
        if method == "PUT":
            return Answer(204 if path in memory else 201)
        return Answer(body=memory[path]) if path in memory else Answer(404)

    running: list[Hostile] = []
    with hostile(rule) as one:
        running.append(one)
        monkeypatch.setattr(opening, "whole_environment", lambda: environ(root, CACHE_URL=one.url))
        yield one


def table(text: str) -> list[str]:
    """The outcomes of the table, sorted."""
    return sorted(line.split()[0] for line in text.splitlines() if "/" in line)


@pytest.mark.usefixtures("server")
def test_everything_is_new_and_then_present(capsys: pytest.CaptureFixture[str]) -> None:
    share.upload_cache()
    text = capsys.readouterr().out
    assert table(text) == ["new"] * 4
    assert "4 new" in text
    share.upload_cache()
    assert table(capsys.readouterr().out) == ["present"] * 4


def test_what_differs_on_the_server_is_replaced(
    server: Hostile, memory: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    share.upload_cache()
    capsys.readouterr()
    for path in list(server.bodies):
        server.bodies[path] = b"something else entirely, and much longer than it was before" * 2000
    memory.update(server.bodies)
    share.upload_cache()
    assert table(capsys.readouterr().out) == ["replaced"] * 4


def test_other_bytes_of_the_right_size_are_replaced(
    server: Hostile, memory: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    share.upload_cache()
    capsys.readouterr()
    before = dict(server.bodies)
    for path in (path for path in before if "/cas/" in path):
        server.bodies[path] = bytes(len(before[path]))
    memory.update(server.bodies)
    share.upload_cache()
    assert table(capsys.readouterr().out) == ["present", "present", "replaced", "replaced"]
    assert server.bodies == before


def test_with_a_key_entries_are_signed_and_those_who_trust_it_use_them(
    root: Path, server: Hostile, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_of(1)
    given = {"CACHE_URL": server.url, "SIGNING_KEY": private_text(key), "SIGNING": "require"}
    monkeypatch.setattr(opening, "whole_environment", lambda: environ(root, **given))
    share.upload_cache()
    shown = capsys.readouterr().out
    assert table(shown) == ["new"] * 4
    assert private_text(key)[40:80] not in shown
    signatures = [path for path in server.bodies if path.endswith(".json.sig")]
    assert len(signatures) == 2
    project = opening.read_project()
    with pytest.raises(UserError, match="nobody's signature is trusted"):
        stores.cache(project, print)
    (root / "recipes" / signers.FILE).write_text(line("ci", key))
    for trusted, found in ((key, True), (key_of(2), False)):
        (root / "recipes" / signers.FILE).write_text(line("ci", trusted))
        remote = stores.cache(project, print).remote
        assert remote
        assert bool(remote.entry("interpreter", {"arch": "amd64"})) == found
    (root / "recipes" / signers.FILE).write_text("nobody\n")
    with pytest.raises(UserError, match="allowed_signers:1: "):
        stores.cache(project, print)


Spoil = Callable[[Path], object]


@pytest.mark.usefixtures("server")
def test_content_altered_here_is_not_published_and_is_an_error(
    root: Path, memory: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(root / "out" / "cache")
    (_, spoiled), _ = store.entries()
    (store.folder / content_name(spoiled.digest)).write_bytes(b"altered")
    with pytest.raises(opening.SessionFailed) as problem:
        share.upload_cache()
    assert table(capsys.readouterr().out) == ["failed", "failed", "new", "new"]
    assert "2 objects could not be published" in str(problem.value)
    assert "missing or altered in the local cache" in str(problem.value)
    assert f"/{content_name(spoiled.digest)}" not in memory


def test_a_server_that_refuses_is_an_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile(lambda method, *_: Answer(403 if method == "PUT" else 404)) as server:
        monkeypatch.setattr(opening, "whole_environment", lambda: environ(root, CACHE_URL=server.url))
        with pytest.raises(opening.SessionFailed, match="4 objects could not be published") as problem:
            share.upload_cache()
    assert "is refused (403) with no credentials" in str(problem.value)


@pytest.mark.parametrize("session", [share.upload_cache, share.check_cache])
@pytest.mark.usefixtures("root")
def test_without_a_url_it_says_so(root: Path, monkeypatch: pytest.MonkeyPatch, session: Callable[[], None]) -> None:
    monkeypatch.setattr(opening, "whole_environment", lambda: environ(root))
    with pytest.raises(opening.SessionFailed, match="CACHE_URL is not set"):
        session()


@pytest.mark.usefixtures("server")
def test_a_server_that_anybody_may_write_to_is_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(opening.SessionFailed, match="not fit to be the cache"):
        share.check_cache()
    text = capsys.readouterr().out
    assert "NO  a writer must say who it is: 20" in text
    assert "ok  GET returns its bytes" in text
