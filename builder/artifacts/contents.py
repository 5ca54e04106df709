"""What a finished artifact holds, by its own account: an archive, a Debian package or an unpacked tree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from builder.artifacts.members import Member, opened, understood
from builder.artifacts.owners import Owners
from builder.inputs.tarball import Unreadable
from builder.stages.description import MANIFEST
from builder.stages.sbom import SBOM
from builder.trust import sums

_RECORD = re.compile(r"(?:.*/)?site-packages/[^/]+\.dist-info/RECORD")
_DIGESTS_OF_INPUTS = ("stage_keys", "recipe_sha256")  # their effect is what matters
_LARGEST = 16 << 20  # bytes of each file that is read
_MOST_READ = 64 << 20  # bytes of all of them
_EXPECTED = f"name a .tgz or .deb that a build made, or a folder with {MANIFEST}, {SBOM} and {sums.TREE_SUMS}"


@dataclass(frozen=True)
class Contents:
    """One artifact, by the name of its file.

    `facts` are values of the manifest by their keys, `components` versions by name. `patched` are the CVEs that patches
    fix, as `openssl CVE-2026-1234`. `files` have their sha256 by path, `sizes` are bytes by what owns the files.
    """

    name: str
    facts: Mapping[str, str]
    components: Mapping[str, str]
    patched: frozenset[str]
    files: Mapping[str, str]
    sizes: Mapping[str, int]


def read(path: Path) -> Contents:
    """Look at an artifact; UserError for a path that leads to none, or to one that was altered beyond reading."""
    with understood(path, _EXPECTED), opened(path) as members:
        return _contents(path.name, members)


def _contents(name: str, members: Iterator[Member]) -> Contents:
    sizes: dict[str, int] = {}
    found: dict[str, bytes] = {}
    left = _MOST_READ
    for path, size, content in members:
        sizes[path] = size
        if PurePosixPath(path).name in (MANIFEST, SBOM, sums.TREE_SUMS) or _RECORD.fullmatch(path):
            left -= size
            if size > _LARGEST or left < 0:
                raise Unreadable(f"{path} is larger than is read")
            found[path] = content()
    root = _root(found)
    inside = {path.removeprefix(root): size for path, size in sizes.items() if path.startswith(root)}
    records = {path.removeprefix(root): text.decode() for path, text in found.items() if _RECORD.fullmatch(path)}
    sbom = json.loads(found[f"{root}{SBOM}"])
    return Contents(
        name,
        _facts(json.loads(found[f"{root}{MANIFEST}"])),
        dict(_components(sbom["components"])),
        frozenset(_patched(sbom["components"])),
        sums.parsed(found[f"{root}{sums.TREE_SUMS}"]),
        Owners(records).add_up(inside),
    )


def _root(found: Mapping[str, bytes]) -> str:
    """Where the tree begins, as the beginning of paths: an archive may have a folder, a package has PRT_ROOT."""
    roots = [path.removesuffix(sums.TREE_SUMS) for path in found if PurePosixPath(path).name == sums.TREE_SUMS]
    if not roots:
        raise Unreadable(f"it has no {sums.TREE_SUMS}")
    return min(roots, key=len)


def _facts(manifest: dict[str, Any]) -> dict[str, str]:
    """The manifest's values but for lists and digests of inputs; those in a table have its key in front."""
    facts = {}
    for key, value in manifest.items():
        if key in _DIGESTS_OF_INPUTS:
            continue
        for name, one in value.items() if isinstance(value, dict) else (("", value),):
            if isinstance(one, str | bool | int):
                facts[f"{key} {name}".strip()] = json.dumps(one) if isinstance(one, bool) else str(one)
    return facts


def _components(components: list[dict[str, Any]], place: str = "") -> Iterator[tuple[str, str]]:
    """Name and version of each; what is in a virtual environment has that in front."""
    for one in components:
        if str(one["bom-ref"]).startswith("venv:") and not place:
            yield from _components(one.get("components", []), f"{one['name']}: ")
        else:
            yield f"{place}{one['name']}", str(one.get("version", ""))


def _patched(components: list[dict[str, Any]]) -> Iterator[str]:
    for one in components:
        for patch in one.get("pedigree", {}).get("patches", []):
            for issue in patch.get("resolves", []):
                if issue.get("type") == "security":
                    yield f"{one['name']} {issue['id']}"
