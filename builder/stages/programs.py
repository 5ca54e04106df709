"""The programs of `builder/inside/`, as files of a stage or of a proof."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from builder.stages.stage import WORK, File

# Where Python puts bytecode while a tree is made: its own is made at the end, reproducibly. Without any, each start
# would compile the standard library again; emulated, that is half a minute for a short program.
BYTECODE = f"{WORK}/bytecode"

_BUILDER = Path(__file__).parents[1]
# What writes a CycloneDX document: the library and what it needs, nothing of it compiled.
_CYCLONEDX = (
    "boolean", "cyclonedx", "defusedxml", "license_expression", "packageurl", "py_serializable", "sortedcontainers",
    "typing_extensions",
)  # fmt: skip
_DATA = ("spdx.SNAPSHOT.schema.json", "scancode-licensedb-index.json")  # that it reads: the names of licenses


def _below(folder: str) -> tuple[str, ...]:
    """The programs of a folder of `inside/`, as names below `inside/`."""
    return tuple(sorted(f"{folder}/{path.name}" for path in (_BUILDER / "inside" / folder).glob("*.py")))


MOVABLE = _below("movable")  # they make a tree movable
SBOM_PROGRAMS = _below("sbom")  # they write the SBOM


def program_file(name: str) -> File:
    """A program that needs the standard library only, under its own name: to be run by its path."""
    return File(name, (_BUILDER / "inside" / name).read_bytes())


def run_program(python: str, name: str, *args: str) -> tuple[str, ...]:
    """The command that runs a program by the interpreter of a tree that has no bytecode yet."""
    return (python, "-I", "-X", f"pycache_prefix={BYTECODE}", f"{WORK}/{name}", *args)


def as_package(*names: str) -> Iterator[File]:
    """Programs that share code and read ELF files, in their package: to be run with `-m` from WORK.

    Names are those below `inside/`. pyelftools, of this environment, comes with them.
    """
    for name in ("__init__.py", "inside/__init__.py", "inside/linkage.py", *(f"inside/{name}" for name in names)):
        yield File(f"builder/{name}", (_BUILDER / name).read_bytes())
    yield from _library("elftools")


def cyclonedx() -> Iterator[File]:
    """The library for CycloneDX documents, of this environment, for a program that is run with `-m` from WORK."""
    for name in _CYCLONEDX:
        yield from _library(name)


@functools.cache  # some hundred files, which the plans of both variants ask for
def _library(name: str) -> tuple[File, ...]:
    """A module or package of this environment, without what it brings for others."""
    found = find_spec(name)
    assert found is not None, f"requirements.txt has {name}"
    origin = Path(str(found.origin))
    is_package = found.submodule_search_locations is not None
    top = origin.parents[1] if is_package else origin.parent
    return tuple(
        File(str(path.relative_to(top)), path.read_bytes())
        for path in (sorted(origin.parent.rglob("*")) if is_package else [origin])
        if (path.suffix == ".py" and not path.name.startswith("test_")) or path.name in _DATA
    )
