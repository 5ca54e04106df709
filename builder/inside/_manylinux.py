"""Says which wheels pip may install: none for a newer C library than MANYLINUX_FLOOR names. See PEP 600."""

import os


def manylinux_compatible(major: int, minor: int, arch: str) -> bool:
    """Whether a wheel for glibc major.minor may be installed."""
    floor = os.environ["MANYLINUX_FLOOR"].split(".")
    return (major, minor) <= (int(floor[0]), int(floor[1]))
