"""Remove what matches the glob patterns below a folder. Arguments: the folder, then the patterns."""

import pathlib
import shutil
import sys

root = pathlib.Path(sys.argv[1])
for pattern in sys.argv[2:]:
    for path in sorted(root.glob(pattern)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.is_symlink() or path.exists():  # else it went with its folder
            path.unlink()
