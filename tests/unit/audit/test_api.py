"""The API is asked as it is documented, and believed only as far as its answers have that form."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.audit import api as apis
from builder.audit.answers import NO_ADVISORY
from builder.audit.api import Api
from builder.audit.inventory import Component
from builder.errors import BuildError
from builder.inputs.network import Network
from tests.support.osv import (
    IN_JINJA,
    IN_SQLITE,
    NEW_JINJA,
    NEW_SQLITE,
    OLD_JINJA,
    OLD_SQLITE,
    SQLITE,
    OsvServer,
    named,
    of,
    osv_server,
)

DIRECT = Network(None, {}, {})
WITHDRAWN = {**IN_JINJA, "id": "PYSEC-2025-1", "withdrawn": "2026-01-01T00:00:00Z"}
SQLITE_NAME, JINJA_NAME = IN_SQLITE["id"], IN_JINJA["id"]


@pytest.fixture
def osv() -> Iterator[OsvServer]:
    """A server that knows a Jinja and an SQLite."""
    affected = {
        ("PyPI", "jinja2", "3.1.5"): (JINJA_NAME, WITHDRAWN["id"]),
        ("GIT", SQLITE, "3.50.1"): (SQLITE_NAME,),
        ("GIT", SQLITE, ""): (SQLITE_NAME,),
    }
    with osv_server([IN_JINJA, WITHDRAWN, IN_SQLITE], affected) as running:
        yield running


def test_what_is_affected_is_found_and_what_is_fixed_is_not(osv: OsvServer) -> None:
    components = (OLD_SQLITE, NEW_SQLITE, OLD_JINJA, NEW_JINJA, of("tea", "1"))
    found = Api(f"{osv.url}/", DIRECT).answers(components)
    assert [named(found[one]) for one in components] == [[SQLITE_NAME], [], [JINJA_NAME], [], []]
    assert [one.fixed for each in components for one in found[each].matches] == ["3.50.2", "3.1.6"]
    assert [found[one].unchecked for one in components] == [""] * 5


def test_it_is_asked_as_documented(osv: OsvServer) -> None:
    Api(osv.url, DIRECT).answers([OLD_JINJA, OLD_SQLITE])
    jinja = {"package": {"ecosystem": "PyPI", "name": "jinja2"}, "version": "3.1.5"}
    sqlite = {"package": {"ecosystem": "GIT", "name": SQLITE}, "version": "3.50.1"}
    assert osv.questions == [jinja, sqlite, {**jinja, "page_token": "1"}]  # the second page, of what has one


def test_many_components_are_asked_in_several_requests(osv: OsvServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apis, "_AT_ONCE", 2)
    many = [*(of(f"tea{number}", "1") for number in range(5)), OLD_JINJA]
    found = Api(osv.url, DIRECT).answers(many)
    assert [len(found[one].matches) for one in many] == [0, 0, 0, 0, 0, 1]


def test_a_library_that_no_advisory_names_is_said(osv: OsvServer) -> None:
    zlib = of("zlib", "1.3.2", "generic")
    assert Api(osv.url, DIRECT).answers([zlib])[zlib].unchecked == NO_ADVISORY


def failure(url: str, *components: Component, network: Network = DIRECT) -> str:
    with pytest.raises(BuildError) as failed:
        Api(url, network).answers(components or (OLD_JINJA,))
    assert failed.value.hint == "set OSV_DATABASE to a mirror of the API, or to a folder with OSV's data"
    return failed.value.message


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<html>log in</html>", "it does not answer as an OSV API does"),
        (b"{}", "it does not answer as an OSV API does"),
        (b"[" * 100_000, "it does not answer as an OSV API does"),
        (b'{"results": [1]}', "it does not answer as an OSV API does"),
        (b'{"results": []}', "shorter"),
        (b'{"results": [{}, {}]}', "longer"),
        (b'{"results": [{"vulns": [{"id": "../../etc"}]}]}', "'../../etc' names no advisory"),
        (b'{"results": [{"next_page_token": "0"}]}', "has no end of answers"),
        (b"x" * 2_000_000, "more than 1 MiB, given up"),
    ],
)
def test_an_answer_of_another_form_is_one_message(monkeypatch: pytest.MonkeyPatch, body: bytes, problem: str) -> None:
    monkeypatch.setattr(apis, "LARGEST", 1 << 20)
    with osv_server([], {}, body) as running:
        assert problem in failure(running.url)


def test_an_advisory_that_is_not_there_is_one_message() -> None:
    with osv_server([], {("PyPI", "jinja2", "3.1.5"): ("GHSA-1",)}) as running:
        assert failure(running.url) == f"{running.url}/v1/vulns/GHSA-1: 404 Not Found"


def test_an_advisory_of_another_form_is_one_message() -> None:
    with osv_server([{"id": "GHSA-1"}], {("PyPI", "jinja2", "3.1.5"): ("GHSA-1",)}) as running:
        assert failure(running.url) == f"{running.url}/v1/vulns/GHSA-1: modified is missing"


def test_a_server_that_is_not_there_is_one_message_without_secrets(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert failure(f"http://me:s3cret@127.0.0.1:{port}").startswith(f"http://****@127.0.0.1:{port}/v1/querybatch: ")
