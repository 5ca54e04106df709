"""How files are closed by the range: by os.closerange, and in a child. Argument: the end of the range."""

import ctypes
import errno
import json
import os
import subprocess
import sys
import time

c = ctypes.CDLL(None, use_errno=True)
CLOSE_RANGE = 436
opened = [os.dup2(0, number) for number in (*range(100, 200), 900)]
kept, inherited = os.pipe()
os.set_inheritable(inherited, True)
child = "import os; print(*(fd for fd in range(1000) if os.path.exists(f'/proc/self/fd/{fd}')))"
seen = subprocess.run([sys.executable, "-c", child], pass_fds=[150, inherited], stdout=subprocess.PIPE, check=True)
system_call = c.syscall(CLOSE_RANGE, 950, 951, 0) == 0
missing = not system_call and errno.errorcode[ctypes.get_errno()]
started = time.monotonic()
os.closerange(100, int(sys.argv[1]))
seconds = time.monotonic() - started
print(
    json.dumps(
        {
            "system call": missing or "there",
            "seconds": seconds,
            "still open": [number for number in opened if os.path.exists(f"/proc/self/fd/{number}")],
            "in the child": [int(number) for number in seen.stdout.split()],
            "given to the child": [0, 1, 2, inherited, 150],
            "kept": os.path.exists(f"/proc/self/fd/{kept}"),
        }
    )
)
