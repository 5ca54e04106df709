"""What the text of a setting may be: each parser returns the value or raises ValueError with what is wrong."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TypeVar
from urllib.parse import urlsplit

from builder.versions import branch

E = TypeVar("E", bound=StrEnum)

# Where a runtime must never be installed: a build empties PRT_ROOT, and removing the package removes it.
# The system's own folders with all below them, and folders that many share.
_SYSTEM = re.compile(r"/(bin|boot|dev|etc|lib\w*|proc|run|sbin|sys|usr(?!/local/)|var)(/.*)?")
_SHARED = re.compile(
    r"/|/(home|media|mnt|opt|root|srv|tmp)|/home/[^/]+"
    r"|/usr/local/(bin|etc|games|include|lib|man|sbin|share|src)(/.*)?"
)


_LONGEST = 4096  # characters
PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----"  # how one begins


def without_credentials(text: str) -> str:
    """A text that may be shown: what is before the @ of a URL is a password, or a token; in ssh a user's name."""
    return re.sub(r"(?<!ssh)://[^/\s]*@|(?<=ssh)://[^/\s:@]*:[^/\s]*@", "://****@", text)


def place(text: str) -> str:
    """A URL, or a folder. Where a user and a password end must be certain, because they are never shown."""
    if re.search(r"://[^/\s@]*[/\s].*@", text):
        raise ValueError("must have every @, / and blank of its user, password and path as %40, %2F and %20")
    return text


def matching(pattern: str, problem: str) -> Callable[[str], str]:
    """A parser that takes a text that matches, as it is; `problem` says what it must be."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(problem)
        return text

    return parse


def one_of(choices: type[E]) -> Callable[[str], E]:
    """A parser that takes the values of an enum."""
    *others, last = choices

    def parse(text: str) -> E:
        try:
            return choices(text)
        except ValueError:
            raise ValueError(f"must be {', '.join(others)} or {last}") from None

    return parse


def one_line(text: str) -> str:
    """What any setting may be: a line of characters that can be seen. Nothing else can begin a new field or header."""
    if len(text) > _LONGEST:
        raise ValueError(f"has more than {_LONGEST} characters")
    if not text.isprintable():
        hidden = next(character for character in text if not character.isprintable())
        raise ValueError(f"must be one line of printable characters, without U+{ord(hidden):04X}")
    return text


def switch(text: str) -> bool:
    """1 or 0, in the spellings of make and CI."""
    known = {"1": True, "yes": True, "true": True, "on": True, "": False, "0": False, "no": False, "false": False}
    if text.lower() not in {*known, "off"}:
        raise ValueError("must be 1 or 0")
    return known.get(text.lower(), False)


def prt_root(text: str) -> PurePosixPath:
    """A folder that a build may empty and a package's removal may remove."""
    if not re.fullmatch(r"(/[A-Za-z0-9][A-Za-z0-9._+-]*)+/?", text):
        raise ValueError("must be an absolute path of letters, digits and . _ + -")
    path = PurePosixPath(text)
    if _SYSTEM.fullmatch(str(path)) or _SHARED.fullmatch(str(path)):
        raise ValueError("belongs to the whole system; the runtime needs a folder of its own")
    return path


def python_versions(text: str) -> str:
    """Versions of CPython, separated by blanks, of which no two are of one series and flavour."""
    versions = text.split()
    if not versions or not all(re.fullmatch(r"3\.\d+(\.\d+)?((a|b|rc)\d+)?t?d?", one, re.ASCII) for one in versions):
        raise ValueError("must be a CPython version, such as 3.14.7, or 3.14 for its newest patch, or several")
    twice = [name for name, number in Counter(map(branch, versions)).items() if number > 1]
    if twice:
        raise ValueError(f"has {twice[0]} twice; each of several is named by its series")
    return " ".join(versions)


def existing_file(text: str) -> Path | None:
    """A file that is there, or none."""
    if text and not os.path.isfile(text):  # which raises nothing, whatever the text
        raise ValueError("no such file")
    return Path(text).absolute() if text else None


def key_or_file(text: str) -> str:
    """A private key of OpenSSH, which has several lines, or the path of a file that is there."""
    if text.strip().startswith(PRIVATE_KEY) and len(text) <= _LONGEST:
        return text.strip()
    try:
        path = existing_file(one_line(text))
    except ValueError:
        raise ValueError("must be the file of a private key, or, in the environment, the key itself") from None
    return str(path or "")


def server(text: str) -> str:
    """The base of a web server, without what is not part of a place: credentials, query, fragment."""
    url = urlsplit(place(text))
    if text and not (url.scheme in {"http", "https"} and url.hostname and text.isprintable() and " " not in text):
        raise ValueError("must be http://host/path or https://host/path")
    if "@" in url.netloc:
        raise ValueError("must not hold credentials: CACHE_USER and CACHE_PASSWORD, CACHE_TOKEN or netrc do")
    if "?" in text or "#" in text:
        raise ValueError("must not have a query or a fragment")
    return text.rstrip("/")


def count(text: str) -> int:
    """A number of things, at least one."""
    if not re.fullmatch(r"[1-9][0-9]*", text):
        raise ValueError("must be a number, 1 or more")
    return int(text)


def size(text: str) -> int:
    """A number of bytes."""
    found = re.fullmatch(r"(\d{1,9})([MGT])", text)
    if not found:
        raise ValueError("must be a number and M, G or T, such as 10G")
    return int(found[1]) * {"M": 10**6, "G": 10**9, "T": 10**12}[found[2]]
