"""The components of an artifact, by its SBOM: which versions of what are inside, and which CVEs patches fix there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from builder.artifacts.members import opened, understood
from builder.audit.packages import Package, of_purl
from builder.files import read as read_file
from builder.inputs.tarball import Unreadable
from builder.stages.sbom import SBOM

_LARGEST = 16 << 20  # bytes of an SBOM
_EXPECTED = f"name a .tgz or .deb that a build made, a folder with {SBOM}, or an SBOM in CycloneDX's JSON"


@dataclass(frozen=True)
class Component:
    """Something inside, in a version; `packages` is what OSV may call it, `patched` are the CVEs that patches fix.

    `name` says where it is: `pip/urllib3` is a copy inside pip, `ansible/jinja2` is in the environment `ansible`.
    """

    name: str
    version: str
    packages: tuple[Package, ...] = ()
    patched: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Inventory:
    """What is inside an artifact, or what an SBOM names; `name` is its path."""

    name: str
    components: tuple[Component, ...]


def read(path: Path) -> Inventory:
    """The inventory of an artifact, or of an SBOM that was kept; UserError for anything else."""
    with understood(path, _EXPECTED):
        document = json.loads(read_file(path, _LARGEST) if path.suffix == ".json" else _sbom(path))
        if document["bomFormat"] != "CycloneDX":
            raise Unreadable("it is no SBOM in CycloneDX's format")
        found = tuple(dict.fromkeys(_components(document["components"])))
        if not found:
            raise Unreadable("its SBOM names nothing")
        return Inventory(str(path), found)


def _sbom(path: Path) -> bytes:
    """The SBOM nearest to the root: distributions may bring others."""
    with opened(path) as members:
        found: tuple[int, bytes] | None = None
        for name, size, content in members:
            parts = PurePosixPath(name).parts
            if parts[-1] == SBOM and (found is None or len(parts) < found[0]):
                found = len(parts), _bounded(name, size, content)
    if not found:
        raise Unreadable(f"it has no {SBOM}")
    return found[1]


def _bounded(name: str, size: int, content: Any) -> bytes:
    if size > _LARGEST:
        raise Unreadable(f"{name} is larger than is read")
    return bytes(content())


def _components(components: list[dict[str, Any]], place: str = "") -> Iterator[Component]:
    """Each component, however deep; a virtual environment is only a place."""
    for one in components:
        name = f"{place}{one['name']}"
        if not str(one.get("bom-ref", "")).startswith("venv:") or place:
            yield Component(name, str(one.get("version", "")), of_purl(str(one.get("purl", ""))), _patched(one))
        yield from _components(one.get("components", []), f"{name}/")


def _patched(component: dict[str, Any]) -> frozenset[str]:
    issues = (
        issue for patch in component.get("pedigree", {}).get("patches", []) for issue in patch.get("resolves", [])
    )
    return frozenset(str(issue["id"]) for issue in issues if issue.get("type") == "security")
