"""Who tries it first: a user without rights and without Docker, who has Python and coreutils and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.support.checkout import Checkout, Run
from tests.support.patches import patched_copy

USER = "prt-newcomer"
_KEPT = ("PIP_", "SSL_", "REQUESTS_")  # how this machine reaches its index


@dataclass(frozen=True)
class Newcomer:
    """The clone, in a folder whose name is awkward, and all that is on PATH."""

    checkout: Checkout
    path: str
    rights: dict[str, Any]

    def nox(self, *args: str, **env: str) -> Run:
        """Run the start script to its end, as that user."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
        own = {"HOME": str(self.checkout.root.parent), "PATH": self.path, **self.checkout.env}
        done = subprocess.run(
            [self.checkout.root / "nox", *args], **self.rights, text=True, encoding="utf-8",
            cwd=self.checkout.root, env={**kept, **own, **env},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        return Run(done.returncode, done.stdout)


@contextmanager
def newcomers_clone() -> Iterator[Newcomer]:
    """A clone of this checkout, with the recipe under test; the user is gone afterwards, with all it has.

    A user without the right to make users is one already.
    """
    if os.geteuid():
        with tempfile.TemporaryDirectory() as folder:
            yield Newcomer(_clone(Path(folder)), os.environ["PATH"], {})
        return
    subprocess.run(["useradd", "--create-home", USER], check=True)
    home = Path(f"~{USER}").expanduser()
    try:
        newcomer = Newcomer(_clone(home), _path(home), {"user": USER, "group": USER, "extra_groups": []})
        subprocess.run(["chown", "--recursive", f"{USER}:{USER}", home], check=True)
        yield newcomer
    finally:
        subprocess.run(["userdel", "--remove", USER], check=True, capture_output=True)


def _clone(home: Path) -> Checkout:
    root = home / "a clone für uns"
    root.mkdir()
    checkout = patched_copy(root)
    shutil.rmtree(root / ".git", ignore_errors=True)  # there is no git on PATH, and none is needed
    # The engine is the one that a build finds by itself.
    return replace(checkout, env={name: value for name, value in checkout.env.items() if name != "ENGINE"})


def _path(home: Path) -> str:
    """A folder of Python and coreutils, and nothing else."""
    path = home / "bin"
    path.mkdir()
    listed = subprocess.run(["dpkg", "--listfiles", "coreutils"], check=True, capture_output=True, text=True).stdout
    for program in listed.split():
        if Path(program).parent.name == "bin" and Path(program).is_file():
            (path / Path(program).name).symlink_to(program)
    (path / "python3").symlink_to("/usr/bin/python3")
    return str(path)
