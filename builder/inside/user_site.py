"""Have the runtime look into users' own site-packages (~/.local), or not. Arguments: PRT_ROOT, `on` or `off`.

A service runs what its manifest says, and no newer package that somebody once installed for himself. In site.py the
variable says what holds where no option or variable decides: https://docs.python.org/3/library/site.html
"""

from __future__ import annotations

import pathlib
import re
import sys

value = {"on": "None", "off": "False"}[sys.argv[2]]
[program] = pathlib.Path(sys.argv[1]).glob("lib/python3.*/site.py")
line = re.compile("^ENABLE_USER_SITE = (None|False)$", re.MULTILINE)
text, found = line.subn(f"ENABLE_USER_SITE = {value}", program.read_text())
if found != 1:
    sys.exit(f"{program} decides in another way than we know")
program.write_text(text)
