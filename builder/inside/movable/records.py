"""pip's records of the files it installed, brought up to date for those that were changed."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
from collections.abc import Collection, Iterator
from pathlib import Path


def rewritten(root: Path, changed: Collection[Path]) -> Iterator[tuple[Path, str]]:
    """The records that name changed files, with their new text: size and sha256 as PEP 376 and wheels have them."""
    for record in root.rglob("*.dist-info/RECORD"):
        rows = list(csv.reader(io.StringIO(record.read_text())))
        renewed = [_row(row, record.parent.parent, changed) for row in rows]
        if renewed != rows:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(renewed)
            yield record, text.getvalue()


def _row(row: list[str], site: Path, changed: Collection[Path]) -> list[str]:
    if not row or (path := Path(os.path.normpath(site / row[0]))) not in changed:
        return row
    content = path.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return [row[0], f"sha256={digest}", str(len(content))]
