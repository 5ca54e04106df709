"""Who we are to the cache's server: a token, a user with a password, or netrc; never sent to a plain http server."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from builder.errors import UserError
from builder.inputs.settings import Settings


@dataclass(frozen=True)
class Credentials:
    """What is sent with every request; `source` says in words where it came from."""

    source: str = "no credentials"
    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)


NOBODY = Credentials()


def chosen(settings: Settings, netrc: tuple[str, str] | None) -> Credentials:
    """The credentials for CACHE_URL; `netrc` is what that file has for it.

    UserError if they were sent over plain http to another machine, where anybody on the way reads them.
    """
    safe = settings.cache_url.startswith("https:") or is_loopback(settings.cache_url)
    found = NOBODY
    if settings.cache_token:
        found = Credentials("CACHE_TOKEN", token=settings.cache_token)
    elif settings.cache_user or settings.cache_password:
        found = Credentials("CACHE_USER and CACHE_PASSWORD", user=settings.cache_user, password=settings.cache_password)
    if not safe and found is not NOBODY:
        raise UserError(
            f"{found.source} would go over plain http to {settings.cache_url}",
            "use https in CACHE_URL, or unset the credentials: reading may need none",
        )
    if found is NOBODY and netrc and safe:
        found = Credentials("netrc", user=netrc[0], password=netrc[1])
    return found


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine itself: nobody else reads what is sent there, unless it goes to a proxy."""
    host = (urlsplit(url).hostname or "").removesuffix(".")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
