"""What was compiled: CPython, the libraries inside, and the libraries inside CPython's own source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.component import Component, ComponentType, Patch, PatchClassification, Pedigree
from cyclonedx.model.issue import IssueClassification, IssueType
from packageurl import PackageURL

# Vendor and product, as the NVD calls them.
_VENDORED_CPE = {
    "expat": "libexpat_project:libexpat",
    "libmpdec": "bytereef:mpdecimal",
    "mimalloc": "microsoft:mimalloc",
}


def sha256(digest: str) -> HashType:
    """A digest."""
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def compiled(planned: Iterable[dict[str, Any]]) -> Iterator[Component]:
    """The sources that the plan names, with what their patches fix."""
    for one in planned:
        name, version = one["name"].lower(), one["version"]
        patches = [_patch(patch) for patch in one["patches"]]
        yield Component(
            name=one["name"],
            version=version,
            type=ComponentType.APPLICATION if name == "cpython" else ComponentType.LIBRARY,
            bom_ref=f"source:{name}",
            cpe=_cpe(one["cpe"], version),
            purl=PackageURL("generic", None, name, version, {"checksum": f"sha256:{one['sha256']}"}),
            licenses=[LicenseFactory().make_from_string(one["license"])],
            external_references=[
                ExternalReference(
                    type=ExternalReferenceType.SOURCE_DISTRIBUTION,
                    url=XsUri(one["file"]),
                    hashes=[sha256(one["sha256"])],
                )
            ],
            pedigree=Pedigree(patches=patches) if patches else None,
        )


def vendored(libraries: Iterable[dict[str, str]]) -> Iterator[Component]:
    """The libraries that came inside CPython's source, as the manifest has them."""
    for one in libraries:
        name, version = one["name"], one["version"]
        yield Component(
            name=name,
            version=version,
            type=ComponentType.LIBRARY,
            bom_ref=f"vendored:{name}",
            cpe=_cpe(_VENDORED_CPE.get(name, ""), version),
            purl=PackageURL("generic", None, name, version),
            licenses=[LicenseFactory().make_from_string(one["license"])],
        )


def _patch(patch: dict[str, Any]) -> Patch:
    flaws = [IssueType(type=IssueClassification.SECURITY, id=cve, name=patch["name"]) for cve in patch["cves"]]
    if flaws:
        return Patch(type=PatchClassification.BACKPORT, resolves=flaws)
    return Patch(
        type=PatchClassification.UNOFFICIAL,
        resolves=[IssueType(type=IssueClassification.ENHANCEMENT, id=patch["name"], name=patch["name"])],
    )


def _cpe(product: str, version: str) -> str | None:
    return f"cpe:2.3:a:{product}:{version}:*:*:*:*:*:*:*" if product else None
