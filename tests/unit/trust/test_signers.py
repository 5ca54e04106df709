"""Whose signatures are trusted: our answer is that of OpenSSH's own program, and each refusal says why."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.trust import signers
from builder.trust.signers import Untrusted, trusted
from builder.trust.sshsig import fingerprint, parsed, sign
from builder.trust.sums import NAMESPACE
from tests.support.signing import key_of, line, public_text, ssh_keygen_verifies

KEY, OTHER = key_of(1), key_of(2)
CONTENT = b"what was packed\n"
NOW = datetime.now(UTC)
NAME = fingerprint(KEY.public_key())


@pytest.fixture(autouse=True, params=["UTC", "America/New_York"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times without a zone are this machine's."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


def verdict(folder: Path, text: str, namespace: str = NAMESPACE) -> str:
    """Why a signature by KEY is not trusted now; empty if it is."""
    path = folder / signers.FILE
    path.write_text(text)
    try:
        trusted(signers.read(path), parsed(sign(KEY, CONTENT, namespace)), CONTENT, NAMESPACE, NOW)
    except Untrusted as problem:
        return str(problem)
    return ""


def day(days: int, form: str = "%Y%m%d") -> str:
    """A day from today, as this machine's zone has it."""
    return f"{NOW.astimezone() + timedelta(days=days):{form}}"


HOUR, PAST = "%Y%m%d%H%M", "whose key expired: it was trusted until "
CASES = {
    "plain": (line("releases", KEY), ""),
    "after a comment and an empty line": (f"# ours\n\n{line('releases', KEY)}", ""),
    "with a comment": (line("releases", KEY).replace("\n", " our key\n"), ""),
    "quoted": (line('"releases"', KEY), ""),
    "the second of two keys": (line("old", OTHER) + line("releases", KEY), ""),
    "for this purpose": (line("releases", KEY, f'namespaces="git,{NAMESPACE}"'), ""),
    "valid": (line("releases", KEY, f'valid-after="{day(-2)}",valid-before="{day(2)}"'), ""),
    "valid for hours": (line("releases", KEY, f'valid-after="{day(-1, HOUR)}",valid-before="{day(1, HOUR)}"'), ""),
    "expired, and trusted again": (line("old", KEY, f'valid-before="{day(-2)}"') + line("releases", KEY), ""),
    "no key": ("", "is by a key that is not trusted: SHA256:"),
    "another key": (line("releases", OTHER), f"is by a key that is not trusted: {NAME}"),
    "for another purpose": (line("releases", KEY, 'namespaces="git"'), "who is trusted for git only"),
    "expired": (line("releases", KEY, f'valid-before="{day(-1)}"'), f"is by releases ({NAME}), {PAST}"),
    "expired hours ago": (line("releases", KEY, f'valid-before="{day(-1, "%Y%m%d%H%M%S")}"'), PAST),
    "not valid yet": (line("releases", KEY, f'valid-after="{day(2)}"'), "whose key is trusted from "),
}


@pytest.mark.parametrize("case", CASES)
def test_a_key_is_trusted_or_the_reason_is_said(tmp_path: Path, case: str) -> None:
    text, said = CASES[case]
    found = verdict(tmp_path, text)
    assert said in found
    assert bool(said) == bool(found)


@pytest.mark.needs("ssh-keygen")
@pytest.mark.parametrize("case", [case for case in CASES if case != "no key"])
def test_openssh_says_the_same(tmp_path: Path, case: str) -> None:
    text, said = CASES[case]
    assert ssh_keygen_verifies(tmp_path, text, CONTENT, sign(KEY, CONTENT, NAMESPACE)) == (not said)


def test_a_time_with_z_is_utc_and_the_very_moment_still_counts(tmp_path: Path) -> None:
    path = tmp_path / signers.FILE
    path.write_text(line("releases", KEY, 'valid-after="20261129120000Z",valid-before="202612010000Z"'))
    (signer,) = signers.read(path)
    first, last = datetime(2026, 11, 29, 12, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    moment = timedelta(seconds=1)
    assert [bool(signer.objection(NAMESPACE, one)) for one in (first - moment, first, last, last + moment)] == [
        True, False, False, True,
    ]  # fmt: skip


def test_a_signature_for_another_purpose_is_not_one_for_this(tmp_path: Path) -> None:
    assert verdict(tmp_path, line("releases", KEY), "git") == "is for another purpose: git"


def test_a_signature_of_something_else_does_not_fit() -> None:
    signer = signers.Signer("releases", KEY.public_key())
    with pytest.raises(Untrusted, match=f"does not fit: it, or what releases .{re.escape(NAME)}. signed, was altered"):
        trusted([signer], parsed(sign(KEY, b"else", NAMESPACE)), CONTENT, NAMESPACE, NOW)


def test_without_a_file_nobody_is_trusted(tmp_path: Path) -> None:
    assert signers.read(tmp_path / "gone") == ()


WRONG = [
    "releases\n",
    public_text(KEY) + "\n",
    line("releases", KEY).replace("ssh-ed25519", "ssh-rsa"),
    line("releases", KEY)[:-9] + "\n",
    line("releases", KEY, "cert-authority"),
    line("releases", KEY, "valid-before"),
    line("releases", KEY, 'valid-before="tomorrow"'),
    line("releases", KEY, 'valid-before="20261301"'),
    line("releases", KEY, 'valid-before="2026120"'),
    line("releases", KEY, 'valid-before="00010101"'),
    line("releases", KEY, 'valid-before="２０２６１２０１"'),
    line("releases", KEY, 'valid-before="20261201",valid-before="20271201"'),
    line("releases", KEY, 'valid-before="20261201" namespaces="git"'),
    line("releases", KEY, "valid-before=20261201"),
    line("releases", KEY, 'namespaces=""'),
]


@pytest.mark.parametrize("text", WRONG)
def test_a_line_that_can_not_be_read_is_named_and_trusts_nobody(tmp_path: Path, text: str) -> None:
    path = tmp_path / signers.FILE
    path.write_text(line("other", OTHER) + text)
    with pytest.raises(UserError, match=rf"^{path}:2: .+\n  → each line is: NAME "):
        signers.read(path)


@pytest.mark.parametrize("content", [b"\xff", b"#" * (1 << 20) + b"#"])
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / signers.FILE
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"^{path} can't be read"):
        signers.read(path)


def test_a_line_of_any_length_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / signers.FILE
    path.write_text("x" + " a" * 500_000 + "\n")
    before = time.process_time()
    with pytest.raises(UserError):
        signers.read(path)
    assert time.process_time() - before < 5
    assert os.path.getsize(path) > 10**6
