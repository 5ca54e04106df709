"""`recipes/pins.toml` written: some sources in newer releases, and everything else, comments included, as it was."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from packaging.version import Version

from builder.inputs.pins import Source


def rewritten(text: str, replaced: Iterable[tuple[Source, Source]], added: Iterable[Source]) -> str:
    """The text with sources replaced, each by another release, and releases of CPython added, newest first."""
    # Imported here: no other session has to wait for it.
    import tomlkit

    document = tomlkit.parse(text)
    libraries: Any = document["library"]
    pythons: Any = document["python"]
    for old, new in replaced:
        rows = (row for row in (document["python-build"], *libraries) if row["sha256"] == old.sha256)
        row: Any = next(rows)
        row.update(_table(new))
    for new in added:
        row = tomlkit.table()
        row.update(_table(new))
        row.add(tomlkit.nl())
        older = (place for place, other in enumerate(pythons) if Version(other["version"]) < Version(new.version))
        pythons.insert(next(older, len(pythons)), row)
    return tomlkit.dumps(document)


def _table(source: Source) -> dict[str, Any]:
    import tomlkit

    places = tomlkit.array()
    for place in source.places:
        places.add_line(place)
    places.add_line(indent="")
    released = {"released": source.released} if source.released else {}
    return {"version": source.version, **released, "file": source.file, "sha256": source.sha256, "places": places}
