"""Write the SBOM of a finished tree. Arguments: PRT_ROOT, the manifest, what the plan knows, the result.

What a distribution's file had as its sha256 is in the locks of this folder, or in the SBOM of the tree below.
"""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import re
import sys
import sysconfig
import uuid
from typing import Any

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from builder.inside.sbom.distributions import distributions, normalized
from builder.inside.sbom.sources import compiled, vendored

root, manifest_file, planned_file, result = (pathlib.Path(argument) for argument in sys.argv[1:])
NAME = "sbom.cdx.json"


def digests() -> dict[str, str]:
    """The sha256 of each file that was installed, by `name==version`."""
    found = {}
    below = json.loads((root / NAME).read_text()) if (root / NAME).is_file() else {}
    for one in _all(below):
        if one.get("hashes"):
            found[f"{one['name']}=={one['version']}"] = str(one["hashes"][0]["content"])
    for lock in (pathlib.Path("packages.lock"), *pathlib.Path("venvs").glob("*.lock")):
        for name, version, digest in re.findall(r"^(\S+)==(\S+) --hash=sha256:(\w+)", lock.read_text(), re.MULTILINE):
            found[f"{normalized(name)}=={version}"] = digest
    return found


def _all(component: dict[str, Any]) -> list[dict[str, Any]]:
    """Every component inside one, however deep."""
    return [inner for one in component.get("components", ()) for inner in (one, *_all(one))]


def document(manifest: dict[str, Any], planned: dict[str, Any]) -> Bom:
    """The document, with nothing in it that two builds of the same inputs would say differently."""
    name, known = planned["package"], digests()
    purelib = sysconfig.get_path("purelib")
    venvs = [path.parent for path in sorted((root / "venv").glob("*/pyvenv.cfg"))]
    qualifiers = {"arch": manifest["arch"], "variant": manifest["variant"]}
    bom = Bom(
        components=[
            *compiled(planned["sources"]),
            *vendored(manifest["vendored"]),
            *distributions("runtime", [purelib], known),
            *(_venv(venv, known) for venv in venvs),
        ]
    )
    bom.metadata.component = Component(
        name=name,
        version=manifest["runtime_version"],
        type=ComponentType.APPLICATION,
        bom_ref="runtime",
        purl=PackageURL("generic", None, name, manifest["runtime_version"], qualifiers),
    )
    bom.metadata.tools.components.add(
        Component(name="python-runtime-builder", type=ComponentType.APPLICATION, bom_ref="builder")
    )
    bom.metadata.timestamp = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.UTC)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(manifest["stage_keys"], sort_keys=True))
    bom.register_dependency(bom.metadata.component, bom.components)
    return bom


def _venv(folder: pathlib.Path, known: dict[str, str]) -> Component:
    place = f"venv:{folder.name}"
    (packages,) = folder.glob("lib/python3*/site-packages")
    return Component(
        name=folder.name,
        type=ComponentType.APPLICATION,
        bom_ref=place,
        components=[*distributions(place, [str(packages)], known)],
    )


text = JsonV1Dot6(document(json.loads(manifest_file.read_text()), json.loads(planned_file.read_text())))
result.write_text(text.output_as_string(indent=2) + "\n")
(root / NAME).write_bytes(result.read_bytes())
