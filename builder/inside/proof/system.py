"""The system is as it was before: no file was changed or removed, and every new one belongs to the package.

Arguments: the package, a listing of the system made before it was installed, and the command that makes one. A listing
has a line for each file, with its path at the end behind a tab.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
from collections.abc import Iterator

from builder.inside.proof.report import differs, end


def said(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode(errors="surrogateescape")


def listed(text: str) -> dict[str, str]:
    """What a listing says, by the file's path."""
    return {name: facts for facts, _, name in (line.partition("\t") for line in text.splitlines())}


def differences(package: str, before: str, *command: str) -> Iterator[str]:
    """What is not as it was."""
    old = listed(pathlib.Path(before).read_text(errors="surrogateescape"))
    new = listed(said(*command))
    for name, facts in old.items():
        yield from differs(name, facts, new.get(name, "nothing"))
    strangers = sorted(new.keys() - old.keys() - {*said("dpkg", "--listfiles", package).splitlines()})
    yield from differs("new files that are not the package's", [], strangers)


end(differences(*sys.argv[1:]))
