"""The system is as it was before: no file was changed or removed, and every new one belongs to the package.

Arguments: the package, and two listings of the system, made before and after it was installed: one line a file, sorted,
with its path at the end behind a NUL.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
from collections.abc import Iterator

from builder.inside.proof.report import differs, end


def listed(path: str) -> dict[str, str]:
    """What a listing says, by the file's path."""
    lines = pathlib.Path(path).read_text(errors="surrogateescape").splitlines()
    return {name: facts for facts, _, name in (line.partition("\0") for line in lines)}


def differences(package: str, before: str, after: str) -> Iterator[str]:
    """What is not as it was."""
    old, new = listed(before), listed(after)
    for name, facts in old.items():
        yield from differs(name, facts, new.get(name, "nothing"))
    owned = subprocess.run(["dpkg", "--listfiles", package], check=True, stdout=subprocess.PIPE).stdout.decode()
    strangers = sorted(new.keys() - old.keys() - {*owned.splitlines()})
    yield from differs("new files that are not the package's", [], strangers)


end(differences(*sys.argv[1:]))
