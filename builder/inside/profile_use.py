"""Report how much of CPython was compiled with the profile, and fail if hardly any was.

Argument: the folder of python-build's log. It has every compiler command, and clang's warnings about the profile.
"""

import pathlib
import re
import sys

log = "\n".join(
    path.read_text(errors="replace") for path in sorted(pathlib.Path(sys.argv[1]).glob("python-build.*.log"))
)
compiled = len(re.findall(r"^.*-fprofile-instr-use=.* -c .*$", log, re.MULTILINE))
unknown = len(set(re.findall(r'no profile data available for file "(.+?)"', log)))
without = sum(map(int, re.findall(r"profile data may be incomplete: of \d+ functions?, (\d+)", log)))
changed = sum(map(int, re.findall(r"profile data may be out of date: of \d+ functions?, (\d+)", log)))

print(
    f"profile: used for {compiled - unknown} of {compiled} files; in these, {without} functions have no data"
    f" and {changed} other data than they had when it was made"
)
if compiled - unknown < compiled / 2 or not compiled:
    sys.exit("this interpreter would not be optimised")
