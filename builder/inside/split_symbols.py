"""Move the debug symbols of programs and modules into files of their own.

Arguments: objcopy, a tree, the folder for the symbols, glob patterns below the tree. `bin/python3` gives
`bin/.debug/python3.debug` below the folder: laid over the tree, that is where gdb looks for it.
"""

import pathlib
import subprocess
import sys

objcopy, root, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
for pattern in sys.argv[4:]:
    # objcopy would put a file in the place of a link.
    for path in sorted(path for path in root.glob(pattern) if not path.is_symlink()):
        symbols = folder / path.parent.relative_to(root) / ".debug" / f"{path.name}.debug"
        symbols.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([objcopy, "--only-keep-debug", str(path), str(symbols)], check=True)
        # The notes say where probes are.
        strip = [objcopy, "--strip-all", "--keep-section=.note.stapsdt", f"--add-gnu-debuglink={symbols}"]
        subprocess.run([*strip, str(path)], check=True)
