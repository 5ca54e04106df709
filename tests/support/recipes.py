"""Folders of recipes: the one that is shipped, and small ones."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).parents[2] / "recipes"


def put(recipes: Path, *names: str, content: str = "#!/bin/sh\n") -> Path:
    """Write files of one content into a folder of recipes."""
    for name in names:
        path = recipes / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return recipes
