"""How this machine reaches the network: CA bundle, proxies and pip's index settings.

They reach the steps that download and nothing else: no image, artifact, key or log holds them.
"""

from __future__ import annotations

import base64
import configparser
import os
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from builder.errors import UserError
from builder.inputs.parsers import place, without_credentials

_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
_PIP_OPTIONS = (
    "index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "proxy", "default-timeout", "timeout",
    "retries",
)  # fmt: skip
_PIP_PLACES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")
_SHORTEST_SECRET = 4  # characters
_CA_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
_CA_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")


@dataclass(frozen=True)
class Network:
    """`proxies` are the proxy variables as this machine has them, `pip` are PIP_* variables."""

    ca_bundle: Path | None
    proxies: Mapping[str, str]
    pip: Mapping[str, str]
    secrets: tuple[str, ...] = field(default=(), repr=False)  # of the cache, in every form they travel in

    def environment(self, ca_bundle: str | None) -> dict[str, str]:
        """The variables of a step that downloads; `ca_bundle` is the bundle's path where that step runs."""
        lower = {name.lower(): value for name, value in self.proxies.items()}
        upper = {name.upper(): value for name, value in self.proxies.items()}
        trust = dict.fromkeys(_CA_VARIABLES, ca_bundle) if ca_bundle else {}
        return {**lower, **upper, **self.proxies, **self.pip, **trust}

    def from_elsewhere(self) -> Network:
        """The same without what only this machine's own processes can reach: folders and `file:` URLs."""
        far = {
            name: " ".join(
                word for word in value.split() if name not in _PIP_PLACES or re.match(r"(?!file:)\S+://", word)
            )
            for name, value in self.pip.items()
        }
        return replace(self, pip={name: value for name, value in far.items() if value})

    def redact(self, text: str) -> str:
        """The text without what is before the @ of a URL: a user's name and password, or a token.

        By itself a secret is looked for from four characters on: a shorter one is in many words by chance.
        """
        found = [*self.secrets]
        for value in " ".join((*self.proxies.values(), *self.pip.values())).split():
            user, at, _ = value.partition("://")[2].rpartition("@") if "://" in value else value.rpartition("@")
            found += (user, user.partition(":")[2]) if at else ()
        for secret in sorted(found, key=len, reverse=True):
            text = text.replace(secret, "****") if len(secret) >= _SHORTEST_SECRET else text
        return without_credentials(text)


def read(environ: Mapping[str, str], ca_bundle: Path | None, secrets: tuple[str, ...] = ()) -> Network:
    """This machine's network settings; `ca_bundle` overrides the bundle the environment and the system name.

    UserError for a proxy that has characters no URL has.
    """
    proxies = {name: value for name, value in environ.items() if name.lower() in _PROXIES and value}
    for name, value in proxies.items():
        if not value.isprintable():
            raise UserError(f"environment: {name} has characters that no proxy's URL has", f"set {name} again")
    pip = _pip_settings(environ, _pip_files(environ))
    for name, value in (*proxies.items(), *pip.items()):
        for word in value.split() if name in pip else (value,):
            try:
                place(word)
            except ValueError as problem:
                raise UserError(f"{name}: {problem}", "as every URL writes them") from None
    return Network(ca_bundle or _host_bundle(environ), proxies, pip, secrets)


def forms(user: str, password: str, token: str) -> tuple[str, ...]:
    """Every form in which secrets may appear: as they are, within a URL, and as HTTP sends them."""
    plain = tuple(filter(None, (password, token)))
    basic = base64.b64encode(f"{user}:{password}".encode()).decode() if password else ""
    return (*plain, *(quote(one, safe="") for one in plain), *filter(None, (basic,)))


def _host_bundle(environ: Mapping[str, str]) -> Path | None:
    named = (environ[name] for name in _CA_VARIABLES if environ.get(name))
    default = ssl.get_default_verify_paths().cafile
    for candidate in (*named, *_CA_FILES, *([default] if default else [])):
        if os.path.isfile(candidate):  # which raises nothing, whatever the text
            return Path(candidate).absolute()
    return None


def _pip_files(environ: Mapping[str, str]) -> list[Path]:
    """pip's configuration files, least specific first: https://pip.pypa.io/en/stable/topics/configuration/"""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []
    home = Path(environ.get("HOME", "/"))
    folders = [Path(folder) / "pip" for folder in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")]
    files = [folder / "pip.conf" for folder in (*folders, Path("/etc"))]
    if named and os.path.exists(named):
        return [*files, Path(named)]
    own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return [*files, home / ".pip" / "pip.conf", own / "pip" / "pip.conf"]


def _pip_settings(environ: Mapping[str, str], files: Iterable[Path]) -> dict[str, str]:
    parser = _parser()
    try:
        parser.read(files)
    except (configparser.Error, UnicodeDecodeError) as problem:
        raise UserError(
            f"pip's configuration can't be read: {problem}", "fix it: pip itself can't read it either"
        ) from None
    return _variables(environ, parser)


def configured(pip_conf: bytes) -> dict[str, str]:
    """What a recipe's pip.conf, which was read as one before, says of indexes, as PIP_* variables."""
    parser = _parser()
    parser.read_string(pip_conf.decode())
    return _variables({}, parser)


def _parser() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.optionxform = lambda option: option.lower().replace("_", "-")  # type: ignore[assignment]  # as documented
    return parser


def _variables(environ: Mapping[str, str], parser: configparser.RawConfigParser) -> dict[str, str]:
    found: dict[str, str] = {}
    for option in _PIP_OPTIONS:
        name = "PIP_" + option.upper().replace("-", "_")
        configured = [parser.get(section, option, fallback="") for section in ("install", "global")]
        value = environ.get(name) or next(filter(None, configured), "")
        if value:
            found[name] = " ".join(value.split())
    return found
