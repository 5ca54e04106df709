"""The end of a runtime stage: what is looked at in the finished tree."""

from __future__ import annotations

from pathlib import Path

from builder.inputs.license_policy import LicensePolicy
from builder.targets import Variant
from tests.support.factories import inputs


def test_licenses_are_checked_where_the_recipe_minds_and_nowhere_else(tmp_path: Path) -> None:
    given = inputs(tmp_path).with_recipe(Variant.RUNTIME, licenses=LicensePolicy(denied=("GPL-3.0-only",)))
    stages = given.stages()
    names = {name: [step.name for step in stage.steps] for name, stage in stages.items()}
    assert names["runtime"].index("check licenses") == names["runtime"].index("write SBOM") + 1
    assert "check licenses" not in names["runtime-dev"]
    (policy,) = (file for file in stages["runtime"].files if file.name == "licenses.json")
    assert policy.content == b'{"allowed": [], "denied": ["GPL-3.0-only"], "named": {}}'
    assert {"licenses.json", "check_licenses.py"}.isdisjoint(file.name for file in stages["runtime-dev"].files)


def test_another_policy_is_another_key_and_another_recipe(tmp_path: Path) -> None:
    plans = [
        inputs(tmp_path).with_recipe(Variant.RUNTIME, licenses=policy).stages()["runtime"]
        for policy in (None, LicensePolicy(("MIT",)), LicensePolicy((), ("MIT",)))
    ]
    assert len({stage.key for stage in plans}) == 3
    assert len({str(stage.inputs["manifest"]) for stage in plans}) == 3
