"""A recipe's policy of licenses is read, or refused with what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.inputs.license_policy import LicensePolicy, policy

FILE = Path("recipes/runtime/licenses.toml")


def test_a_policy_names_what_is_allowed_what_is_denied_and_what_metadata_lacks() -> None:
    found = policy(FILE, b'allowed = ["MIT"]\ndenied = ["GPL-3.0-only"]\n[named]\ntea = "MIT OR LicenseRef-tea"\n')
    assert found == LicensePolicy(("MIT",), ("GPL-3.0-only",), (("tea", "MIT OR LicenseRef-tea"),))
    assert json.loads(found.as_json)["named"] == {"tea": "MIT OR LicenseRef-tea"}


def test_without_a_file_there_is_no_policy() -> None:
    assert policy(FILE, None) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("allowed = 1", r"licenses\.toml: "),
        ("allowed = [1]", "1 is not a text"),
        ('allowed = ["Mit-1"]', "Mit-1 is not known to SPDX"),
        ('allowed = ["MIT AND"]', "MIT AND is not known to SPDX"),
        ('denied = ["GPL3"]', "GPL3 is not known to SPDX"),
        ('[named]\ntea = "free"', "free is not known to SPDX"),
        ("named = 1", r"licenses\.toml: "),
        ('permitted = ["MIT"]', "permitted is not part of it"),
        ("[[[", r"licenses\.toml: "),
    ],
)
def test_what_is_no_policy_is_refused(text: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        policy(FILE, text.encode())
