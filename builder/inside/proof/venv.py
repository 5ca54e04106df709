"""A virtual environment is made without a network, has pip, and its Python is the runtime's."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator

from builder.inside.proof.report import differs, end

_SAY = "import pip, sys; print(sys.prefix, sys.base_prefix, pip.__file__.startswith(sys.prefix))"


def differences() -> Iterator[str]:
    """Where it is not as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        said = subprocess.run([f"{folder}/bin/python", "-c", _SAY], check=True, stdout=subprocess.PIPE).stdout.decode()
        yield from differs("prefix, base and pip of a venv", f"{folder} {sys.prefix} True", said.strip())


end(differences())
