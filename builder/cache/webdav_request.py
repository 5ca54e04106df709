"""One request to a web server. Whatever the libraries below make of the URL, a header or the answer, it is Trouble."""

from __future__ import annotations

from typing import Any

import requests

from builder.cache.credentials import Credentials
from builder.cache.patience import Trouble
from builder.connections import Session


def netrc(url: str) -> tuple[str, str] | None:
    """User and password that the netrc file has for a URL."""
    try:
        return requests.utils.get_netrc_auth(url)
    except ValueError:  # a file that is not text, a URL without a host
        return None


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def authentication(who: Credentials) -> requests.auth.AuthBase | None:
    """The credentials, as a request carries them."""
    if who.token:
        return _Bearer(who.token)
    if who.user or who.password:
        return requests.auth.HTTPBasicAuth(who.user.encode(), who.password.encode())
    return None


def asked(session: Session, method: str, url: str, **options: Any) -> requests.Response:
    """The answer, whatever it is, of which the body is still to be read; Trouble if there is none."""
    try:
        return session.request(method, url, stream=True, allow_redirects=False, **options)
    except requests.exceptions.SSLError as problem:
        why = str(problem).rpartition("SSLError(")[2].strip("')\"")
        raise Trouble(
            "certificate", f"{url}: its certificate is not trusted ({why}); CA_BUNDLE names the right ones"
        ) from None
    except requests.Timeout:
        raise Trouble("timeout", f"{url} does not answer in time", passing=True) from None
    except requests.ConnectionError as problem:
        raise Trouble("unreachable", f"{url} can't be reached ({reason(problem)})", passing=True) from None
    except Exception as problem:
        # Of a URL, a header or an answer it can't work with, each library raises what it likes. The text may hold
        # what we sent: our credentials.
        raise Trouble("unexpected", f"{url} can't be asked ({reason(problem)})") from None


def reason(problem: BaseException) -> str:
    """The text of the innermost cause: what requests raises wraps what urllib3 raised for what happened."""
    inner: BaseException | None = problem
    while inner:
        problem, inner = inner, inner.__cause__ or inner.__context__
    return getattr(problem, "strerror", None) or type(problem).__name__
