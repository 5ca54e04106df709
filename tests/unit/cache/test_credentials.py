"""Who we are to the server: which credentials win, and that none goes where others could read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from builder.cache import cache as module
from builder.cache.credentials import chosen
from builder.cache.patience import Absent
from builder.cache.signatures import Signatures
from builder.errors import UserError
from builder.inputs import settings as all_settings
from builder.inputs.network import Network
from builder.inputs.parsers import PRIVATE_KEY
from builder.inputs.settings import SETTINGS
from tests.support.factories import NO_NETWORK, settings
from tests.support.hostile import Answer, hostile

SAFE = ["https://cache.example.org", "http://localhost:8080", "http://127.0.0.1", "http://127.1.2.3", "http://[::1]:80"]
UNSAFE = ["http://cache.example.org", "http://10.0.0.1", "http://localhost.example.org"]
TOKEN = {"CACHE_TOKEN": "hush-hush"}
LOGIN = {"CACHE_USER": "me", "CACHE_PASSWORD": "hush-hush"}


@pytest.mark.parametrize("url", SAFE)
@pytest.mark.parametrize("given", [TOKEN, LOGIN])
def test_credentials_go_over_https_or_to_this_machine(tmp_path: Path, url: str, given: Mapping[str, str]) -> None:
    assert "CACHE_" in chosen(settings(tmp_path, CACHE_URL=url, **given), None).source


@pytest.mark.parametrize("url", UNSAFE)
@pytest.mark.parametrize("given", [TOKEN, LOGIN])
def test_http_with_a_token_to_another_machine_is_refused_at_start(
    tmp_path: Path, url: str, given: Mapping[str, str]
) -> None:
    with pytest.raises(UserError) as problem:
        module.opened(settings(tmp_path, CACHE_URL=url, **given), NO_NETWORK, tmp_path, print, Signatures())
    assert "plain http" in str(problem.value)
    assert "hush" not in str(problem.value)


def test_the_token_wins_over_the_user_and_both_over_netrc(tmp_path: Path) -> None:
    def source(**given: str) -> str:
        return chosen(settings(tmp_path, CACHE_URL=SAFE[0], **given), ("n", "p")).source

    assert source(**TOKEN, **LOGIN) == "CACHE_TOKEN"
    assert source(**LOGIN) == "CACHE_USER and CACHE_PASSWORD"
    assert source() == "netrc"


def test_netrc_is_not_sent_to_a_plain_http_server(tmp_path: Path) -> None:
    assert chosen(settings(tmp_path, CACHE_URL=UNSAFE[0]), ("n", "p")).source == "no credentials"


def test_netrc_is_read_and_does_not_replace_what_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login lou password from-netrc\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with hostile(lambda *request: Answer(404)) as server:
        for given in ({}, TOKEN):
            cache = module.opened(
                settings(tmp_path, CACHE_URL=server.url, **given), NO_NETWORK, tmp_path, print, Signatures()
            )
            assert cache.remote
            with pytest.raises(Absent):
                cache.remote.server.read("x", 1)
    sent = [line for head in server.heads for line in head.splitlines() if line.startswith("Authorization")]
    assert sent == ["Authorization: Basic bG91OmZyb20tbmV0cmM=", "Authorization: Bearer hush-hush"]


def test_the_ca_setting_wins_over_what_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    (tmp_path / "ours.pem").touch()
    cache = module.opened(
        settings(tmp_path, CACHE_URL=SAFE[0]), Network(tmp_path / "ours.pem", {}, {}), tmp_path, print, Signatures()
    )
    assert cache.remote
    assert cache.remote.server.verify == str(tmp_path / "ours.pem")
    assert not cache.remote.server.session.trust_env


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CACHE_MODE", "sometimes", "must be off, local, read, read-write or refresh"),
        ("CACHE_URL", "cache.example.org", "must be http://host/path or https://host/path"),
        ("CACHE_URL", "ftp://example.org", "must be http://host/path or https://host/path"),
        ("CACHE_URL", "https://", "must be http://host/path or https://host/path"),
        ("CACHE_URL", "https://example.org/x?y=1", "must not have a query"),
        ("CACHE_URL", "https://example.org/#x", "must not have a query"),
        ("CACHE_URL", "https://me:pw@example.org/", "must not hold credentials"),
        ("CACHE_SIZE", "ten", "such as 10G"),
        ("CACHE_SIZE", "10", "such as 10G"),
        ("CACHE_STRICT", "maybe", "must be 1 or 0"),
        ("CA_BUNDLE", "/nowhere.pem", "no such file"),
    ],
)
def test_an_impossible_setting_is_refused_with_what_it_must_be(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    with pytest.raises(UserError, match=name) as problem:
        settings(tmp_path, **{name: value})
    assert said in str(problem.value)


def test_an_empty_url_is_none(tmp_path: Path) -> None:
    assert module.opened(settings(tmp_path, CACHE_URL=""), NO_NETWORK, tmp_path, print, Signatures()).remote is None


def test_a_size_is_read_in_bytes(tmp_path: Path) -> None:
    assert [settings(tmp_path, CACHE_SIZE=text).cache_size for text in ("500M", "10G", "1T")] == [
        5 * 10**8,
        10**10,
        10**12,
    ]


@pytest.mark.parametrize(
    ("mode", "reads", "writes", "looks", "keeps"),
    [
        ("off", None, None, False, False), ("local", None, None, True, True), ("read", True, False, True, True),
        ("read-write", True, True, True, True), ("refresh", False, True, False, True),
    ],
)  # fmt: skip
def test_what_each_mode_does(
    tmp_path: Path, mode: str, reads: bool | None, writes: bool | None, looks: bool, keeps: bool
) -> None:
    cache = module.opened(
        settings(tmp_path, CACHE_MODE=mode, CACHE_URL=SAFE[0]), NO_NETWORK, tmp_path, print, Signatures()
    )
    assert (not cache.skip_reason, cache.writes) == (looks, keeps)
    assert (cache.remote and cache.remote.reads, cache.remote and cache.remote.writes) == (reads, writes)


def test_no_cache_is_off_whatever_the_mode(tmp_path: Path) -> None:
    cache = module.opened(
        settings(tmp_path, NO_CACHE="1", CACHE_MODE="read-write"), NO_NETWORK, tmp_path, print, Signatures()
    )
    assert (cache.skip_reason, cache.writes) == ("NO_CACHE=1", False)


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    key = f"{PRIVATE_KEY}\nhush-hush\n"
    loaded = settings(tmp_path, CACHE_URL=SAFE[0], SIGNING_KEY=key, **TOKEN, **LOGIN)
    cache = module.opened(loaded, NO_NETWORK, tmp_path, print, Signatures())
    assert "hush" not in repr(loaded) + repr(cache)
    assert {loaded.shown(row) for row in SETTINGS if row.secret} == {"****"}
    with pytest.raises(UserError) as problem:
        settings(tmp_path, CACHE_TOKEN="hush\nhush")
    assert "hush" not in str(problem.value)
    assert all(row.secret for row in all_settings.SETTINGS if re.search("TOKEN|PASSWORD|_KEY", row.name))


def test_a_password_within_a_url_is_not_shown_either(tmp_path: Path) -> None:
    with pytest.raises(UserError) as problem:
        settings(tmp_path, CACHE_URL="https://me:hush@example.org/")
    assert "https://****@example.org/" in str(problem.value)
    loaded = settings(tmp_path, SOURCE_MIRROR="https://me:hush@example.org/")
    assert {row.name: loaded.shown(row) for row in SETTINGS}["SOURCE_MIRROR"] == "https://****@example.org/"
    assert loaded.source_mirror == "https://me:hush@example.org/"
