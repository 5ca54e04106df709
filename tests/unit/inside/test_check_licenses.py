"""The program that refuses licenses that a recipe does not want."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[3] / "builder" / "inside" / "check_licenses.py"


def check(folder: Path, *components: Mapping[str, object], **policy: object) -> str:
    """What it says of these components; empty if it is content."""
    (folder / "sbom.json").write_text(json.dumps({"components": components}))
    (folder / "policy.json").write_text(json.dumps({"allowed": [], "denied": [], "named": {}, **policy}))
    args = [sys.executable, "-B", str(PROGRAM), str(folder / "sbom.json"), str(folder / "policy.json")]
    done = subprocess.run(args, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == bool(done.stderr)
    return done.stderr


def component(*licenses: str, name: str = "tea", place: str = "runtime") -> dict[str, object]:
    texts = [{"expression": text} if " " in text else {"license": {"name": text}} for text in licenses]
    return {"bom-ref": f"{place}:{name}", "name": name, "version": "1.0", "licenses": texts}


@pytest.mark.parametrize(
    ("licenses", "allowed", "said"),
    [
        (["MIT"], ["MIT"], ""),
        (["MIT"], ["0BSD"], "tea 1.0 is under MIT, which is not allowed"),
        (["MIT OR GPL-3.0-only"], ["MIT"], ""),
        (["MIT AND GPL-3.0-only"], ["MIT"], "tea 1.0 is under MIT AND GPL-3.0-only, which is not allowed"),
        (["MIT", "0BSD"], ["MIT"], "tea 1.0 is under (MIT) AND (0BSD), which is not allowed"),
        (["MIT", "0BSD"], ["MIT", "0BSD"], ""),
        (["BSD License"], ["MIT"], "tea 1.0 is under BSD License, which is not allowed"),
        ([], ["MIT"], "tea 1.0 has no license that its metadata names"),
    ],
)
def test_only_what_is_allowed_passes(tmp_path: Path, licenses: list[str], allowed: list[str], said: str) -> None:
    shown = check(tmp_path, component(*licenses), allowed=allowed)
    assert said in shown
    assert bool(shown) is bool(said)


@pytest.mark.parametrize(
    ("licenses", "refused"),
    [
        (["GPL-3.0-only"], True),
        (["MIT OR GPL-3.0-only"], False),
        (["MIT AND GPL-3.0-only"], True),
        (["GPL-3.0-only WITH GCC-exception-3.1"], False),
        ([], False),
    ],
)
def test_what_is_denied_is_refused_where_there_is_no_other_choice(
    tmp_path: Path, licenses: list[str], refused: bool
) -> None:
    shown = check(tmp_path, component(*licenses), denied=["GPL-3.0-only"])
    assert ("which is denied" in shown) is refused


def test_a_name_in_the_policy_counts_more_than_metadata(tmp_path: Path) -> None:
    assert check(tmp_path, component("BSD License"), allowed=["MIT"], named={"tea": "MIT"}) == ""
    assert "Tea 1.0" in check(tmp_path, component("BSD License", name="Tea"), allowed=["MIT"], named={"tea": "MIT"})


def test_every_component_counts_those_of_virtual_environments_too(tmp_path: Path) -> None:
    venv = {"bom-ref": "venv:x", "name": "x", "components": [component("GPL-3.0-only", name="inner", place="venv:x")]}
    brought = {**component("MIT", name="outer"), "components": [component(name="brought")]}
    shown = check(tmp_path, venv, brought, component("Zlib", name="zlib", place="source"), allowed=["MIT"])
    assert [line.split()[0] for line in shown.splitlines()[1:]] == ["inner", "zlib"]
