"""What settings with few values can be: each value as it is written."""

from __future__ import annotations

from enum import StrEnum


class Compile(StrEnum):
    """How the interpreter is compiled: cross-compiled on the build machine, or as the target."""

    ACROSS = "across"
    IN_PLACE = "in-place"


class Libraries(StrEnum):
    """Whose libraries CPython links against: pinned ones that go inside, or the distribution's."""

    BUNDLED = "bundled"
    SYSTEM = "system"


class LineEditor(StrEnum):
    """What edits lines at the prompt."""

    LIBEDIT = "libedit"
    READLINE = "readline"


class Profile(StrEnum):
    """Where the profile of an optimised build comes from."""

    KEPT = "kept"
    TRAIN = "train"


class EngineChoice(StrEnum):
    """The engine that is asked for; AUTO takes the first that works."""

    AUTO = "auto"
    DOCKER = "docker"
    SANDBOX = "sandbox"
    HOST = "host"


class Signing(StrEnum):
    """What signatures count where something is read: none, those that are there, or nothing without one."""

    OFF = "off"
    PREFER = "prefer"
    REQUIRE = "require"


class CacheMode(StrEnum):
    """What the cache may do; REFRESH builds again, replaces and publishes."""

    OFF = "off"
    LOCAL = "local"
    READ = "read"
    READ_WRITE = "read-write"
    REFRESH = "refresh"
