"""The Python distributions of a tree, with what their own SBOMs and vendored lists name.

A distribution brings SBOMs in `.dist-info/sboms`: https://peps.python.org/pep-0770/
"""

from __future__ import annotations

import importlib.metadata
import json
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from packageurl import PackageURL

from builder.inside.sbom.sources import sha256

_LARGEST = 16 << 20  # bytes of an SBOM that a distribution brings
_LONGEST = 100  # characters of a license's name: what is longer is its text
_CLASSIFIER = "License :: "


def normalized(name: str) -> str:
    """A distribution's name as indexes and locks spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(place: str, folders: list[str], digests: Mapping[str, str]) -> Iterator[Component]:
    """Those in these folders, by name; `place` says where, `digests` have the sha256 of files by `name==version`."""
    named = [one for one in importlib.metadata.distributions(path=folders) if one.metadata and one.metadata["Name"]]
    found = {normalized(one.metadata["Name"]): one for one in named}
    for name, one in sorted(found.items()):
        ref = f"{place}:{name}"
        digest = digests.get(f"{name}=={one.version}")
        yield Component(
            name=name,
            version=one.version,
            type=ComponentType.LIBRARY,
            bom_ref=ref,
            purl=PackageURL("pypi", None, name, one.version),
            hashes=[sha256(digest)] if digest else (),
            licenses=_licenses(one.metadata),
            components=[*_brought(ref, one), *_vendored(ref, one)],
        )


def _licenses(metadata: importlib.metadata.PackageMetadata) -> Iterable[License]:
    """The license, as far as the metadata says it: an expression, else a name, else classifiers."""
    make = LicenseFactory()
    for text in (*metadata.get_all("License-Expression", ()), *metadata.get_all("License", ())):
        if text and len(text) <= _LONGEST and "\n" not in text and text != "UNKNOWN":
            return [make.make_from_string(text)]
    classifiers = (str(one) for one in metadata.get_all("Classifier", ()))
    names = {one.rpartition(" :: ")[2] for one in classifiers if one.startswith(_CLASSIFIER)}
    return [make.make_from_string(name) for name in sorted(names)]


def _brought(ref: str, distribution: importlib.metadata.Distribution) -> Iterator[Component]:
    """What the SBOMs that it brings name, each once."""
    seen = set()
    for file in distribution.files or ():
        if not re.search(r"\.dist-info/sboms/[^/]+\.json$", str(file)):
            continue
        for name, version, purl in _read(pathlib.Path(str(distribution.locate_file(file)))):
            if (name, version, purl) not in seen:
                seen.add((name, version, purl))
                yield _component(f"{ref}:{len(seen)}", name, version, purl)


def _read(path: pathlib.Path) -> list[tuple[str, str, str]]:
    """What a CycloneDX document names; nothing, with a note, if it is none: that is no fault of this build."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"larger than {_LARGEST} bytes")
        return [*_named(json.loads(path.read_bytes()))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        print(f"note: {path} is not read: {type(problem).__name__}: {problem}")
        return []


def _named(document: Any) -> Iterator[tuple[str, str, str]]:
    """Name, version and purl of every component of a CycloneDX document, however deep."""
    for one in document.get("components", ()):
        yield str(one["name"]), str(one.get("version", "")), str(one.get("purl", ""))
        yield from _named(one)


def _vendored(ref: str, distribution: importlib.metadata.Distribution) -> Iterator[Component]:
    """What pip and others list as copied into themselves."""
    for file in distribution.files or ():
        if str(file).endswith("/_vendor/vendor.txt"):
            text = pathlib.Path(str(distribution.locate_file(file))).read_text(errors="replace")
            for name, version in re.findall(r"^\s*([\w.-]+)==([\w.!+-]+)", text, re.MULTILINE):
                purl = str(PackageURL("pypi", None, normalized(name), version))
                yield _component(f"{ref}:{normalized(name)}", normalized(name), version, purl)


def _component(ref: str, name: str, version: str, purl: str) -> Component:
    """A component that somebody else names; a name of theirs that is no purl is left out."""
    try:
        known = PackageURL.from_string(purl)
    except ValueError:
        known = None
    return Component(
        name=name,
        version=version or None,
        type=ComponentType.LIBRARY,
        bom_ref=ref,
        purl=known,
    )
