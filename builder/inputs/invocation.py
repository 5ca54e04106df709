"""Where a build runs, as its environment says: on GitHub Actions, or on somebody's machine.

https://docs.github.com/en/actions/reference/workflows-and-actions/variables
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Runner(StrEnum):
    """Whose machine runs a build: GitHub's, somebody's that runs jobs of GitHub Actions, or just somebody's."""

    GITHUB_HOSTED = "github-hosted"
    SELF_HOSTED = "self-hosted"
    MACHINE = "machine"


@dataclass(frozen=True)
class Invocation:
    """A run. `checkout` is where its commit is from, such as `git+https://github.com/octocat/x@refs/tags/v1`, and `run`
    is its own address; both are empty where nobody says so.
    """

    runner: Runner = Runner.MACHINE
    checkout: str = ""
    run: str = ""


def read(environ: Mapping[str, str]) -> Invocation:
    """What the environment says. Nothing proves it: anybody can set these variables."""
    if not environ.get("GITHUB_ACTIONS"):
        return Invocation()
    hosted = environ.get("RUNNER_ENVIRONMENT") == Runner.GITHUB_HOSTED
    runner = Runner.GITHUB_HOSTED if hosted else Runner.SELF_HOSTED
    names = ("SERVER_URL", "REPOSITORY", "REF", "RUN_ID", "RUN_ATTEMPT")
    server, repository, ref, number, attempt = (environ.get(f"GITHUB_{name}", "") for name in names)
    if not (server and repository and ref and number and attempt):
        return Invocation(runner)
    home = f"{server}/{repository}"
    return Invocation(runner, f"git+{home}@{ref}", f"{home}/actions/runs/{number}/attempts/{attempt}")
