"""What a Python project is called, and what its build asks for: `[build-system] requires` of its pyproject.toml.

https://packaging.python.org/en/latest/specifications/pyproject-toml/
"""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.errors import UserError
from builder.inputs import toml
from builder.inputs.tarball import Tarball, Unreadable

PYPROJECT = "pyproject.toml"
# Of a project without one: https://peps.python.org/pep-0518/
_DEFAULT = ("setuptools>=40.8.0",)
_LARGEST, _LARGEST_ARCHIVE = 1 << 20, 1 << 30  # bytes: of a pyproject.toml, and of an archive, unpacked


def requires(pyproject: bytes | None, where: object) -> tuple[str, ...]:
    """The requirements of a build; UserError for a file that has none of the form that the standard wants."""
    if len(pyproject or b"") > _LARGEST:
        raise UserError(f"{where}: {PYPROJECT} has more than {_LARGEST:,} bytes", "no project says as much")
    try:
        system = toml.parsed(pyproject or b"").get("build-system", {"requires": [*_DEFAULT]})
        return tuple(str(Requirement(line)) for line in system["requires"])
    except ValueError as problem:
        raise UserError(
            f"{where}: {PYPROJECT}: {problem}", "correct this file: pip can't build the project either"
        ) from None
    except (AttributeError, KeyError, TypeError):
        raise UserError(f"{where}: {PYPROJECT}: [build-system] has no list `requires`", "name what builds it") from None


def name(pyproject: bytes | None) -> str | None:
    """The name that a pyproject.toml gives the project; None where only the build knows."""
    try:
        return canonicalize_name(toml.parsed(pyproject or b"")["project"]["name"])
    except (ValueError, KeyError, TypeError):
        return None


def of_archive(archive: Path | bytes, strip: int, subdirectory: str, where: object) -> tuple[str, ...]:
    """The same of a tar archive that has the project in a subdirectory, below `strip` folders."""
    wanted = (*PurePosixPath(subdirectory).parts, PYPROJECT)
    place = io.BytesIO(archive) if isinstance(archive, bytes) else archive
    try:
        with Tarball(place, most_bytes=_LARGEST_ARCHIVE) as tar:
            for member in tar:
                if member.isreg() and PurePosixPath(member.name).parts[strip:] == wanted:
                    return requires(tar.read(member), where)
    except Unreadable as problem:
        raise UserError(f"{where} is not a tar archive: {problem}", "only sdists of that form can be built") from None
    return requires(None, where)
