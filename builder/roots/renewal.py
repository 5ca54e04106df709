"""Makes the locks of root file systems again, from their lists: all of them, or none where one fails."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path

from builder.errors import UserError
from builder.files import write_whole
from builder.inputs.network import Network
from builder.roots import apt
from builder.roots.lock import Lock, read_lock, wanted
from builder.sources.shelf import debian_mirrors
from builder.targets import Arch
from builder.work import fresh_folder


def renew(recipes: Path, debian_mirror: str, network: Network, scratch: Path, say: Callable[[str], None]) -> None:
    """Resolve every list again, in the suite its lock names; says what is new, gone, or of another version."""
    mirror = debian_mirror or next((one for one in debian_mirrors() if "security" not in one), "")
    if not mirror:
        raise UserError("no Debian mirror is known", "set DEBIAN_MIRROR")
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    made = {}
    for listed, path in _pairs(recipes):
        old, names = read_lock(path), wanted(listed)
        packages = {}
        for arch in Arch:
            with fresh_folder(scratch, "renewal", say) as folder:
                packages[arch] = apt.resolve(names, old.suite, arch, mirror, network, folder)
        new = Lock(old.suite, now, names, packages)
        if (new.wanted, new.packages) != (old.wanted, old.packages):
            made[path] = new.encode(listed.name)
        before, after = ({file for one in lock.packages.values() for file in one} for lock in (old, new))
        gone = (f"  - {file}" for file in sorted(before - after))
        come = (f"  + {file}" for file in sorted(after - before))
        head = f"{path.relative_to(recipes.parent)}: {'renewed' if path in made else 'unchanged'}"
        say("\n".join((head, *gone, *come)))
    for path, text in made.items():
        write_whole(path, text)


def _pairs(recipes: Path) -> Iterator[tuple[Path, Path]]:
    """Every lock with its list."""
    for path in sorted((recipes / "builder").glob("*.lock")):
        yield path.with_suffix(".txt"), path
    for path in sorted((recipes / "systems").glob("*.lock")):
        yield path.with_name("packages.txt"), path
