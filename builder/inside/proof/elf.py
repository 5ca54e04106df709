"""Every ELF file of the tree is for its architecture, and none needs a newer C library than the manifest says.

Argument: PRT_ROOT.
"""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Iterator

from builder.inside.linkage import Version, dotted, needs
from builder.inside.proof.report import differs, end


def differences(root: pathlib.Path) -> Iterator[str]:
    """Where the files differ from the manifest."""
    manifest = json.loads((root / "manifest.json").read_text())
    glibc: set[Version] = {(2, 0)}
    for path, needed in needs(root):
        yield from differs(f"architecture of {path.relative_to(root)}", manifest["arch"], needed.arch)
        glibc |= needed.glibc
    yield from differs("manifest: libc_floor", f"glibc {dotted(max(glibc))}", manifest["libc_floor"])


end(differences(pathlib.Path(sys.argv[1])))
