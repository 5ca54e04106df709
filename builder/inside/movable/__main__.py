"""Make a tree find itself in whatever folder it is. Argument: the folder it is in now."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from builder.inside.movable import development, records, search_paths, tree


def rewrite(root: Path) -> Iterator[Path]:
    """Change what those read who compile against the tree; yields what was changed."""
    for path, text in development.rewritten(root):
        if text is None:
            path.unlink()
        elif not path.exists() or path.read_text() != text:
            path.write_text(text)
            yield path


top = Path(sys.argv[1])
changed = {*tree.relink(top, top), *rewrite(top), *tree.rewrite(top, top), *search_paths.rewrite(top)}
for record, lines in records.rewritten(top, changed):
    record.write_text(lines)
