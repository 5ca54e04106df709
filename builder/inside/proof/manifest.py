"""The manifest is readable, is the one that was published, and says what the interpreter and the SBOM say.

Arguments: PRT_ROOT, the published manifest, and NAME=value for what it must say.
"""

from __future__ import annotations

import json
import pathlib
import platform
import re
import sqlite3
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from typing import Any

from builder.inside.proof.report import differs, end

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
# A venv may have no pip of its own: every interpreter is asked through the runtime's.
_LIST = ("list", "--format=json", "--disable-pip-version-check")


def packages(*python: str) -> list[str]:
    """What pip lists for an interpreter, as NAME VERSION, sorted."""
    listed = subprocess.run([sys.executable, "-m", "pip", *python, *_LIST], check=True, stdout=subprocess.PIPE).stdout
    return named(json.loads(listed))


def named(listed: list[dict[str, str]]) -> list[str]:
    """The same of a manifest's list."""
    return sorted(f"{one['name']} {one['version']}" for one in listed)


def changes(what: str, manifest: list[str], seen: list[str]) -> Iterator[str]:
    """What the manifest has too much or too little, in place of two long lists."""
    yield from (
        f"{what}\n  expected: {one} (the manifest)\n  seen:     not installed" for one in manifest if one not in seen
    )
    yield from (f"{what}\n  expected: nothing (the manifest)\n  seen:     {one}" for one in seen if one not in manifest)


def of_sbom(document: dict[str, Any]) -> dict[str, set[str]]:
    """The distributions that an SBOM names, as NAME VERSION, by where they are: `runtime`, or `venv:NAME`."""
    places = {"runtime": document, **{one["bom-ref"]: one for one in document["components"]}}
    found = {}
    for place in (name for name in places if name == "runtime" or name.startswith("venv:")):
        components = (one for one in places[place]["components"] if one.get("purl", "").startswith("pkg:pypi/"))
        found[place] = {f"{one['name']} {one['version']}" for one in components}
    return found


def normalized(listed: list[str]) -> set[str]:
    """The same of what pip lists."""
    pairs = (one.rsplit(" ", 1) for one in listed)
    return {f"{re.sub(r'[-_.]+', '-', name).lower()} {version}" for name, version in pairs}


def sbom_differences(root: pathlib.Path, manifest: dict[str, Any], installed: dict[str, list[str]]) -> Iterator[str]:
    """What the SBOM lacks of what pip lists in each place and of what was compiled, or has too much."""
    document = json.loads((root / "sbom.cdx.json").read_text())
    named = of_sbom(document)
    for place in sorted({*named, *installed}):
        listed, there = normalized(installed.get(place, [])), named.get(place, set())
        yield from differs(f"SBOM: {place}", sorted(listed - there), sorted(there - listed))
    compiled = {f"{one['name']} {one['version']}" for one in (*manifest["sources"], *manifest["vendored"])}
    there = {f"{one['name']} {one.get('version')}" for one in document["components"]}
    # python-build compiles, and is not inside.
    lacking = [one for one in sorted(compiled - there) if not one.startswith("python-build ")]
    yield from differs("SBOM: what was compiled", lacking, [])


def differences(root: pathlib.Path, published: str, facts: list[str]) -> Iterator[str]:
    """Where the manifest in the tree and the world differ."""
    manifest: dict[str, Any] = json.loads((root / "manifest.json").read_text())
    outside = json.loads(pathlib.Path(published).read_text())
    outside.pop("engine", None)  # where it was built is not part of what is inside
    for key in sorted({*manifest, *outside}):
        yield from differs(
            f"manifest.json in the tree, next to the package: {key}", outside.get(key), manifest.get(key)
        )
    for fact in facts:
        name, _, value = fact.partition("=")
        yield from differs(f"manifest: {name}", value, manifest[name])
    yield from differs("manifest: python_version", platform.python_version(), manifest["python_version"])
    for flavour, variable in (("free_threaded", "Py_GIL_DISABLED"), ("debug", "Py_DEBUG")):
        yield from differs(f"manifest: {flavour}", bool(sysconfig.get_config_var(variable)), manifest[flavour])
    jit: Any = getattr(sys, "_jit", None)
    yield from differs("manifest: jit", bool(jit and jit.is_available()), manifest["jit"])
    yield from differs("manifest: arch", _MACHINES[platform.machine()], manifest["arch"])
    yield from differs("manifest: prt_root", sys.prefix, manifest["prt_root"])
    installed = {"runtime": packages()}
    yield from changes("manifest: python_packages", named(manifest["python_packages"]), installed["runtime"])
    venvs = sorted(path.parent.name for path in (root / "venv").glob("*/pyvenv.cfg"))
    yield from differs("manifest: venvs", venvs, sorted(manifest["venvs"]))
    for venv in venvs:
        seen = installed[f"venv:{venv}"] = packages("--python", str(root / "venv" / venv / "bin" / "python"))
        yield from changes(f"manifest: venvs: {venv}", named(manifest["venvs"].get(venv, [])), seen)
    yield from sbom_differences(root, manifest, installed)
    inside = {one["name"]: one["version"] for one in manifest["sources"]}
    for name, version in (("openssl", ssl.OPENSSL_VERSION.split()[1]), ("sqlite", sqlite3.sqlite_version)):
        yield from differs(f"manifest: sources: {name}", version, inside.get(name, version))


end(differences(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
