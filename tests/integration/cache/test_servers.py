"""The cache before real servers: nginx with our own configuration, and wsgidav, which is careless."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count as numbers
from pathlib import Path

import pytest

from builder.cache.conformance import points
from builder.cache.credentials import NOBODY, Credentials
from builder.cache.entry import content_name, entry_name
from builder.cache.patience import Absent, Patience
from builder.cache.remote import Remote
from builder.cache.signatures import Signatures
from builder.cache.store import Hit, Miss
from builder.cache.webdav import WebDav
from builder.cache.webdav_probe import another, write_half
from builder.inputs.choices import Signing
from builder.stages.stage import Stage
from builder.trust.signers import Signer
from tests.support.scene import (
    GOOD,
    Scene,
    content_path,
    entry,
    entry_path,
    file,
    scene,
    signature_path,
    stage,
    tgz,
)
from tests.support.servers import WRITER, Server, nginx, wsgidav
from tests.support.signing import key_of

pytestmark = pytest.mark.needs("nginx")

OTHER = stage("3.12.1")
SIGNING = Signatures(key=key_of(1))
PREFERRING = Signatures((Signer("ci", key_of(1).public_key()),))
REQUIRING = replace(PREFERRING, signing=Signing.REQUIRE)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server as we ship it."""
    with nginx(tmp_path / "server") as one:
        yield one


def writer(
    folder: Path, server: Server, who: Credentials = WRITER, patience: Patience | None = None,
    signatures: Signatures | None = None,
) -> Scene:  # fmt: skip
    """A builder that publishes, in a folder of its own."""
    folder.mkdir(exist_ok=True)
    return scene(
        folder, server.url, who=who, writes=True, patience=patience or Patience(idle=5), signatures=signatures
    )  # fmt: skip


def reader(
    folder: Path, server: Server, who: Credentials = NOBODY, signatures: Signatures | None = None
) -> Scene:  # fmt: skip
    """A builder that only reads."""
    folder.mkdir(exist_ok=True)
    return scene(folder, server.url, who=who, patience=Patience(idle=5), signatures=signatures)


def failing(server: Server) -> set[str]:
    """The points of the check that a server does not pass."""
    return {point.name for point in points(WebDav(server.url, WRITER)) if point.seen}


def test_what_one_publishes_the_other_finds(server: Server, tmp_path: Path) -> None:
    writer(tmp_path / "one", server).keep()
    here = reader(tmp_path / "two", server)
    found = here.find()
    assert isinstance(found, Hit)
    assert found.path.read_bytes() == GOOD
    assert server.requests("PUT") == [("PUT", content_path(), 201), ("PUT", entry_path(), 201)], "content first"


def test_a_reader_puts_nothing(server: Server, tmp_path: Path) -> None:
    here = reader(tmp_path / "one", server)
    here.find()
    here.keep()
    assert server.requests("PUT") == []


def test_our_server_passes_the_check(server: Server) -> None:
    assert failing(server) == set()


def test_the_check_bites(tmp_path: Path) -> None:
    with nginx(tmp_path / "one", {"dav_methods PUT;": "dav_methods PUT DELETE COPY MOVE;"}) as loose:
        assert failing(loose) == {"nothing is renamed, copied or removed"}
    listing = {"return 404;": "autoindex on;", "autoindex off;": "autoindex on;"}
    with nginx(tmp_path / "two", listing) as listed:
        assert failing(listed) == {"a folder is not listed"}
    with wsgidav(tmp_path / "three") as careless:
        assert {"an upload that breaks off leaves nothing", "a writer must say who it is"} <= failing(careless)


def test_an_nginx_of_an_earlier_version_is_not_fit(tmp_path: Path) -> None:
    with nginx(tmp_path / "one", {r"(?:\.sig)?": ""}) as earlier:
        assert failing(earlier) == {"an entry's signature has its place next to it"}
        here = writer(tmp_path / "two", earlier, signatures=SIGNING)
        here.keep()
        assert f"{signature_path()} answers 404; nothing more is published" in here.warnings[0]


def test_what_one_signs_the_other_uses_and_nothing_else(server: Server, tmp_path: Path) -> None:
    writer(tmp_path / "one", server, signatures=SIGNING).keep()
    assert server.requests("PUT") == [
        ("PUT", path, 201) for path in (content_path(), signature_path(), entry_path())
    ]  # fmt: skip
    assert isinstance(reader(tmp_path / "two", server, signatures=REQUIRING).find(), Hit)
    writer(tmp_path / "three", server).keep(tgz(file("evil", 3)), OTHER)  # allowed to write, without a key
    here = reader(tmp_path / "four", server, signatures=REQUIRING)
    here.expect(here.find(OTHER), "unsigned")
    assert isinstance(here.find(), Hit)


def test_those_allowed_to_write_without_a_key_poison_nothing(server: Server, tmp_path: Path) -> None:
    """Whatever they try is a miss with its own reason, which without the check is a hit."""
    writer(tmp_path / "one", server, signatures=SIGNING).keep()
    evil = tgz(file("evil", 3))
    client = WebDav(server.url, WRITER)
    client.write(content_name(entry(evil).digest), evil)
    client.write(entry_path()[1:], entry(evil).encode())
    name = entry_name(entry().kind, entry().key)
    stranger = Signatures(key=key_of(2)).sign(name, entry(evil).encode())
    for number, (put, said) in enumerate(
        (
            (None, "it was altered: ci ("),
            (stranger, "its signature is by a key that is not trusted: SHA256:"),
            (b"", "its signature is none: "),
        )
    ):
        if put is not None:
            client.write(signature_path()[1:], put)
        for trust in (REQUIRING, PREFERRING):
            here = reader(tmp_path / f"{number}-{trust.signing}", server, signatures=trust)
            here.expect(here.find(), "unsigned")
            assert f"is not used: {said}" in here.warnings[0]
    assert isinstance(reader(tmp_path / "off", server).find(), Hit), "who trusts nobody believes the server"


def test_builders_that_sign_the_same_entry_at_once_leave_one_that_is_used(server: Server, tmp_path: Path) -> None:
    WebDav(server.url, WRITER).write(content_name(entry().digest), GOOD)
    remotes = [writer(tmp_path / f"writer-{one}", server, signatures=SIGNING).cache.remote for one in range(3)]
    for number in range(10):

        def publish(remote: Remote | None, seconds: int) -> None:
            assert remote
            remote.server.sleep = time.sleep
            remote.put_entry(replace(entry(), built={**entry().built, "seconds": seconds}))

        with ThreadPoolExecutor(len(remotes)) as pool:
            assert list(pool.map(publish, remotes, numbers(number * 10))) == [None] * len(remotes)
        assert isinstance(reader(tmp_path / f"reader-{number}", server, signatures=REQUIRING).find(), Hit)


def test_protected_reads_ask_for_credentials(tmp_path: Path) -> None:
    with nginx(tmp_path / "server", reads="protected") as server:
        here = reader(tmp_path / "one", server)
        here.expect(here.find(), "forbidden")
        assert "no credentials" in here.warnings[0]
        writer(tmp_path / "two", server).keep()
        assert isinstance(reader(tmp_path / "three", server, WRITER).find(), Hit)


def test_a_wrong_password_publishes_nothing_and_shows_nothing(server: Server, tmp_path: Path) -> None:
    here = writer(tmp_path / "one", server, replace(WRITER, password="wrong horse"))
    here.keep(tgz(file("big", 3_000_000)))
    assert [code for _, _, code in server.requests("PUT")] == [401]
    assert "CACHE_USER and CACHE_PASSWORD" in here.warnings[0]
    assert "horse" not in "".join(here.shown)


def test_only_names_of_the_cache_can_be_put(server: Server) -> None:
    client = WebDav(server.url, WRITER)
    for name in ("index.html", "v1/x", "v1/cas/sha256/ab/short", "v1/ac/kind/00/" + "0" * 64, "../users"):
        with client.request("PUT", f"{server.url}/{name}", data=b"x") as answer:
            assert answer.status_code in {400, 404}
    assert [path for path in server.data.rglob("*") if path.is_file()] == []


def test_only_the_exact_name_of_a_digest_or_a_key_can_be_put(server: Server) -> None:
    digest, key = content_path()[1:], entry_path()[1:]
    other = digest.replace(f"/{digest.split('/')[-2]}/", "/zz/").replace("zz", "00" if "/00/" not in digest else "11")
    names = (
        f"{digest}.sig",
        f"{key}.sig.sig",
        f"{key}.sig%0a",
        f"{digest}%0a",
        f"{key}%0A",
        other,
        key.replace("interpreter", "k" * 256),
        key.replace("interpreter", ""),
    )
    client = WebDav(server.url, WRITER)
    for name in names:
        with client.request("PUT", f"{server.url}/{name}", data=b"x") as answer:
            assert answer.status_code == 404, name
    assert [path for path in server.data.rglob("*") if path.is_file()] == []
    client.write(digest, b"x")


def guesses(server: Server) -> Counter[int]:
    """The answers to wrong passwords in two seconds, asked for by 48 at a time."""
    end = time.monotonic() + 2
    url = f"{server.url}{content_path()}"

    def guess(number: int) -> Counter[int]:
        codes: Counter[int] = Counter()
        client = WebDav(server.url, replace(WRITER, password=f"guess {number}"))
        while time.monotonic() < end:
            with client.request("PUT", url, data=b"x") as answer:
                codes[answer.status_code] += 1
        return codes

    with ThreadPoolExecutor(48) as pool:
        return sum(pool.map(guess, range(48)), Counter())


def test_passwords_can_not_be_guessed_by_the_thousand(tmp_path: Path) -> None:
    with nginx(tmp_path / "ours") as server:
        assert guesses(server)[401] <= 32 * 3
    with nginx(tmp_path / "loose", {"auth_delay 1s;": "", "limit_conn with_password 32;": ""}) as server:
        assert guesses(server)[401] > 32 * 3, "else this test would see nothing"


def test_who_has_the_password_does_not_wait(server: Server) -> None:
    client = WebDav(server.url, WRITER)
    begun = time.monotonic()
    for number in range(200):
        name = content_path()[1:-3] + f"{number:03x}"
        client.write(name, b"x")
    assert time.monotonic() - begun < 20
    assert {code for _, _, code in server.requests("PUT")} == {201}


def test_413_is_reported_with_the_limit(tmp_path: Path) -> None:
    with nginx(tmp_path / "server", {"client_max_body_size 4g;": "client_max_body_size 1m;"}) as server:
        here = writer(tmp_path / "one", server)
        here.keep(b"x" * 20_000_000, Stage("profile", {}, (), (), "python.profdata"))
        here.keep()
        codes = [code for _, _, code in server.requests("PUT")]
    assert codes == [413, 201, 201]
    assert "20.0 MB" in here.warnings[0]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "tiny"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.needs("root")
def test_a_full_disk_of_the_server_ends_writes_only(tmp_path: Path, tiny_disk: Path) -> None:
    with nginx(tiny_disk) as server:
        here = writer(tmp_path / "one", server)
        here.keep()
        here.keep(b"x" * 9_000_000, OTHER)
        assert "the server's disk may be full" in here.warnings[0]
        assert len(here.warnings) == 1
        assert server.requests("PUT")[-1][2] == 500
        assert isinstance(reader(tmp_path / "two", server).find(), Hit)
        assert isinstance(reader(tmp_path / "three", server).find(OTHER), Miss)


@pytest.mark.needs("root")
def test_a_full_disk_here_leaves_nothing_and_the_server_is_asked_on(
    server: Server, tmp_path: Path, tiny_disk: Path
) -> None:
    big = Stage("profile", {}, (), (), "python.profdata")
    one = writer(tmp_path / "one", server)
    one.keep(b"x" * 9_000_000, big)
    one.keep()
    here = reader(tiny_disk, server)
    assert isinstance(here.find(big), Miss)
    assert "No space left on device" in here.warnings[0]
    assert here.left == []
    assert isinstance(here.find(), Hit)


def test_an_upload_that_breaks_off_is_never_seen_on_nginx(server: Server) -> None:
    client = WebDav(server.url, WRITER)
    write_half(client, content_path()[1:], 5_000_000)
    assert client.size(content_path()[1:]) is None


def test_what_a_careless_server_keeps_of_it_is_never_used(tmp_path: Path) -> None:
    with wsgidav(tmp_path / "server") as server:
        writer(tmp_path / "one", server).keep()
        path = server.data / content_path()[1:]
        path.write_bytes(GOOD[: len(GOOD) // 2])
        here = reader(tmp_path / "two", server)
        here.expect(here.find(), "truncated")
        # Its HEAD reports the wrong size, so that the next builder repairs it.
        writer(tmp_path / "three", server).keep()
        assert isinstance(reader(tmp_path / "four", server).find(), Hit)


def test_altered_files_on_the_server_are_reported_once_and_not_used(server: Server, tmp_path: Path) -> None:
    writer(tmp_path / "one", server).keep()
    path = server.data / content_path()[1:]
    path.write_bytes(path.read_bytes()[::-1])
    here = reader(tmp_path / "two", server)
    here.expect(here.find(), "corrupt")
    (server.data / entry_path()[1:]).write_text("altered")
    here = reader(tmp_path / "three", server)
    here.expect(here.find(), "entry")


@pytest.mark.parametrize("kind", [nginx, wsgidav])
def test_a_reader_during_300_overwrites_never_uses_half_of_one(tmp_path: Path, kind: object) -> None:
    versions = [tgz(file("a", size)) for size in (200_000, 300_000)]
    entries = [entry(version) for version in versions]
    with kind(tmp_path / "server") as server:  # type: ignore[operator]
        client = WebDav(server.url, WRITER)
        for version, one in zip(versions, entries, strict=True):
            client.write(content_name(one.digest), version)
        name = entry_name(entries[0].kind, entries[0].key)
        client.write(name, entries[0].encode())

        def overwrite() -> None:
            second = another(client)
            for count in range(300):
                second.write(name, entries[count % 2].encode())

        thread = threading.Thread(target=overwrite)
        thread.start()
        outcomes = set()
        count = 0
        while thread.is_alive():
            count += 1
            here = reader(tmp_path / f"reader-{count}", server)
            found = here.find()
            outcomes.add(type(found))
            assert not isinstance(found, Hit) or found.path.read_bytes() in versions
            assert len(here.warnings) <= 1
        thread.join()
    if kind is nginx:
        assert outcomes == {Hit}


def test_a_server_killed_while_it_sends(server: Server, tmp_path: Path) -> None:
    writer(tmp_path / "one", server).keep()
    here = reader(tmp_path / "two", server)
    assert here.cache.remote
    here.cache.remote.server.read(entry_path()[1:], 100_000)  # the connection is open
    server.stop()
    here.expect(here.find(), "unreachable")


def test_names_are_not_found_below_another_prefix(server: Server) -> None:
    with pytest.raises(Absent):
        WebDav(f"{server.url}/team", WRITER).read(entry_path()[1:], 100)
