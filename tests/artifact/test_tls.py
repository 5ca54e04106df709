"""TLS trusts whom the system trusts, wherever that keeps its certificates, and no foreign openssl.cnf breaks it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import trustme
from docker.models.containers import Container

from tests.support.container import execute, put
from tests.support.probes import probe

# Where distributions keep the bundle: Debian, Red Hat, SUSE.
BUNDLES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"]
POISON = """
openssl_conf = all
[all]
providers = some
no_such_key = 1
[some]
absent = its_section
[its_section]
module = /nonexistent.so
activate = 1
"""
USES_TLS = "import ssl; ssl.create_default_context(); print('fine')"

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def certified(machine: Container) -> Container:
    """The container with a server's certificate, that of the authority that signed it, and that of another one."""
    authority = trustme.CA()
    put(machine, "/tls/server.pem", authority.issue_cert("localhost").private_key_and_cert_chain_pem.bytes())
    put(machine, "/tls/authority.pem", authority.cert_pem.bytes())
    put(machine, "/tls/stranger.pem", trustme.CA().cert_pem.bytes())
    return machine


@pytest.fixture
def ask(certified: Container) -> Ask:
    """Ask a local server over TLS, after nothing but this bundle was installed."""

    def ask(bundle: str | None, **env: str) -> dict[str, Any]:
        install = f"mkdir -p $(dirname {bundle}) && cp /tls/authority.pem {bundle}" if bundle else "true"
        execute(certified, "sh", "-c", f"rm -rf /etc/ssl /etc/pki; {install}")
        return dict(
            json.loads(execute(certified, "/prt/bin/python", "-I", "-c", probe("tls"), "/tls/server.pem", **env))
        )

    return ask


@pytest.mark.parametrize("bundle", BUNDLES)
def test_the_systems_authorities_are_trusted_wherever_it_keeps_them(ask: Ask, bundle: str) -> None:
    assert ask(bundle) == {"authorities": 1, "trusted": True, "environment_changed": False}


def test_a_server_is_refused_where_no_authority_is_installed(ask: Ask) -> None:
    assert ask(None) == {"authorities": 0, "trusted": False, "environment_changed": False}


def test_SSL_CERT_FILE_names_the_authorities(ask: Ask) -> None:  # noqa: N802  # the variable's name
    assert ask(None, SSL_CERT_FILE="/tls/authority.pem")["trusted"]
    assert not ask(BUNDLES[0], SSL_CERT_FILE="/tls/stranger.pem")["trusted"]


def test_an_openssl_cnf_of_another_openssl_does_no_harm(certified: Container) -> None:
    for folder in ("/etc/ssl", "/usr/lib/ssl", "/etc/pki/tls"):
        put(certified, f"{folder}/openssl.cnf", POISON.encode())
    assert execute(certified, "/prt/bin/python", "-c", USES_TLS) == "fine\n"


def test_an_openssl_cnf_of_our_own_counts(certified: Container) -> None:
    put(certified, "/etc/prt/ssl/openssl.cnf", POISON.encode())
    code, _ = certified.exec_run(["/prt/bin/python", "-c", USES_TLS])
    execute(certified, "rm", "/etc/prt/ssl/openssl.cnf")
    assert code != 0
