"""Compile every module below folders, in one process and sorted, so that bytecode is reproducible.

Arguments: `unchecked-hash` or `checked-hash`, and the folders. Either stays valid when files get another date, as they
do in an archive; the second is compared with its source at every import. Files that are not valid Python (for example
templates) get none.
"""

import compileall
import os
import py_compile
import sys

mode = py_compile.PycInvalidationMode[sys.argv[1].replace("-", "_").upper()]
for folder in sys.argv[2:]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name.endswith(".py"):
                compileall.compile_file(
                    os.path.join(parent, name),
                    force=True,
                    quiet=2,
                    invalidation_mode=mode,
                )
