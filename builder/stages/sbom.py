"""What the plan knows of a runtime's SBOM: the sources that are compiled, and the CVEs that their patches fix."""

from __future__ import annotations

from collections.abc import Iterable

from builder.inputs.cves import cves_fixed
from builder.inputs.pins import Source
from builder.inputs.recipe import RecipeFile
from builder.stages.planning import Inputs
from builder.stages.stage import Json
from builder.targets import Variant

SBOM = "sbom.cdx.json"
PLANNED_SBOM = "planned-sbom.json"


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
        "patches": [{"name": patch.name, "cves": [*cves_fixed(patch.content)]} for patch in patches],
    }
