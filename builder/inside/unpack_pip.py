"""Unpack a pip to install with: that of the lock, or else the one that came with CPython.

Arguments: the folder of the downloaded distributions, a new folder. From there pip runs as it is, and installs itself
like all else; `ensurepip` would install another one first.
"""

import ensurepip
import pathlib
import sys
import zipfile

downloaded, folder = map(pathlib.Path, sys.argv[1:])
bundled = pathlib.Path(ensurepip.__file__).parent / "_bundled"
[wheel] = [*downloaded.glob("pip-*-py3-none-any.whl")] or bundled.glob("pip-*.whl")
with zipfile.ZipFile(wheel) as archive:
    # Without its metadata pip does not take itself for installed.
    archive.extractall(folder, [name for name in archive.namelist() if name.startswith("pip/")])
