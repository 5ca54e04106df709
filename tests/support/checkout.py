"""A copy of this checkout in a folder of its own, with what a user does in it: edit, run nox, look at out/."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.trust.sums import SIGNATURE, SUMS

ROOT = Path(__file__).parents[2]
_LEFT_BY_TOOLS = (".git", ".nox", "out", "Makefile.vars", "__pycache__", ".hypothesis", ".*_cache", ".coverage")


@dataclass(frozen=True)
class Run:
    """What a command printed (both streams), and its exit code."""

    code: int
    text: str

    def succeeds(self) -> str:
        """The text, if all went well."""
        assert self.code == 0, self.text
        return self.text

    def fails(self) -> str:
        """The text, if the command failed as a user should see it: no traceback."""
        assert self.code != 0, self.text
        assert "Traceback" not in self.text, self.text
        return self.text


@dataclass(frozen=True)
class Checkout:
    """A checkout; `env` is added to the environment of its commands."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        """ARTIFACT_DIR."""
        return self.root / "out"

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        """Start nox, in the environment the tests run in."""
        # A test run in the background of a shell has SIGINT ignored, and so would what it starts.
        command = ["env", "--default-signal=INT", sys.executable, "-m", "nox", "--script-mode=none", "-s", *args]
        return subprocess.Popen(
            command, cwd=self.root, env={**os.environ, **self.env, **env}, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip

    def nox(self, *args: str, **env: str) -> Run:
        """Run nox to its end."""
        process = self.start(*args, **env)
        text, _ = process.communicate(timeout=1800)
        return Run(process.returncode, text)

    def readme(self, *command: str) -> Run:
        """Run a command of the README as a user does, whose shell knows nothing of the nox that runs these tests."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("NOX_")}
        done = subprocess.run(
            command, cwd=self.root, env={**env, **self.env}, text=True, capture_output=True, check=False
        )
        return Run(done.returncode, done.stdout + done.stderr)

    def write(self, name: str, text: str) -> None:
        """Write a file of the checkout."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def unlock(self) -> None:
        """Have no lock of the packages, and no own code, which needs one: a build resolves the requirements."""
        runtime = self.root / "recipes" / "runtime"
        for path in (*runtime.parent.glob("*/pylock.toml"), runtime / "checks" / "20-own.py"):
            path.unlink(missing_ok=True)
        for folder in ("packages", "builds"):
            shutil.rmtree(runtime / folder)

    def take_cache(self, other: Checkout) -> None:
        """Have the cache of another checkout, by hard links; none of its artifacts counts as built here."""
        left_out = shutil.ignore_patterns("artifacts", "roots")
        shutil.copytree(other.out / "cache", self.out / "cache", copy_function=os.link, ignore=left_out)
        # Root file systems notice a hard link more: they are shared as they are.
        (other.out / "cache" / "roots").mkdir(exist_ok=True)
        (self.out / "cache" / "roots").symlink_to(other.out / "cache" / "roots")

    def artifacts(self) -> list[str]:
        """The names of the artifacts in ARTIFACT_DIR."""
        files = self.out.iterdir() if self.out.is_dir() else ()
        others = {"cache-stats.json", SUMS, SIGNATURE}
        return sorted(path.name for path in files if path.is_file() and path.name not in others)

    def half_written(self) -> list[str]:
        """Artifacts that no record vouches for."""
        return [name for name in self.artifacts() if not (self.out / "cache" / "artifacts" / f"{name}.json").is_file()]

    def manifest(self, name: str) -> dict[str, Any]:
        """A manifest, read."""
        return dict(json.loads((self.out / name).read_text()))

    def provenance(self, name: str) -> dict[str, Any]:
        """A provenance, read, without what differs between engines: the name, and the manifest, which has it too."""
        found = dict(json.loads((self.out / name).read_text()))
        found["subject"] = [one for one in found["subject"] if not one["name"].endswith(".manifest.json")]
        del found["predicate"]["buildDefinition"]["internalParameters"]["engine"]
        return found


def copy_of_this(folder: Path, **env: str) -> Checkout:
    """Copy what git would clone, with uncommitted changes, into a new repository; builds there are not optimised.

    Without git, everything is copied but what builds and tools leave, and there is no repository.
    """
    # One system is enough to prove a package on, but where a test is about more.
    copy = Checkout(folder, {"OPTIMIZE": "0", "PYENV_ROOT": "", "TEST_IMAGE": "bookworm", **env})
    if not shutil.which("git") or not (ROOT / ".git").exists():
        shutil.copytree(ROOT, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_LEFT_BY_TOOLS))
        return copy
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for args in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "-m", "copy"],
    ):
        subprocess.run(["git", *args], cwd=folder, check=True)
    return copy
