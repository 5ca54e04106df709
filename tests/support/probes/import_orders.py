"""Whether modules can be imported in every order, each in a process of its own. Arguments: their names."""

import itertools
import json
import subprocess
import sys

orders = [*itertools.permutations(sys.argv[1:])]
failed = {}
for order in orders:
    # To import is not enough: a clash of symbols shows when two copies of a library are used.
    program = f"import {', '.join(order)}; ssl.create_default_context(); sqlite3.connect(':memory:')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode:
        failed[" ".join(order)] = done.stderr
print(json.dumps({"orders": len(orders), "failed": failed}))
