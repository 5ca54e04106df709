"""The latest release tag, and the Python version a request means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from builder.errors import UserError
from builder.versions import latest_tag, minor, resolve_python

RELEASED = ["v13rc1", "v13", "v9", "v10"]
KNOWN = "3.12.9 3.12.10 3.13.0rc1 3.13.0 3.13.5 3.13.6rc1 3.13.5t 3.13.6t 3.13.5d 3.14.0b2 3.14.0rc1 3.14.0a7".split()


@pytest.mark.parametrize(
    ("tags", "latest"),
    [
        (RELEASED, "v13"),
        ([*RELEASED, "v14rc1"], "v13"),
        ([*RELEASED, "v14rc1", "v14"], "v14"),
        (["v14rc1"], "v14rc1"),
        (["v14rc9", "v14rc10", "v14b11"], "v14rc10"),
        (["v1.9", "v1.10", "v1.10.dev3"], "v1.10"),
        (["v1", "v1.post1"], "v1.post1"),
        (["v13", "14", "release-15", "vNext", "v"], "v13"),
        (["nightly", "15"], None),
        (["v13", "v14_1", "v14.post_1"], "v13"),
        (["v14_1"], None),
        ([], None),
    ],
)
def test_the_latest_tag_is_the_highest_final_else_the_highest_at_all(tags: list[str], latest: str | None) -> None:
    assert latest_tag(tags) == latest
    assert latest_tag(reversed(tags)) == latest


_tags = st.builds(
    lambda release, rest: "v" + ".".join(map(str, release)) + rest,
    st.lists(st.integers(0, 20), min_size=1, max_size=3),
    st.sampled_from(["", "", "rc1", "b2", ".dev1", ".post1"]),
)


@given(st.lists(_tags, min_size=1), st.lists(st.text(max_size=5).map("x".__add__)))
def test_the_latest_tag_is_no_lower_than_any_other_final_one(tags: list[str], others: list[str]) -> None:
    latest = Version(str(latest_tag([*others, *tags])))
    finals = [Version(tag) for tag in tags if not Version(tag).is_prerelease]
    assert all(latest >= final for final in finals)
    assert latest.is_prerelease is not bool(finals)


@given(st.lists(_tags, min_size=1))
def test_the_latest_tag_is_one_of_the_tags_in_any_order(tags: list[str]) -> None:
    latest = latest_tag(tags)
    other = latest_tag(sorted(tags))
    assert latest in tags
    assert other is not None
    assert Version(other) == Version(str(latest))


@pytest.mark.parametrize(
    ("version", "expected"),
    [("3.13.5", "3.13"), ("3.13", "3.13"), ("3.13.5t", "3.13"), ("3.13td", "3.13"), ("3.14.0rc1", "3.14")],
)
def test_the_minor_version_has_two_numbers(version: str, expected: str) -> None:
    assert minor(version) == expected


@pytest.mark.parametrize(
    ("wanted", "exact", "newest"),
    [
        ("3.13.5", "3.13.5", "3.13.5"),
        ("3.13.0", "3.13.0", "3.13.5"),
        ("3.12.9", "3.12.9", "3.12.10"),
        ("3.13", "3.13.5", "3.13.5"),
        ("3.12", "3.12.10", "3.12.10"),
        ("3.13.5t", "3.13.5t", "3.13.6t"),
        ("3.13t", "3.13.6t", "3.13.6t"),
        ("3.13d", "3.13.5d", "3.13.5d"),
        ("3.14", "3.14.0rc1", "3.14.0rc1"),
        ("3.14.0b2", "3.14.0b2", "3.14.0rc1"),
        ("3.13.0rc1", "3.13.0rc1", "3.13.5"),
    ],
)
def test_a_wish_means_one_exact_version(wanted: str, exact: str, newest: str) -> None:
    assert resolve_python(wanted, KNOWN) == (exact, newest)
    assert resolve_python(wanted, reversed(KNOWN)) == (exact, newest)


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("3.13.9", "known: 3.13.0rc1, 3.13.0, 3.13.5, 3.13.6rc1;"),
        ("3.12.9t", "known: 3.13.5t, 3.13.6t;"),
        ("3.13.7t", "known: 3.13.5t, 3.13.6t;"),
        ("3.99", "known: 3.12.9, 3.12.10, 3.13.0rc1, 3.13.0, 3.13.5, 3.13.6rc1, 3.14.0a7, 3.14.0b2, 3.14.0rc1;"),
        ("3.14.0", "known: 3.14.0a7, 3.14.0b2, 3.14.0rc1;"),
    ],
)
def test_an_unknown_version_is_refused_and_the_known_ones_are_named(wanted: str, hint: str) -> None:
    with pytest.raises(UserError, match=f"^PYTHON_VERSION={wanted}: ") as refused:
        resolve_python(wanted, KNOWN)
    assert refused.value.hint.startswith(hint)
    assert "PYENV_ROOT" in refused.value.hint
    assert "pins.toml" in refused.value.hint


def test_where_no_version_is_known_the_hint_says_so() -> None:
    with pytest.raises(UserError) as refused:
        resolve_python("3.13t", ["3.13.5"])
    assert refused.value.hint.startswith("known: none;")


def test_names_that_are_no_version_are_passed_over() -> None:
    assert resolve_python("3.13", ["patches", "3.13-dev", "3.13.1"]) == ("3.13.1", "3.13.1")
