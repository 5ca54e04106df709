"""Files changed whole or not at all, with the owner and the mode they had.

What is killed, or meets a full disk, leaves no half of a command. A link is replaced, and never followed to a file
elsewhere; of a file that another tree shares, as after `cp -al`, that tree keeps what it has.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def change(path: Path, content: str | bytes) -> None:
    """Give a file other content."""
    before = path.stat()
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        made = part.stat()
        if os.geteuid() == 0 and (made.st_uid, made.st_gid) != (before.st_uid, before.st_gid):
            os.chown(part, before.st_uid, before.st_gid)
        part.chmod(before.st_mode & 0o7777)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def relink(path: Path, target: str) -> None:
    """Have a link lead elsewhere."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        part = Path(folder, path.name)
        part.symlink_to(target)
        part.replace(path)
