"""Fail unless every module named on the command line can be imported."""

import importlib
import sys

missing = []
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError as problem:
        missing.append(f"  {name}: {problem}")
if missing:
    sys.exit("modules missing from the interpreter:\n" + "\n".join(missing))
