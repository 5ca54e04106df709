"""Wheels made for tests."""

from __future__ import annotations

import io
import zipfile

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}"


def wheel(name: str, version: str = "1.0", more: str = "", commands: str = "") -> tuple[str, bytes]:
    """A wheel with one module: its file name, and its bytes. `commands` are as in entry_points.txt."""
    stream = io.BytesIO()
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(stream, "w") as archive:
        for path, text in {
            f"{name}.py": f"version = {version!r}",
            f"{info}/METADATA": METADATA.format(name=name, version=version, more=more),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/entry_points.txt": f"[console_scripts]\n{commands}\n",
            f"{info}/RECORD": "",
        }.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return f"{name}-{version}-py3-none-any.whl", stream.getvalue()
