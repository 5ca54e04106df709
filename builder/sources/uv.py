"""What requirements resolve to on every platform, by uv: no Python of the target's version is needed for it.

https://docs.astral.sh/uv/pip/compile/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from builder import command
from builder.errors import BuildError
from builder.files import read
from builder.inputs.network import Network
from builder.inputs.package_lock import FILE

_LARGEST = 64 << 20  # bytes of a lock
_INDEXES = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX", "PIP_NO_INDEX": "UV_NO_INDEX",
    "PIP_TRUSTED_HOST": "UV_INSECURE_HOST", "PIP_DEFAULT_TIMEOUT": "UV_HTTP_TIMEOUT", "PIP_TIMEOUT": "UV_HTTP_TIMEOUT",
}  # fmt: skip


@dataclass(frozen=True)
class Uv:
    """The program, a Python for its own use, how the network is reached, and the variables it finds logins by."""

    program: Path
    python: str
    network: Network
    logins: Mapping[str, str]

    def resolve(self, folder: Path, files: Mapping[str, bytes], before: str, options: Iterable[str]) -> str:
        """A pylock.toml of the requirements `files`, in a new folder; those of `before` are kept where they fit.

        Of these, `….txt` of the folder itself are requirements, but for `constraints….txt`; others are what these name.
        BuildError with uv's words if nothing fits.
        """
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        result = folder / FILE
        if before:
            result.write_text(before)
        constraints = {name for name in files if name.startswith("constraints")}
        requirements = {name for name in files if name.endswith(".txt") and "/" not in name} - constraints
        args = (
            str(self.program), "pip", "compile", "--quiet", "--no-config", "--no-cache", "--universal",
            f"--python={self.python}", "--no-python-downloads", "--format=pylock.toml",
            "--custom-compile-command=./nox -s lock", f"--output-file={FILE}", *options,
            *(f"--constraint={name}" for name in sorted(constraints)), *sorted(requirements),
        )  # fmt: skip
        try:
            command.output(args, folder, self._environment())
        except BuildError as problem:
            raise BuildError(
                self.network.redact(problem.message),
                "fix what it names: the requirements, constraints.txt, or how pip's settings reach the index",
            ) from None
        return self.network.redact(read(result, _LARGEST).decode())

    def _environment(self) -> dict[str, str]:
        bundle = self.network.ca_bundle
        pip = self.network.from_elsewhere().pip  # as a build has it
        return {
            **self.logins,
            "GIT_TERMINAL_PROMPT": "0",  # nobody is asked
            **self.network.environment(str(bundle) if bundle else None),
            **{uv: pip[name] for name, uv in _INDEXES.items() if name in pip},
            **({"UV_FIND_LINKS": ",".join(pip["PIP_FIND_LINKS"].split())} if "PIP_FIND_LINKS" in pip else {}),
        }
