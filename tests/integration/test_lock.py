"""Locks made by the real resolver from the index that pip uses, and what a build makes of them."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from builder.inputs import package_lock
from tests.support.checkout import Checkout, copy_of_this
from tests.support.hostile import Answer, hostile

RUNTIME = "recipes/runtime"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout in which nothing was built."""
    return copy_of_this(tmp_path)


def versions(checkout: Checkout, recipe: str = RUNTIME) -> dict[str, str]:
    """The releases that a lock has."""
    lock = package_lock.parse(Path("pylock.toml"), (checkout.root / recipe / "pylock.toml").read_bytes())
    return {one.name: str(one.version) for one in lock.content.packages}


def test_the_locks_of_the_example_fit_it_and_an_index_still_has_what_they_name(checkout: Checkout) -> None:
    shown = checkout.nox("lock").succeeds()
    assert f"{RUNTIME}/pylock.toml: unchanged" in shown
    assert "recipes/dev/pylock.toml: unchanged" in shown
    assert "recipes/dev/venvs/ansible/pylock.toml: unchanged" in shown
    assert "every package has a file for every platform" in shown


def test_a_requirement_more_is_refused_until_it_is_locked_and_what_was_locked_stays(checkout: Checkout) -> None:
    before = versions(checkout)
    checkout.write(f"{RUNTIME}/requirements/20-six.txt", "\ufeffsix  # any\r\n--no-binary PyYAML\r\n")
    shown = checkout.nox("runtime").fails()
    assert "pylock.toml was made for other requirements: + --no-binary PyYAML, + six  # any" in shown
    assert "nox -s lock" in shown
    assert "  + six " in checkout.nox("lock").succeeds()
    after = versions(checkout)
    assert {name: version for name, version in after.items() if name != "six"} == before
    assert before.items() <= versions(checkout, "recipes/dev").items()
    content = tomllib.loads((checkout.root / RUNTIME / "pylock.toml").read_text())
    (yaml,) = (one for one in content["packages"] if one["name"] == "pyyaml")
    assert "sdist" in yaml, "it is to be compiled"


def test_what_a_url_names_is_locked_by_its_digest_and_what_no_other_machine_has_is_refused(checkout: Checkout) -> None:
    wheel = "six @ https://files.pythonhosted.org/packages/b7/ce/149a00dd41f10bc29e5921b496af8b574d8413afcd5e30dfa0ed46c2cc5e/six-1.17.0-py2.py3-none-any.whl"
    checkout.write(f"{RUNTIME}/requirements/20-six.txt", f"{wheel}\n")
    assert "every package has a file for every platform" in checkout.nox("lock").succeeds()
    checkout.write(f"{RUNTIME}/requirements/20-six.txt", "-e ./six\n")
    assert "a runtime has its own copy of everything" in checkout.nox("lock").fails()


@pytest.mark.needs("git")
def test_own_code_is_locked_with_what_builds_it_and_a_branch_that_moved_changes_nothing_until_it_may(
    checkout: Checkout, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    pyproject = '[project]\nname = "theirs"\nversion = "1.0"\n[build-system]\nrequires = ["flit_core<4"]\n'
    commits = [commit(repository, "pyproject.toml", pyproject)]
    checkout.write(f"{RUNTIME}/requirements/20-own.txt", f"theirs @ git+file://{repository}@main\n--no-binary idna\n")
    checkout.write(
        f"{RUNTIME}/packages/mine/setup.py", 'from setuptools import setup\nsetup(name="mine", version="1")\n'
    )
    assert "every package has a file for every platform" in checkout.nox("lock").succeeds()
    builds = checkout.root / RUNTIME / "builds"
    assert sorted(path.name for path in builds.iterdir()) == [
        "pylock.idna.toml", "pylock.luhn.toml", "pylock.mine.toml", "pylock.theirs.toml",
    ]  # fmt: skip
    lock = checkout.root / RUNTIME / "pylock.toml"
    assert commits[0] in lock.read_text()
    commits.append(commit(repository, "more.py", "x = 1\n"))
    checkout.write(f"{RUNTIME}/packages/mine/mine.py", "x = 1\n")
    assert f"{RUNTIME}/pylock.toml: unchanged" in checkout.nox("lock").succeeds()
    checkout.nox("lock", "--", "--upgrade", "theirs").succeeds()
    assert commits[1] in lock.read_text()
    assert commits[1] in (checkout.root / "recipes/dev/pylock.toml").read_text()


def commit(repository: Path, name: str, content: str) -> str:
    """Commit a file of a repository, which is made if need be; its id."""
    repository.mkdir(exist_ok=True)
    (repository / name).write_text(content)
    who = ("-c", "user.name=t", "-c", "user.email=t@t")
    for args in (("init", "-q", "-b", "main"), ("add", "."), (*who, "commit", "-qm", "x")):
        subprocess.run(["git", *args], cwd=repository, check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_an_index_that_refuses_a_login_is_named_without_it(checkout: Checkout, tmp_path: Path) -> None:
    logins = tmp_path / "netrc"
    logins.write_text("machine 127.0.0.1 login me password topsecret\n")
    logins.chmod(0o600)
    checkout.write(f"{RUNTIME}/requirements/20-own.txt", "acme-own-thing\n")
    refusal = Answer(401, headers=("WWW-Authenticate: Basic realm=x",))
    with hostile(lambda method, path, before: refusal) as index:
        place = f"{index.url}/simple"
        shown = checkout.nox("lock", NETRC=str(logins), PIP_EXTRA_INDEX_URL=place).fails()
    assert any("authorization: basic" in head.lower() for head in index.heads), "the login was tried"
    assert (
        f"An index URL ({place}) could not be queried due to a lack of valid authentication credentials (401" in shown
    )
    assert "topsecret" not in shown


def test_what_excludes_each_other_is_named_and_the_locks_stay(checkout: Checkout) -> None:
    before = (checkout.root / RUNTIME / "pylock.toml").read_bytes()
    checkout.write(f"{RUNTIME}/requirements/20-old.txt", "pydantic==2.13.0\n")
    shown = checkout.nox("lock").fails()
    assert "pydantic==2.13.0" in shown
    assert "pydantic==2.14.3" in shown
    assert (checkout.root / RUNTIME / "pylock.toml").read_bytes() == before
