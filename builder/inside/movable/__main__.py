"""Make a tree find itself in whatever folder it is. Argument: the folder it is in now."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from builder.inside.movable import development, launchers, records, venvs


def relink(root: Path) -> None:
    """Have every link into the tree lead there from its own place."""
    for path in root.rglob("*"):
        if path.is_symlink() and root in (target := Path(os.readlink(path))).parents:
            path.unlink()
            path.symlink_to(os.path.relpath(target, path.parent))


def rewrite(root: Path) -> Iterator[Path]:
    """Change what names the tree's folder; yields what was changed."""
    for path, text in (*development.rewritten(root), *venvs.rewritten(root)):
        if text is None:
            path.unlink()
        elif path.read_text() != text:
            path.write_text(text)
            yield path
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                script = stream.read() if stream.read(2) == b"#!" and not stream.seek(0) else b""
            changed = launchers.movable(script, path, root)
            if changed != script:
                path.write_bytes(changed)
                yield path


top = Path(sys.argv[1])
relink(top)
for record, lines in records.rewritten(top, {*rewrite(top)}):
    record.write_text(lines)
