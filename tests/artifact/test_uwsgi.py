"""A server in C that embeds Python, compiled by a recipe, serves at PRT_ROOT and in another folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.targets import Arch
from tests.support.checkout import Checkout
from tests.support.container import execute, put, with_artifact
from tests.support.patches import patched_copy

# Under emulation it compiles for a quarter of an hour.
REQUIREMENTS = 'uWSGI==2.0.31; platform_machine == "x86_64"\n--no-binary uWSGI\n'
APPLICATION = b"""
import os, sys
def application(environment, start_response):
    start_response("200 OK", [])
    return [os.fsencode(sys.prefix)]
"""
ASK = "import urllib.request; print(urllib.request.urlopen('http://{address}').read().decode())"


@pytest.fixture(scope="module")
def tarball(docker_checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runtime with uWSGI."""
    checkout = patched_copy(tmp_path_factory.mktemp("uwsgi"))
    checkout.take_cache(docker_checkout)
    checkout.write("recipes/runtime/requirements/20-uwsgi.txt", REQUIREMENTS)
    checkout.nox("lock").succeeds()
    checkout.nox("runtime-x86").succeeds()
    return checkout.out / "prt_v0_amd64.tgz"


def test_uwsgi_from_source_serves_wherever_the_runtime_is(tarball: Path) -> None:
    with with_artifact(tarball, Arch.AMD64, network="none") as container:
        put(container, "/app.py", APPLICATION)
        for root, address in (("/prt", "127.0.0.1:9191"), ("/opt/a b/ü", "127.0.0.1:9192")):
            execute(container, "sh", "-c", f"mkdir -p '/opt/a b'; test -d '{root}' || mv /prt '{root}'")
            server = (f"{root}/bin/uwsgi", f"--http-socket={address}", "--wsgi-file=/app.py", "--daemonize=/log")
            execute(container, *server)
            assert execute(container, f"{root}/bin/python3", "-c", ASK.format(address=address)) == f"{root}\n"
