"""Where a build runs: on GitHub Actions only where the environment says so."""

from __future__ import annotations

import pytest

from builder.inputs.invocation import Invocation, Runner, read
from tests.support.github import GITHUB


def test_a_job_of_github_is_known_by_its_address() -> None:
    checkout, run = (
        "git+https://github.com/octocat/hello@refs/tags/v1",
        "https://github.com/octocat/hello/actions/runs/17/attempts/2",
    )
    assert read(GITHUB) == Invocation(Runner.GITHUB_HOSTED, checkout, run)


@pytest.mark.parametrize("environment", ["self-hosted", "", "github"])
def test_a_runner_is_githubs_own_only_where_it_says_so(environment: str) -> None:
    assert read({**GITHUB, "RUNNER_ENVIRONMENT": environment}).runner is Runner.SELF_HOSTED


@pytest.mark.parametrize("name", [name for name in GITHUB if name.startswith("GITHUB_") and "ACTIONS" not in name])
def test_an_address_with_a_gap_is_none(name: str) -> None:
    assert read({**GITHUB, name: ""}) == Invocation(Runner.GITHUB_HOSTED)


def test_elsewhere_it_is_somebodys_machine() -> None:
    assert read({name: text for name, text in GITHUB.items() if name != "GITHUB_ACTIONS"}) == Invocation()
    assert Invocation().runner is Runner.MACHINE
