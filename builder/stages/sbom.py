"""What the plan knows of a runtime's SBOM: the sources that are compiled, and the flaws that their patches fix."""

from __future__ import annotations

import re
from collections.abc import Iterable

from builder.inputs.pins import Source
from builder.inputs.recipe import RecipeFile
from builder.stages.planning import Inputs
from builder.stages.stage import Json
from builder.targets import Variant

SBOM = "sbom.cdx.json"
PLANNED_SBOM = "planned-sbom.json"

_CVE = re.compile(rb"CVE-\d{4}-\d{4,7}", re.ASCII)
_CHANGES = re.compile(rb"^(?:--- |diff |Index: )", re.MULTILINE)


def planned(inputs: Inputs, variant: Variant) -> dict[str, Json]:
    """The package's name, and each source: what it is, the NVD's name for it, and its patches."""
    return {
        "package": variant.package(inputs.settings.package_prefix),
        "sources": [_described(source, inputs.patches(source.name)) for source in inputs.compiled],
    }


def _described(source: Source, patches: Iterable[RecipeFile]) -> Json:
    return {
        "name": source.name,
        "version": source.version,
        "license": source.license,
        "cpe": source.cpe,
        "file": source.file,
        "sha256": source.sha256,
        "patches": [{"name": patch.name, "cves": _fixed(patch)} for patch in patches],
    }


def _fixed(patch: RecipeFile) -> list[Json]:
    """The flaws that a patch names before its first change, as `nox -s bump` writes them."""
    head = _CHANGES.split(patch.content, maxsplit=1)[0]
    return [one.decode() for one in dict.fromkeys(_CVE.findall(head))]
