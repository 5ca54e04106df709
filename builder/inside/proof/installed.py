"""dpkg has the package installed as it was made, in place of the other variant.

Arguments: the package, the other variant's package, PRT_ROOT, and the variant that must be there.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from collections.abc import Iterator

from builder.inside.proof.report import differs, end


def said(*command: str) -> list[str]:
    """The lines a command prints, whether it succeeds or not."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode().splitlines()


def differences(package: str, other: str, root: str, variant: str) -> Iterator[str]:
    """Where dpkg's view is another."""
    status = "--showformat=${db:Status-Status}\n"
    yield from differs(f"status of {package}", ["installed"], said("dpkg-query", "--show", status, package))
    seen = said("dpkg-query", "--show", status, other)
    yield from differs(f"{other} is installed", False, "installed" in seen)
    # An image may leave out documents; below PRT_ROOT every file counts.
    altered = [line for line in said("dpkg", "--verify", package) if f" {root}/" in line]
    yield from differs(f"files of {package} that are not as packed", [], altered)
    manifest = json.loads(pathlib.Path(root, "manifest.json").read_text())
    yield from differs("manifest: variant", variant, manifest["variant"])


end(differences(*sys.argv[1:]))
