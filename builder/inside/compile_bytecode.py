"""Compile every module below the given folders, in one process and sorted, so that bytecode is reproducible.

The bytecode is of the unchecked-hash kind: it stays valid when files get another date, as they do in an archive.
Files that are not valid Python (for example templates) get none.
"""

import compileall
import os
import py_compile
import sys

for folder in sys.argv[1:]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name.endswith(".py"):
                compileall.compile_file(
                    os.path.join(parent, name),
                    force=True,
                    quiet=2,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )
