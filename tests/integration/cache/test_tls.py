"""The cache over https: whose certificate is trusted, and what is said when it is not."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from builder.cache.patience import Patience
from builder.cache.store import Hit
from tests.support.scene import Scene, scene
from tests.support.servers import WRITER, Server, free_port, nginx

pytestmark = pytest.mark.needs("nginx")


@contextmanager
def https(folder: Path, certificate: trustme.LeafCert) -> Iterator[tuple[Server, str]]:
    """Our server with the lines for TLS uncommented; the server and its https address."""
    port = free_port()
    (folder / "tls").mkdir(parents=True)
    certificate.cert_chain_pems[0].write_to_path(folder / "tls" / "certificate.pem")
    certificate.private_key_pem.write_to_path(folder / "tls" / "key.pem")
    edits = {"# listen 8443": f"listen 127.0.0.1:{port}", "# ssl_certificate": "ssl_certificate"}
    with nginx(folder, edits) as server:
        yield server, f"https://localhost:{port}"


def here(folder: Path, url: str, ca: trustme.CA | None, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A builder that trusts one CA, or this machine's; what the environment names for requests is no CA at all."""
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder))
    one = scene(folder, url, who=WRITER, writes=True, patience=Patience(idle=5))
    if ca:
        ca.cert_pem.write_to_path(folder / "ca.pem")
        assert one.cache.remote
        one.cache.remote.server.verify = str(folder / "ca.pem")
    return one


def test_the_right_ca_works_whatever_requests_ca_bundle_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca = trustme.CA()
    with https(tmp_path / "server", ca.issue_cert("localhost")) as (_, url):
        one = here(tmp_path / "one", url, ca, monkeypatch)
        one.keep()
        assert isinstance(here(tmp_path / "two", url, ca, monkeypatch).find(), Hit)
        assert one.shown == []


@pytest.mark.parametrize("wrong", ["unknown CA", "expired", "another host"])
def test_a_certificate_that_is_not_good_is_tried_once_and_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    ca = trustme.CA()
    certificate = {
        "unknown CA": lambda: trustme.CA().issue_cert("localhost"),
        "expired": lambda: ca.issue_cert("localhost", not_after=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)),
        "another host": lambda: ca.issue_cert("elsewhere.example.org"),
    }[wrong]()
    with https(tmp_path / "server", certificate) as (server, url):
        one = here(tmp_path / "one", url, ca, monkeypatch)
        one.expect(one.find(), "certificate")
        assert one.slept == [], "it is not tried again"
        assert "CA_BUNDLE" in one.warnings[0]
        assert server.requests() == []
