"""The SBOM of a finished runtime: valid, and what an independent reading of the tree finds."""

from __future__ import annotations

import json
import re
from importlib.metadata import distributions
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from docker.models.containers import Container

from tests.support.container import execute
from tests.support.tree import Tree

VERSIONS = """
import _decimal, bz2, curses, json, lzma, platform, pyexpat, sqlite3, ssl, zlib
print(json.dumps({
    "cpython": platform.python_version(), "openssl": ssl.OPENSSL_VERSION.split()[1], "sqlite": sqlite3.sqlite_version,
    "zlib": zlib.ZLIB_RUNTIME_VERSION, "expat": pyexpat.EXPAT_VERSION.partition("_")[2],
    "libmpdec": _decimal.__libmpdec_version__, "ncurses": ".".join(map(str, curses.ncurses_version[:2])),
}))
"""


@pytest.fixture(scope="module")
def document(tree: Tree) -> dict[str, Any]:
    """The one in the tree."""
    return dict(json.loads((tree.root / "sbom.cdx.json").read_text()))


def test_it_is_valid_and_the_one_next_to_the_archive(tree: Tree) -> None:
    text = (tree.root / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert tree.tarball.with_name(tree.tarball.name.replace(".tgz", ".cdx.json")).read_text() == text


def test_it_names_every_distribution_in_the_tree_with_the_digest_of_its_file(
    tree: Tree, document: dict[str, Any]
) -> None:
    (folder,) = tree.root.glob("lib/python3*/site-packages")
    there = {re.sub(r"[-_.]+", "-", one.name).lower(): one.version for one in distributions(path=[str(folder)])}
    named = {one["name"]: one for one in document["components"] if one.get("purl", "").startswith("pkg:pypi/")}
    assert there == {name: one["version"] for name, one in named.items()}
    assert len(there) > 10
    assert [name for name, one in named.items() if not one.get("hashes") or not one.get("licenses")] == []


def test_what_was_compiled_is_what_the_libraries_report(
    amd64: Tree, amd64_machine: Container, document: dict[str, Any]
) -> None:
    named = {one["bom-ref"].partition(":")[2]: one for one in document["components"]}
    reported: dict[str, str] = json.loads(execute(amd64_machine, "/prt/bin/python", "-I", "-c", VERSIONS))
    assert reported.items() <= {name: one.get("version", "") for name, one in named.items()}.items()
    assert {"hacl-star", "mimalloc", "xz", "libffi", "bzip2", "zstd"} <= named.keys()
    assert named["mimalloc"]["version"].startswith("2.1.")
    fixed = {issue["id"] for patch in named["openssl"]["pedigree"]["patches"] for issue in patch["resolves"]}
    assert any(re.fullmatch(r"CVE-\d{4}-\d+", one) for one in fixed)


def test_a_wheel_s_own_sbom_is_part_of_it(document: dict[str, Any]) -> None:
    (core,) = (one for one in document["components"] if one["name"] == "pydantic-core")
    assert {"pyo3", "serde"} <= {one["name"] for one in core["components"]}
