"""Give new virtual environments the pip of the lock. Arguments: PRT_ROOT, the folder of the downloaded distributions.

`ensurepip` installs the wheel that came with CPython, which ages. Where pip itself was compiled from its source there
is no other, and that one stays.
"""

import pathlib
import re
import shutil
import sys

[package] = pathlib.Path(sys.argv[1]).glob("lib/python3.*/ensurepip")
for wheel in pathlib.Path(sys.argv[2]).glob("pip-*-py3-none-any.whl"):
    program = package / "__init__.py"
    version = wheel.name.split("-")[1]
    text, found = re.subn(r'^_PIP_VERSION = ".*"$', f'_PIP_VERSION = "{version}"', program.read_text(), flags=re.M)
    if not found:
        sys.exit(f"{program} names its version of pip in another way than we know")
    program.write_text(text)
    for old in (package / "_bundled").glob("pip-*.whl"):
        old.unlink()
    shutil.copyfile(wheel, package / "_bundled" / wheel.name)
