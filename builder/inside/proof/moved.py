"""The tree finds itself where it is now, and so does what asks it. Argument: that folder."""

from __future__ import annotations

import pathlib
import sys
import sysconfig
import tempfile
from collections.abc import Iterator

from builder.inside.proof.report import complaint, differs, end

# Folders of the tree that whoever compiles against it asks for.
_FOLDERS = ("BINDIR", "INCLUDEPY", "LIBDIR", "LIBDEST", "LIBPL", "prefix")


def differences(root: pathlib.Path) -> Iterator[str]:
    """Where it is looked for elsewhere."""
    yield from differs("sys.prefix", str(root), sys.prefix)
    variables = {**sysconfig.get_paths(), **{name: sysconfig.get_config_var(name) for name in _FOLDERS}}
    for name, folder in variables.items():
        inside = root in (pathlib.Path(folder), *pathlib.Path(folder).parents)
        yield from differs(f"sysconfig: {name}", f"{root} or below", f"{root} or below" if inside else folder)
    with tempfile.TemporaryDirectory() as folder:
        link = pathlib.Path(folder, "link")
        link.symlink_to(root / "bin" / "pip")
        for command in (root / "bin" / "pip", link):
            yield from differs(f"{command} --version", "", complaint(str(command), "--version"))


end(differences(pathlib.Path(sys.argv[1])))
