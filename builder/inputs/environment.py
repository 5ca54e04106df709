"""The environment: the only module that reads it, and takes the secrets out of it."""

from __future__ import annotations

import os

from builder import secrecy
from builder.inputs.parsers import without_credentials
from builder.inputs.settings import BY_NAME

_LOGINS = ("HOME", "NETRC", "PATH", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND")
_concealed: dict[str, str] = {}


def whole_environment() -> dict[str, str]:
    """The environment this process was started with, secrets included."""
    return {**os.environ, **_concealed}


def logins() -> dict[str, str]:
    """The variables by which the user's own programs find the user's logins, and those programs."""
    return {name: text for name, text in whole_environment().items() if name in _LOGINS}


def conceal_secrets() -> None:
    """Take settings that are or hold a secret out of the environment that others inherit, or see in /proc."""
    held = {name: os.environ[name] for name in BY_NAME.keys() & os.environ.keys()}
    secret = {name: text for name, text in held.items() if BY_NAME[name].secret or without_credentials(text) != text}
    _concealed.update(secret)
    for name in secret:
        del os.environ[name]
    secrecy.conceal(secret)
