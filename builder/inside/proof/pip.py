"""pip installs a package from the index and uninstalls it without a trace. Argument: NAME==VERSION, pure Python."""

from __future__ import annotations

import pathlib
import sys
import sysconfig
from collections.abc import Iterator

from builder.inside.proof.report import complaint, differs, end

_OPTIONS = ("--no-input", "--no-cache-dir", "--disable-pip-version-check", "--root-user-action=ignore")


def pip(command: str, *args: str) -> str:
    """Run pip; its last output if it fails, else nothing."""
    return complaint(sys.executable, "-m", "pip", command, *_OPTIONS, *args)


def differences(requirement: str) -> Iterator[str]:
    """Where it goes wrong."""
    name = requirement.partition("==")[0]
    site = pathlib.Path(sysconfig.get_path("purelib"))
    before = {path.name for path in site.iterdir()}
    yield from differs(f"pip install {requirement}", "", pip("install", "--no-deps", requirement))
    yield from differs(
        f"import {name} once installed", "", complaint(sys.executable, "-I", "-B", "-c", f"import {name}")
    )
    yield from differs(f"pip uninstall {name}", "", pip("uninstall", "--yes", name))
    yield from differs(f"left of {name}", [], sorted({path.name for path in site.iterdir()} - before))


end(differences(sys.argv[1]))
