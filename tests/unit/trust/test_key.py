"""The key that signs: from a file or the environment; any other is refused, and no message shows anything of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from builder.errors import UserError
from builder.inputs import settings as all_settings
from builder.trust.key import load
from tests.support.factories import settings
from tests.support.signing import key_of, private_text, public_text

KEY = key_of(1)
TEXT = private_text(KEY)


def loaded(folder: Path, value: str) -> Ed25519PrivateKey | None:
    """The key that the setting gives."""
    return load(settings(folder, PRT_SIGNING_KEY=value).signing_key)


def same(one: Ed25519PrivateKey | None) -> bool:
    """Whether it is our key."""
    return one is not None and one.public_key() == KEY.public_key()


def test_without_the_setting_there_is_no_key(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") is None


@pytest.mark.parametrize("text", [TEXT, TEXT.strip(), f"\n{TEXT}\n", TEXT.replace("\n", "\r\n")])
def test_the_environment_may_have_the_key_itself(tmp_path: Path, text: str) -> None:
    assert same(loaded(tmp_path, text))


def test_or_the_place_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(TEXT)
    assert same(loaded(tmp_path, str(tmp_path / "key")))


@pytest.mark.needs("ssh-keygen")
def test_a_key_that_openssh_has_made_is_taken(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    assert loaded(tmp_path, str(tmp_path / "key"))


RSA = generate_private_key(65537, 2048)
PHRASE = BestAvailableEncryption(b"phrase")
REFUSED = {
    "has a passphrase": KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, PHRASE).decode(),
    "is not an Ed25519 key": RSA.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode(),
    "is not a private key of OpenSSH": KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    "is not a private key": public_text(KEY),
    "can't be read": "x" * 20_000,
}


@pytest.mark.parametrize("said", REFUSED)
def test_a_file_with_any_other_key_is_refused(tmp_path: Path, said: str) -> None:
    (tmp_path / "key").write_text(REFUSED[said])
    with pytest.raises(UserError, match=f"^SIGNING_KEY {said}.*\n  → make one") as refused:
        loaded(tmp_path, str(tmp_path / "key"))
    assert refused.value.__context__ is None or refused.value.__suppress_context__  # else a traceback would show more


def test_a_file_that_is_gone_meanwhile_or_cut_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="SIGNING_KEY can't be read: No such file"):
        load(str(tmp_path / "gone"))
    (tmp_path / "key").write_text(TEXT[:200])
    with pytest.raises(UserError, match="is not a private key of OpenSSH"):
        load(str(tmp_path / "key"))


@pytest.mark.parametrize("kind", ["fifo", "endless"])
def test_a_file_that_never_ends_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "key"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(UserError, match="must be the file of a private key"):
        loaded(tmp_path, str(path))
    with pytest.raises(UserError, match="can't be read: not a regular file"):
        load(str(path))


SECRET = TEXT.split("\n")[2]


@pytest.mark.parametrize("value", [TEXT[30:], TEXT.replace("OPENSSH ", ""), TEXT + "x" * 5000, "/no/such/file", "a\nb"])
def test_a_value_that_is_refused_is_not_shown(tmp_path: Path, value: str) -> None:
    with pytest.raises(UserError) as refused:
        loaded(tmp_path, value)
    assert str(refused.value) == (
        "SIGNING_KEY=**** (environment): must be the file of a private key, or, in the environment, the key itself"
    )


def test_the_key_is_shown_nowhere_else_either(tmp_path: Path) -> None:
    found = settings(tmp_path, SIGNING_KEY=TEXT)
    row = all_settings.BY_NAME["SIGNING_KEY"]
    assert found.shown(row) == "****"
    assert SECRET not in repr(found) + repr(loaded(tmp_path, TEXT))


@pytest.mark.parametrize("start", ["SIGNING_KEY = ", "SIGNING_KEY = \\\n", ""])
def test_in_makefile_vars_the_key_itself_is_refused_and_not_shown(tmp_path: Path, start: str) -> None:
    for end in ("=", "==", " = x", ":=y"):
        text = TEXT.replace("\n-----END", f"{end}\n-----END")
        (tmp_path / "Makefile.vars").write_text(start + text)
        with pytest.raises(UserError) as refused:
            settings(tmp_path)
        assert not [one for one in text.split("\n")[1:-2] if one[:16] in str(refused.value)]
