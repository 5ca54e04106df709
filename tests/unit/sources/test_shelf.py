"""The shelf of sources, fetched from a real HTTP server on this machine."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from builder.errors import BuildError
from builder.inputs.network import Network
from builder.inputs.pins import Source
from builder.sources import download
from builder.sources import shelf as module
from builder.sources.shelf import SourceShelf

CONTENT = bytes(range(256)) * 64
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE = "Python-3.13.5.tar.xz"
DIRECT = Network(None, {}, {})
ROOT = Path(__file__).parents[3]


@dataclass
class Web:
    """A server: `files` by path; a path in `breaks` loses its connection midway that many times.

    The first answer for the path `stalls` stops midway and keeps the connection.
    """

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    breaks: dict[str, int] = field(default_factory=dict)
    ranges: bool = True
    stalls: str = ""
    over: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def asked(self) -> list[str]:
        return [path for path, _ in self.requests]


class Answer(BaseHTTPRequestHandler):
    """One answer of the server in `web`."""

    web: Web

    def do_GET(self) -> None:
        web, wanted = self.web, self.headers["Range"]
        web.requests.append((self.path, wanted))
        body = web.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and web.ranges else 0
        if start and start >= len(body):
            self.send_error(416)
            return
        rest = body[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if web.breaks.get(self.path, 0) > 0:
            web.breaks[self.path] -= 1
            rest = rest[: len(rest) // 2]
        stalls = self.path == web.stalls
        if stalls:
            web.stalls = ""
            rest = rest[: len(rest) // 2]
        self.wfile.write(rest)
        if stalls:
            web.over.wait()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        pass


@pytest.fixture
def web() -> Iterator[Web]:
    handler = type("Handler", (Answer,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.web = Web(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield handler.web  # type: ignore[attr-defined]
        handler.web.over.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_waits_and_no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.sources.download._patiently.retry.sleep", lambda seconds: None)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def shelf(
    folder: Path,
    *,
    mirror: str = "",
    debian_mirror: str = "",
    network: Network = DIRECT,
    notes: list[str] | None = None,
) -> SourceShelf:
    return SourceShelf(folder / "sources", network, mirror, debian_mirror, (notes if notes is not None else []).append)


def source(*places: str) -> Source:
    return Source("CPython", "3.13.5", FILE, SHA256, places)


def begun(folder: Path, wanted: Source, content: bytes) -> None:
    """Leave what an interrupted run had of the source's first place."""
    path = shelf(folder).path(wanted)
    path.parent.mkdir(parents=True)
    place = hashlib.sha256(wanted.places[0].encode()).hexdigest()[:8]
    path.with_name(f".{FILE}.{place}.0123456789abcdef.part").write_bytes(content)


def kept(folder: Path) -> list[str]:
    """The names of all files below the folder, but for the locks."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


def test_a_source_is_fetched_once(tmp_path: Path, web: Web) -> None:
    web.files["/a"] = CONTENT
    wanted = source(f"{web.url}/a")
    path = shelf(tmp_path).fetch(wanted)
    assert path.read_bytes() == CONTENT
    assert path == shelf(tmp_path).path(wanted)
    assert path.name == FILE
    assert shelf(tmp_path).fetch(wanted) == path
    assert web.asked() == ["/a"]


def test_only_the_finished_file_remains(tmp_path: Path, web: Web) -> None:
    web.files["/a"] = CONTENT
    shelf(tmp_path).fetch(source(f"{web.url}/a"))
    assert kept(tmp_path) == [FILE]


@pytest.mark.parametrize("first", [None, b"", b"captive portal", CONTENT + b"more", CONTENT[:-1]])
def test_where_the_first_place_has_not_the_bytes_the_second_is_asked(
    tmp_path: Path, web: Web, first: bytes | None
) -> None:
    if first is not None:
        web.files["/first"] = first
    web.files["/second"] = CONTENT
    path = shelf(tmp_path).fetch(source(f"{web.url}/first", f"{web.url}/second"))
    assert path.read_bytes() == CONTENT
    assert web.requests == [("/first", None), ("/second", None)]


def test_a_place_nobody_listens_at_is_passed_over(tmp_path: Path, web: Web) -> None:
    web.files["/second"] = CONTENT
    path = shelf(tmp_path).fetch(source("http://127.0.0.1:1/first", f"{web.url}/second"))
    assert path.read_bytes() == CONTENT


def test_a_failure_lists_each_place_with_its_reason_and_where_to_put_the_file(tmp_path: Path, web: Web) -> None:
    web.files["/wrong"] = b"wrong"
    wanted = source(f"{web.url}/gone", f"{web.url}/wrong", "http://127.0.0.1:1/x", f"{tmp_path}/no/file")
    with pytest.raises(BuildError) as failed:
        shelf(tmp_path).fetch(wanted)
    assert failed.value.message.splitlines() == [
        f"no place has {FILE} with sha256 {SHA256}:",
        f"    {web.url}/gone: 404 Not Found",
        f"    {web.url}/wrong: wrong digest, sha256 {hashlib.sha256(b'wrong').hexdigest()}",
        "    http://127.0.0.1:1/x: ConnectionError",
        f"    {tmp_path}/no/file: No such file or directory",
    ]
    assert f"copy the file to {shelf(tmp_path).path(wanted)}" in failed.value.hint


@pytest.mark.parametrize("body", [None, b"wrong"])
def test_after_a_failure_nothing_remains(tmp_path: Path, web: Web, body: bytes | None) -> None:
    if body is not None:
        web.files["/a"] = body
    with pytest.raises(BuildError):
        shelf(tmp_path).fetch(source(f"{web.url}/a"))
    assert kept(tmp_path) == []


def test_a_file_handed_in_is_used_without_asking_anyone(tmp_path: Path) -> None:
    wanted = source("http://127.0.0.1:1/never")
    path = shelf(tmp_path).path(wanted)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert shelf(tmp_path).fetch(wanted) == path


def test_a_file_of_the_shelf_with_a_wrong_digest_is_noted_and_fetched_again(tmp_path: Path, web: Web) -> None:
    web.files["/a"] = CONTENT
    notes: list[str] = []
    wanted = source(f"{web.url}/a")
    path = shelf(tmp_path).path(wanted)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"damaged")
    assert shelf(tmp_path, notes=notes).fetch(wanted).read_bytes() == CONTENT
    assert notes == [f"{path} has a wrong digest: fetched again"]


def test_a_file_of_the_shelf_with_a_wrong_digest_does_not_survive_a_failure(tmp_path: Path) -> None:
    wanted = source("http://127.0.0.1:1/x")
    path = shelf(tmp_path).path(wanted)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"damaged")
    with pytest.raises(BuildError):
        shelf(tmp_path).fetch(wanted)
    assert not path.exists()


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_download_that_breaks_off_continues_where_it_was(
    tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    web.files["/a"] = CONTENT
    web.breaks["/a"] = times
    assert shelf(tmp_path).fetch(source(f"{web.url}/a")).read_bytes() == CONTENT
    starts = [len(CONTENT) - len(CONTENT) // 2**number for number in range(1, times + 1)]
    assert web.requests == [("/a", None), *(("/a", f"bytes={start}-") for start in starts)]
    assert kept(tmp_path) == [FILE]


def test_a_server_without_ranges_sends_all_of_it_again(
    tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.files["/a"] = CONTENT
    web.breaks["/a"] = 1
    web.ranges = False
    assert shelf(tmp_path).fetch(source(f"{web.url}/a")).read_bytes() == CONTENT
    assert len(web.requests) == 2


def test_a_server_that_always_breaks_off_is_given_up(tmp_path: Path, web: Web) -> None:
    web.files["/a"] = CONTENT
    web.breaks["/a"] = 99
    wanted = source(f"{web.url}/a")
    with pytest.raises(BuildError, match=rf"\n    {web.url}/a: \S"):
        shelf(tmp_path).fetch(wanted)
    assert len(web.requests) == 4
    assert not shelf(tmp_path).path(wanted).exists()


def test_what_an_interrupted_run_left_is_completed(tmp_path: Path, web: Web) -> None:
    web.files["/a"] = CONTENT
    wanted = source(f"{web.url}/a")
    begun(tmp_path, wanted, CONTENT[:100])
    assert shelf(tmp_path).fetch(wanted).read_bytes() == CONTENT
    assert web.requests == [("/a", "bytes=100-")]
    assert kept(tmp_path) == [FILE]


def test_what_an_interrupted_run_left_complete_is_taken(tmp_path: Path, web: Web) -> None:
    web.files["/a"] = CONTENT
    wanted = source(f"{web.url}/a")
    begun(tmp_path, wanted, CONTENT)
    assert shelf(tmp_path).fetch(wanted).read_bytes() == CONTENT
    assert web.requests == [("/a", f"bytes={len(CONTENT)}-")]


@pytest.mark.parametrize("left", [b"x" * 100, CONTENT + b"x"])
def test_what_an_interrupted_run_left_damaged_is_fetched_again(tmp_path: Path, web: Web, left: bytes) -> None:
    web.files["/a"] = CONTENT
    wanted = source(f"{web.url}/a")
    begun(tmp_path, wanted, left)
    assert shelf(tmp_path).fetch(wanted).read_bytes() == CONTENT
    assert web.requests == [("/a", f"bytes={len(left)}-"), ("/a", None)]


def test_what_one_place_began_no_other_continues(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.files |= {"/other": b"x" * 4096, "/right": CONTENT}
    web.breaks["/other"] = 99
    path = shelf(tmp_path).fetch(source(f"{web.url}/other", f"{web.url}/right"))
    assert path.read_bytes() == CONTENT
    assert web.requests[-2:] == [("/other", "bytes=3584-"), ("/right", None)]


def test_a_download_that_stalls_continues_where_it_was(
    tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_TIMEOUT", (5, 0.2))
    web.files["/a"] = CONTENT
    web.stalls = "/a"
    assert shelf(tmp_path).fetch(source(f"{web.url}/a")).read_bytes() == CONTENT
    assert web.requests == [("/a", None), ("/a", f"bytes={len(CONTENT) // 2}-")]


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_mirror_by_url_is_asked_first(tmp_path: Path, web: Web, ending: str) -> None:
    web.files[f"/mirror/{FILE}"] = CONTENT
    web.files["/a"] = CONTENT
    shelf(tmp_path, mirror=f"{web.url}/mirror{ending}").fetch(source(f"{web.url}/a"))
    assert web.asked() == [f"/mirror/{FILE}"]


@pytest.mark.parametrize("form", ["{}", "{}/", "file://{}"])
def test_a_mirror_folder_is_asked_first(tmp_path: Path, web: Web, form: str) -> None:
    web.files["/a"] = CONTENT
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / FILE).write_bytes(CONTENT)
    path = shelf(tmp_path, mirror=form.format(mirror)).fetch(source(f"{web.url}/a"))
    assert path.read_bytes() == CONTENT
    assert web.requests == []


@pytest.mark.parametrize("content", [None, b"wrong"])
def test_a_mirror_without_the_right_file_is_passed_over(tmp_path: Path, web: Web, content: bytes | None) -> None:
    web.files["/a"] = CONTENT
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    path = shelf(tmp_path, mirror=str(tmp_path)).fetch(source(f"{web.url}/a"))
    assert path.read_bytes() == CONTENT


def test_a_debian_place_is_asked_of_the_debian_mirror(tmp_path: Path, web: Web) -> None:
    web.files["/debian/pool/main/p/x.orig.tar.xz"] = CONTENT
    wanted = source("debian:pool/main/p/x.orig.tar.xz")
    assert shelf(tmp_path, debian_mirror=f"{web.url}/debian/").fetch(wanted).read_bytes() == CONTENT


def test_without_a_debian_mirror_those_of_apt_are_asked(
    tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.files["/two/pool/x"] = CONTENT
    monkeypatch.setattr(module, "debian_mirrors", lambda: [f"{web.url}/one/", f"{web.url}/two/"])
    shelf(tmp_path).fetch(source("debian:pool/x"))
    assert web.asked() == ["/one/pool/x", "/two/pool/x"]


def test_where_there_is_no_apt_there_is_no_debian_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _: "/nonexistent/apt-get")
    assert module.debian_mirrors() == []
    with pytest.raises(BuildError, match="no place to ask"):
        shelf(tmp_path).fetch(source("debian:pool/x"))


@pytest.mark.parametrize(
    ("script", "mirrors"),
    [
        ("echo http://a/debian/; echo http://b/; echo http://a/debian/", ["http://a/debian/", "http://b/"]),
        ("exit 1", []),
    ],
)
def test_each_mirror_of_apt_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, mirrors: list[str]
) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text(f"#!/bin/sh\n{script}\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert module.debian_mirrors() == mirrors


def test_a_password_of_an_index_is_not_in_the_error(tmp_path: Path, web: Web) -> None:
    address = web.url.replace("://", "://user:s3cret@")
    network = Network(None, {}, {"PIP_INDEX_URL": f"{address}/simple"})
    with pytest.raises(BuildError) as failed:
        shelf(tmp_path, network=network).fetch(source(f"{address}/gone"))
    assert "s3cret" not in str(failed.value)
    assert "://****@127.0.0.1" in str(failed.value)


@pytest.mark.parametrize(("mirror", "debian_mirror", "places"), [("{}", "", ()), ("", "{}", ("debian:pool/x",))])
def test_a_password_of_a_mirror_is_not_in_the_error(
    tmp_path: Path, web: Web, mirror: str, debian_mirror: str, places: tuple[str, ...]
) -> None:
    address = web.url.replace("://", "://user:s3cret@")
    ours = shelf(tmp_path, mirror=mirror.format(address), debian_mirror=debian_mirror.format(address))
    with pytest.raises(BuildError, match=r"://\*\*\*\*@127\.0\.0\.1") as failed:
        ours.fetch(source(*places))
    assert "s3cret" not in str(failed.value)


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_download_goes_through_the_proxy(tmp_path: Path, web: Web, name: str) -> None:
    web.files["http://python.invalid/a"] = CONTENT
    network = Network(None, {name: web.url}, {})
    assert shelf(tmp_path, network=network).fetch(source("http://python.invalid/a")).read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_a_place_that_no_proxy_names_is_asked_directly(tmp_path: Path, web: Web, name: str) -> None:
    web.files["/a"] = CONTENT
    network = Network(None, {"http_proxy": "http://127.0.0.1:1", name: "127.0.0.1"}, {})
    assert shelf(tmp_path, network=network).fetch(source(f"{web.url}/a")).read_bytes() == CONTENT


FETCHING = """
import sys
from builder.inputs.network import Network
from builder.inputs.pins import Source
from builder.sources.shelf import SourceShelf
from pathlib import Path
folder, file, sha256, url = sys.argv[1:]
shelf = SourceShelf(Path(folder) / "sources", Network(None, {}, {}), "", "", lambda note: print(note, flush=True))
print(shelf.fetch(Source("CPython", "3.13.5", file, sha256, (url,))).stat().st_size)
"""


def test_of_two_processes_that_want_a_source_one_downloads_it_and_both_have_it(tmp_path: Path, web: Web) -> None:
    web.files["/a"] = CONTENT
    web.stalls = "/a"  # so that the second finds the first at it
    args = [sys.executable, "-c", FETCHING, str(tmp_path), FILE, SHA256, f"{web.url}/a"]
    first = subprocess.Popen(args, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    wait_for(lambda: "/a" in web.asked())
    second = subprocess.Popen(args, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert second.stdout
    assert second.stdout.readline() == f"{FILE}: another build downloads it: waiting\n"
    web.over.set()  # the connection breaks off: the first continues where it was
    outputs = [process.communicate(timeout=30)[0] for process in (first, second)]
    assert outputs == [f"{len(CONTENT)}\n"] * 2
    assert [first.returncode, second.returncode] == [0, 0]
    assert web.requests == [("/a", None), ("/a", f"bytes={len(CONTENT) // 2}-")]
    assert kept(tmp_path) == [FILE]


def test_a_killed_download_holds_nobody_up_and_is_gone_on_with(tmp_path: Path, web: Web) -> None:
    web.files["/a"] = CONTENT
    web.stalls = "/a"
    args = [sys.executable, "-c", FETCHING, str(tmp_path), FILE, SHA256, f"{web.url}/a"]
    with subprocess.Popen(args, cwd=ROOT, stdout=subprocess.PIPE) as killed:
        wait_for(lambda: any(path.stat().st_size for path in tmp_path.rglob("*.part")))
        killed.kill()
    assert shelf(tmp_path).fetch(source(f"{web.url}/a")).read_bytes() == CONTENT
    first, second = (start for _, start in web.requests)
    assert first is None
    assert re.fullmatch(r"bytes=[1-9]\d*-", second or "")
    assert kept(tmp_path) == [FILE]


@pytest.mark.parametrize("kind", ["link", "second name", "fifo"])
def test_what_was_not_begun_by_us_is_not_gone_on_with(tmp_path: Path, web: Web, kind: str) -> None:
    web.files["/a"] = CONTENT
    wanted = source(f"{web.url}/a")
    begun(tmp_path, wanted, b"")
    (part,) = tmp_path.rglob("*.part")
    part.unlink()
    victim = tmp_path / "victim"
    victim.write_bytes(CONTENT[:100])
    if kind == "fifo":
        os.mkfifo(part)
    else:
        (part.symlink_to if kind == "link" else part.hardlink_to)(victim)
    assert shelf(tmp_path).fetch(wanted).read_bytes() == CONTENT
    assert victim.read_bytes() == CONTENT[:100]
    assert web.requests == [("/a", None)]


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path, web: Web) -> None:
    web.files["/a"] = CONTENT
    wanted = source(f"{web.url}/a")
    begun(tmp_path, wanted, b"")
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    shelf(tmp_path).path(wanted).with_name(f".{FILE}.lock").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic link"):
        shelf(tmp_path).fetch(wanted)
    assert victim.read_bytes() == b"precious"


def wait_for(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not there():
        assert time.monotonic() < end
        time.sleep(0.01)
