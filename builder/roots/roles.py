"""What a root file system is for, and the unpacked one of each role."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from builder.errors import UserError
from builder.roots.lock import Root, read_root
from builder.roots.tree import RootShelf
from builder.targets import Arch


class Role(Enum):
    """To install packages as the target, or to compile for any target. Names its list and lock in recipes/builder."""

    BUILDER = "builder"
    COMPILER = "compiler"


@dataclass(frozen=True)
class Roots:
    """The locks of a recipes folder, and the shelf with what was unpacked of them."""

    recipes: Path
    shelf: RootShelf

    def root(self, role: Role, arch: Arch) -> Root:
        """The packages of a role; UserError if its list was changed and the lock was not."""
        folder = self.recipes / "builder"
        return read_root(folder / f"{role.value}.txt", folder / f"{role.value}.lock", arch)

    def tree(self, role: Role, arch: Arch) -> Path:
        """The unpacked root file system of a role."""
        return self.shelf.tree(self.root(role, arch))

    def systems(self) -> tuple[str, ...]:
        """The Debian suites that packages can be proved on."""
        return tuple(sorted(path.stem for path in (self.recipes / "systems").glob("*.lock")))

    def system(self, suite: str, arch: Arch) -> Root:
        """The packages of a suite; UserError for one without a lock."""
        if suite not in self.systems():
            known = ", ".join(self.systems()) or "none"
            raise UserError(
                f"{suite!r} is not a system that a package can be proved on here", f"TEST_IMAGE takes: {known}"
            )
        folder = self.recipes / "systems"
        return read_root(folder / "packages.txt", folder / f"{suite}.lock", arch)
