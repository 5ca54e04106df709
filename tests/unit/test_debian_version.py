"""PEP 440 to Debian: the order is kept, as the real dpkg sees it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from packaging.version import Version

from builder.errors import UserError
from builder.versions import debian_version

needs_dpkg = pytest.mark.needs("dpkg")


@pytest.mark.parametrize(
    ("given_version", "expected"),
    [
        ("v0", "0"),
        ("v13", "13"),
        ("v13.0.0", "13"),
        ("1.10.0", "1.10"),
        ("v14rc1", "14~rc1"),
        ("1.0a2.dev3", "1~a2~~dev3"),
        ("2.0.post1", "2+post1"),
        ("2.0-1", "2+post1"),
        ("3.dev2", "3~~dev2"),
        ("1!2.0", "1:2"),
        ("1.2+local.7", "1.2+local.7"),
    ],
)
def test_each_part_has_its_spelling(given_version: str, expected: str) -> None:
    assert debian_version(given_version) == expected


@pytest.mark.parametrize("text", ["nightly", "v13-4-gdeadbee-x", "1:2.0", "2~beta", "1.0+", ""])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=rf"^PACKAGE_VERSION={text.replace('+', '.')}: no version"):
        debian_version(text)


@pytest.mark.parametrize("text", ["1+ubuntu1", "1+post", "1+p.1"])
def test_a_local_part_that_dpkg_would_put_above_a_post_release_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"newer than \.post1"):
        debian_version(text)


_number = st.integers(0, 30).map(str)


def _maybe(*forms: str) -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), *(_number.map(form.format) for form in forms))


# Small parts, so that pairs are often close to each other.
_versions = st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from(["", "", "1!"]),
    st.lists(_number, min_size=1, max_size=3).map(".".join),
    _maybe("a{}", "b{}", "rc{}"),
    _maybe(".post{}"),
    _maybe(".dev{}"),
    _maybe("+{}", "+1.{}", "+git{}", "+local.{}"),
)


def _dpkg(a: str, relation: str, b: str) -> bool:
    return not subprocess.run(["dpkg", "--compare-versions", a, relation, b], check=False).returncode


@needs_dpkg
@effort(max_examples=400, deadline=None)
@given(_versions, _versions)
def test_dpkg_orders_them_as_pep_440_does(one: str, other: str) -> None:
    a, b = Version(one), Version(other)
    # Two local parts of one version: dpkg's own rule.
    assume(Version(a.public) != Version(b.public) or not (a.local and b.local))
    mapped = debian_version(one), debian_version(other)
    assert _dpkg(mapped[0], "lt", mapped[1]) is (a < b)
    assert _dpkg(mapped[0], "eq", mapped[1]) is (a == b)


@needs_dpkg
@effort(max_examples=100, deadline=None)
@given(_versions)
def test_dpkg_takes_every_one_of_them(text: str) -> None:
    assert not subprocess.run(["dpkg", "--validate-version", debian_version(text)], check=False).returncode
