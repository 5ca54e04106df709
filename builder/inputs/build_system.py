"""What a Python project is called, and what its build asks for: `[build-system] requires` of its pyproject.toml.

https://packaging.python.org/en/latest/specifications/pyproject-toml/
"""

from __future__ import annotations

import io
import tarfile
import tomllib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.errors import UserError

PYPROJECT = "pyproject.toml"
# Of a project without one: https://peps.python.org/pep-0518/
_DEFAULT = ("setuptools>=40.8.0",)
_LARGEST, _MOST_FILES = 1 << 20, 100_000  # bytes of a pyproject.toml, files of an archive


def requires(pyproject: bytes | None, where: object) -> tuple[str, ...]:
    """The requirements of a build; UserError for a file that has none of the form that the standard wants."""
    try:
        system = tomllib.loads((pyproject or b"").decode()).get("build-system", {"requires": [*_DEFAULT]})
        return tuple(str(Requirement(line)) for line in system["requires"])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, InvalidRequirement, RecursionError) as problem:
        raise UserError(
            f"{where}: {PYPROJECT}: {problem}", "correct this file: pip can't build the project either"
        ) from None
    except (AttributeError, KeyError, TypeError):
        raise UserError(f"{where}: {PYPROJECT}: [build-system] has no list `requires`", "name what builds it") from None


def name(pyproject: bytes | None) -> str | None:
    """The name that a pyproject.toml gives the project; None where only the build knows."""
    try:
        return canonicalize_name(tomllib.loads((pyproject or b"").decode())["project"]["name"])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, RecursionError):
        return None


def of_archive(archive: Path | bytes, strip: int, subdirectory: str, where: object) -> tuple[str, ...]:
    """The same of a tar archive that has the project in a subdirectory, below `strip` folders."""
    try:
        with io.BytesIO(archive) if isinstance(archive, bytes) else archive.open("rb") as file:
            return requires(_found(file, strip, (*PurePosixPath(subdirectory).parts, PYPROJECT)), where)
    except (tarfile.TarError, EOFError, ValueError, OSError) as problem:
        raise UserError(f"{where} is not a tar archive: {problem}", "only sdists of that form can be built") from None


def _found(archive: BinaryIO, strip: int, wanted: tuple[str, ...]) -> bytes | None:
    with tarfile.open(fileobj=archive) as content:
        for _, member in zip(range(_MOST_FILES), content, strict=False):
            if PurePosixPath(member.name).parts[strip:] == wanted and member.isreg():
                file = content.extractfile(member)
                return file.read(_LARGEST) if file else None
    return None
