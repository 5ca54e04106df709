"""What our own patches to CPython say is true of the builder."""

from __future__ import annotations

import ast
import re
import sys

from builder.inputs.settings import SETTINGS
from builder.stages.interpreter.own_patches import OWN_PATCHES


def test_the_settings_that_bring_a_missing_module_are_settings() -> None:
    (patch,) = (one.content.decode() for one in OWN_PATCHES if one.name == "missing-modules.patch")
    (table,) = re.findall(r"setting = ({.*})\.get", patch)
    brought = ast.literal_eval(table)
    assert brought["tkinter"] == brought["_tkinter"] == "TK"
    assert {*brought.values()} <= {setting.name for setting in SETTINGS}
    assert {*brought} <= sys.stdlib_module_names
