"""What a job of GitHub Actions finds in its environment."""

from __future__ import annotations

from typing import Any

GITHUB: dict[str, Any] = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "octocat/hello",
    "GITHUB_REF": "refs/tags/v1",
    "GITHUB_RUN_ID": "17",
    "GITHUB_RUN_ATTEMPT": "2",
    "RUNNER_ENVIRONMENT": "github-hosted",
}
