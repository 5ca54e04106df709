"""Which distribution a file of a tree belongs to, by the lists that pip keeps."""

from __future__ import annotations

import csv
import posixpath
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

INTERPRETER = "interpreter"
_BYTECODE = re.compile(r"(.*/)?__pycache__/([^/]+?)\.[^/.]+\.pyc")
_VENV = re.compile(r"venv/([^/]+)/")


class Owners:
    """The owners of a tree's files, by its RECORD files: their text by their path in the tree."""

    def __init__(self, records: Mapping[str, str]) -> None:
        self._owners = {}
        for path, text in records.items():
            info = PurePosixPath(path).parent
            name = info.name.removesuffix(".dist-info").rpartition("-")[0]
            for row in csv.reader(text.splitlines()):
                if row:
                    self._owners[posixpath.normpath(f"{info.parent}/{row[0]}")] = name

    def owner(self, path: str) -> str:
        """The distribution, the virtual environment, or what is neither; bytecode belongs to its source."""
        venv = _VENV.match(path)
        if venv:
            return f"venv {venv[1]}"
        compiled = _BYTECODE.fullmatch(path)
        source = f"{compiled[1] or ''}{compiled[2]}.py" if compiled else path
        return self._owners.get(source, self._owners.get(path, INTERPRETER))

    def add_up(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """The bytes that each owner has, of the files' sizes."""
        total: Counter[str] = Counter()
        for path, size in sizes.items():
            total[self.owner(path)] += size
        return dict(total)
