"""A Debian package on this machine, looked at and rebuilt with dpkg's own tools."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


def output(*args: str, cwd: Path | None = None) -> str:
    """What a command prints (both streams), if it succeeds."""
    done = subprocess.run(args, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{args}: {done.stdout}"
    return done.stdout


@dataclass(frozen=True)
class Deb:
    """A package file."""

    path: Path

    def field(self, name: str) -> str:
        """A control field, as dpkg-deb prints it."""
        return output("dpkg-deb", "--field", str(self.path), name).rstrip("\n")

    def listing(self) -> Iterator[tuple[str, str, str]]:
        """Mode, owner and path (without the leading dot) of each entry."""
        for line in output("dpkg-deb", "--contents", str(self.path)).splitlines():
            mode, owner, _, _, _, name = line.split(maxsplit=5)
            yield mode, owner, name.partition(" -> ")[0].partition(" link to ")[0].removeprefix(".")

    def unpacked(self, folder: Path) -> Path:
        """The package's root, with DEBIAN in it, below `folder`."""
        if not folder.exists():
            output("dpkg-deb", "--raw-extract", str(self.path), str(folder))
        return folder


def said_by_lintian(deb: Deb) -> str:
    """Errors, warnings and unused overrides."""
    said = output("lintian", "--fail-on", "error,warning", "--no-tag-display-limit", "-EI", str(deb.path))
    return "\n".join(line for line in said.splitlines() if line.startswith(("E:", "W:")) or "unused-override" in line)


def rebuilt(root: Path, path: Path, **fields: str) -> Deb:
    """A package of an unpacked one, with other control fields; packed fast."""
    control = root / "DEBIAN" / "control"
    lines = [line for line in control.read_text().splitlines() if line.partition(":")[0] not in fields]
    lines[1:1] = [f"{name}: {value}" for name, value in fields.items()]
    control.write_text("\n".join(lines) + "\n")
    output("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(root), str(path))
    return Deb(path)
