"""The interpreter keeps to its own tree: neither a user's packages nor the library of another Python gets in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from docker.models.containers import Container

from tests.support.container import execute
from tests.support.default_python import BINARY, LIB

ORIGIN = "import fastapi, site; print(site.ENABLE_USER_SITE, fastapi.__file__)"
STANDARD_LIBRARY = "import os, json; print(os.__file__, json.__file__)"
OWN = f"/prt/{LIB}/os.py /prt/{LIB}/json/__init__.py\n"


@pytest.fixture(scope="module")
def planted(amd64_machine: Container) -> Container:
    """The machine with a package in the user's home that the runtime has, too."""
    home = f"/root/.local/{LIB}/site-packages"
    execute(amd64_machine, "sh", "-c", f"mkdir -p {home} && touch {home}/fastapi.py")
    return amd64_machine


def test_a_package_in_the_users_home_does_not_replace_the_locked_one(planted: Container) -> None:
    expected = f"False /prt/{LIB}/site-packages/fastapi/__init__.py\n"
    assert execute(planted, "/prt/bin/python", "-c", ORIGIN) == expected


def test_it_would_if_the_tree_did_not_say_so(planted: Container) -> None:
    execute(planted, "mv", "/prt/no-user-site", "/tmp")
    found = execute(planted, "/prt/bin/python", "-c", ORIGIN)
    execute(planted, "mv", "/tmp/no-user-site", "/prt")
    assert found == f"True /root/.local/{LIB}/site-packages/fastapi.py\n"


def test_pip_installs_nothing_there(amd64_machine: Container) -> None:
    code, said = amd64_machine.exec_run(["/prt/bin/pip", "install", "--user", "--no-index", "x"])
    assert code == 1
    assert b"User site-packages are disabled for this Python" in said


@pytest.fixture(scope="module")
def with_another(amd64_machine: Container) -> Iterator[Container]:
    """The machine with the standard library of another Python of the series, and a link to ours next to it."""
    execute(amd64_machine, "cp", "-a", f"/prt/{LIB}", f"/usr/{LIB}")
    execute(amd64_machine, "ln", "-s", f"/prt/bin/{BINARY}", "/usr/local/bin/linked")
    yield amd64_machine
    execute(amd64_machine, "rm", "-r", f"/usr/{LIB}", "/usr/local/bin/linked")


def test_an_environment_made_through_a_link_has_our_standard_library(with_another: Container) -> None:
    execute(with_another, "linked", "-m", "venv", "--without-pip", "/tmp/linked")
    assert execute(with_another, "grep", "^home", "/tmp/linked/pyvenv.cfg") == "home = /usr/local/bin\n"
    assert execute(with_another, "/tmp/linked/bin/python", "-c", STANDARD_LIBRARY) == OWN


def test_where_no_link_leads_to_us_the_other_is_taken(with_another: Container) -> None:
    # What CPython does with links as well, without our patch. A copy does not know where it came from.
    execute(with_another, "linked", "-m", "venv", "--without-pip", "--copies", "/tmp/copied")
    assert execute(with_another, "/tmp/copied/bin/python", "-c", STANDARD_LIBRARY) == OWN.replace("/prt", "/usr")
