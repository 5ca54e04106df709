"""`recipes/pins.toml` written: some sources in newer releases, and everything else, comments included, as it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from packaging.version import Version

from builder.inputs.pins import Source


def rewritten(text: str, replaced: Sequence[tuple[Source, Source]], added: Iterable[Source]) -> str:
    """The text with sources replaced, each by what is to be pinned, and releases of CPython added, newest first."""
    # Imported here: no other session has to wait for it.
    import tomlkit

    document = tomlkit.parse(text)
    libraries: Any = document["library"]
    pythons: Any = document["python"]
    for old, new in replaced:
        rows = (row for row in (document["python-build"], *libraries, *pythons) if row["sha256"] == old.sha256)
        row: Any = next(rows)
        row.update({name: value for name, value in _table(new).items() if name in row and row[name] != value})
    for new in added:
        row = tomlkit.table()
        row.update(_table(new))
        row.add(tomlkit.nl())
        older = (place for place, other in enumerate(pythons) if Version(other["version"]) < Version(new.version))
        pythons.insert(next(older, len(pythons)), row)
    text = tomlkit.dumps(document)
    for old, new in replaced:
        if new.signed_by and not old.signed_by:
            text = _signed(text, new)
    return text


def _signed(text: str, source: Source) -> str:
    """The text with the key of a source below its digest: tomlkit adds behind the comment on what follows."""
    digest = re.compile(rf"""^sha256\s*=\s*["']{source.sha256}["'].*\n""", re.MULTILINE)
    return digest.sub(lambda line: f'{line[0]}signed_by = "{source.signed_by}"\n', text)


def _table(source: Source) -> dict[str, Any]:
    import tomlkit

    places = tomlkit.array()
    for place in source.places:
        places.add_line(place)
    places.add_line(indent="")
    released = {"released": source.released} if source.released else {}
    signed = {"signed_by": source.signed_by} if source.signed_by else {}
    return {
        "version": source.version, **released, "file": source.file, "sha256": source.sha256, **signed, "places": places,
    }  # fmt: skip
