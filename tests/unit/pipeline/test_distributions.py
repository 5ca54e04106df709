"""The files pip installs: taken from where they are by the lock's sha256, downloaded once, and never believed."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from contextlib import suppress
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.cache.entry import content_name
from builder.cache.store import Store
from builder.console import Console
from builder.errors import BuildError
from builder.pipeline import stores
from builder.pipeline.distributions import unpacked
from builder.pipeline.pipeline import Pipeline
from builder.stages.lock import LOCK, Distribution, read_lock
from builder.stages.pip import FETCHED, _download
from builder.targets import Arch, Target, Variant
from tests.support.factories import checkout, project
from tests.support.hostile import Answer, hostile
from tests.support.recorder import Recorder

WHEEL = b"a wheel"
SHA256 = hashlib.sha256(WHEEL).hexdigest()
FILE = "one-1.0-py3-none-any.whl"
HEAD = "# What pip resolved, each file by its sha256.\n"
LINE = f"one==1.0 --hash=sha256:{SHA256}  # {FILE}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout in which nothing was built yet."""
    return checkout(tmp_path)


def fetched(content: bytes = WHEEL, name: str = FILE) -> bytes:
    """What the download packs."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo(f"./{name}")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def engine(archive: bytes | None = None) -> Recorder:
    """An engine that resolves to one wheel, and downloads it."""
    return Recorder(canned={LOCK: (HEAD + LINE).encode(), FETCHED: archive or fetched()})


def build(root: Path, one: Recorder, **values: str) -> str:
    """Build the runtime again; what the user sees."""
    console = Console(stream=io.StringIO())
    given = project(root, **values)
    for path in stores.artifacts(given).remove_all():
        assert not path.exists()
    pipeline = Pipeline(given, one, console, stores.source_shelf(given, console.say))
    pipeline.build(Target(Variant.RUNTIME, Arch.AMD64))
    assert isinstance(console.stream, io.StringIO)
    return console.stream.getvalue()


def counted(root: Path) -> dict[str, int]:
    """Where the distributions of the last build were."""
    return dict(json.loads((root / "out" / "cache-stats.json").read_text())["packages"])


def installed(one: Recorder) -> bytes:
    """The wheel the runtime stage was given."""
    content = one.workplaces[-1].items[f"distributions/{FILE}"].content
    return content.read_bytes() if isinstance(content, Path) else content


def test_a_missing_file_is_downloaded_verified_kept_and_handed_to_the_runtime_stage(root: Path) -> None:
    one = engine()
    build(root, one)
    assert "download packages" in one.step_names
    assert installed(one) == WHEEL
    assert counted(root) == {"local": 0, "remote": 0, "index": 1}
    assert Store(root / "out" / "cache").content(SHA256)


def test_with_index_down_but_all_files_cached_nothing_is_asked(root: Path) -> None:
    build(root, engine())
    one = engine()
    build(root, one)
    assert not [step.name for place in one.workplaces for step in place.steps if step.network]
    assert installed(one) == WHEEL
    assert counted(root) == {"local": 1, "remote": 0, "index": 0}


def test_a_poisoned_file_in_the_cache_is_discarded_reported_once_and_fetched_again(root: Path) -> None:
    build(root, engine())
    (root / "out" / "cache" / content_name(SHA256)).write_bytes(b"A WHEEL")
    one = engine()
    shown = build(root, one)
    assert shown.count("warning") == 1
    assert content_name(SHA256) in shown
    assert installed(one) == WHEEL
    assert counted(root)["index"] == 1


def test_what_was_downloaded_must_be_what_the_lock_says(root: Path) -> None:
    for archive in (fetched(b"A WHEEL"), fetched(name="other.whl")):
        one = engine(archive)
        with pytest.raises(BuildError, match=f"{FILE} was not downloaded with sha256 {SHA256}"):
            build(root, one)
        assert "install packages" not in one.step_names
        assert Store(root / "out" / "cache").content(SHA256) is None


def test_what_went_missing_is_downloaded_alone_and_the_lock_stays(root: Path) -> None:
    build(root, engine())
    (root / "out" / "cache" / content_name(SHA256)).unlink()
    one = engine()
    build(root, one)
    assert "download packages" in one.step_names
    assert "resolve requirements" not in one.step_names
    assert installed(one) == WHEEL


def test_what_went_missing_is_on_the_server_by_its_digest(root: Path) -> None:
    build(root, engine())
    (root / "out" / "cache" / content_name(SHA256)).unlink()
    answers = {f"/{content_name(SHA256)}": Answer(body=WHEEL)}
    with hostile(lambda method, path, before: answers.get(path, Answer(404))) as server:
        one = engine()
        build(root, one, CACHE_URL=server.url)
    assert "download packages" not in one.step_names
    assert installed(one) == WHEEL
    assert counted(root) == {"local": 0, "remote": 1, "index": 0}


@pytest.mark.parametrize("bytes_", [b"A WHEEL", b"<html>", b"", b"a wheel and more"])
def test_what_the_server_has_in_its_place_is_not_used(root: Path, bytes_: bytes) -> None:
    answers = {f"/{content_name(SHA256)}": Answer(body=bytes_)}
    with hostile(lambda method, path, before: answers.get(path, Answer(404))) as server:
        one = engine()
        shown = build(root, one, CACHE_URL=server.url)
        assert server.url in shown
    assert shown.count("warning") == 1
    assert installed(one) == WHEEL
    assert counted(root)["index"] == 1


def test_read_write_publishes_distributions(root: Path) -> None:
    lengths: dict[str, int] = {}

    def rule(method: str, path: str, before: int) -> Answer:
        if method == "PUT":
            lengths[path] = -1  # it is there, and the server does not say how long
            return Answer(201)
        return Answer(length=None) if path in lengths and method == "HEAD" else Answer(404)

    with hostile(rule) as server:
        build(root, engine(), CACHE_URL=server.url, CACHE_MODE="read-write")
    assert server.bodies[f"/{content_name(SHA256)}"] == WHEEL


def test_no_package_cache_resolves_and_downloads_again_and_keeps_nothing(root: Path) -> None:
    build(root, engine(), NO_PACKAGE_CACHE="1")
    assert Store(root / "out" / "cache").content(SHA256) is None
    build(root, engine())
    one = engine()
    shown = build(root, one, NO_PACKAGE_CACHE="1")
    assert "lock: to be resolved (NO_PACKAGE_CACHE=1)" in shown
    assert "download packages" in one.step_names
    assert "interpreter: from the cache" in shown


@pytest.mark.parametrize(
    "line",
    [
        "one==1.0\n",
        f"one==1.0 --hash=md5:{SHA256[:32]}  # {FILE}\n",
        f"one==1.0 --hash=sha256:{SHA256}  # ../{FILE}\n",
        f"one==1.0 --hash=sha256:{SHA256}  # .hidden\n",
        f"--index-url=http://evil --hash=sha256:{SHA256}  # {FILE}\n",
        f"one @ http://evil --hash=sha256:{SHA256}  # {FILE}\n",
        "# another comment\n",
        "<html>\n",
    ],
)
def test_a_lock_with_anything_but_files_by_their_sha256_is_none(tmp_path: Path, line: str) -> None:
    path = tmp_path / LOCK
    path.write_text(HEAD + LINE + line)
    with pytest.raises(BuildError, match="is not a lock"):
        read_lock(path)


@pytest.mark.parametrize(
    "line",
    [
        f"--index-url==https://evil --hash=sha256:{'0' * 64}  # x.whl",
        f"-e==x --hash=sha256:{'0' * 64}  # x.whl",
        f"x==-1 --hash=sha256:{'0' * 64}  # x.whl",
        f"x==1 --hash=sha256:{'0' * 64}  # ../x.whl",
        f"x==1 --hash=sha256:{'0' * 64}  # -x.whl",
        f"x==1 --hash=md5:{'0' * 32}  # x.whl",
        "x==1",
    ],
)
def test_a_line_that_pip_could_take_for_something_else_is_no_lock(tmp_path: Path, line: str) -> None:
    (tmp_path / "lock").write_text(f"{line}\n")
    with pytest.raises(BuildError, match="is not a lock"):
        read_lock(tmp_path / "lock")


def test_a_lock_without_end_is_none(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("wb") as file:
        file.truncate(400_000_000)
    with pytest.raises(BuildError, match="is not a lock: has more than"):
        read_lock(tmp_path / "lock")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_file_is_a_lock_whose_lines_are_as_written_or_one_of_our_errors(tmp_path: Path, data: bytes) -> None:
    line = f"x==1 --hash=sha256:{'0' * 64}  # x.whl\n".encode()
    (tmp_path / "lock").write_bytes(line + data)
    with suppress(BuildError):
        assert all(one.line.encode() in line + data + b"\n" for one in read_lock(tmp_path / "lock"))


def test_no_hint_leads_past_a_digest_that_differs() -> None:
    shown = [step.hint for step in _download(PurePosixPath("/prt"), {}, [LOCK])]
    assert any("find out before you take it" in hint for hint in shown)
    assert not any("NO_PACKAGE_CACHE" in hint for hint in shown)


@pytest.mark.parametrize("body", [b"no archive" * 100, b"", bytes(600)])
def test_an_archive_of_downloads_that_can_not_be_read_is_the_builds_error(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "fetched.tar").write_bytes(body)
    one = Distribution("x", "x.whl", "0" * 64, "")
    with pytest.raises(BuildError):
        list(unpacked(tmp_path / "fetched.tar", [one], tmp_path))
