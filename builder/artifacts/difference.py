"""How two artifacts differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from builder.artifacts.contents import Contents


@dataclass(frozen=True)
class Change:
    """A value by its name, before and after; None where there is none."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Growth:
    """How many bytes belong to something, before and after."""

    name: str
    old: int
    new: int


@dataclass(frozen=True)
class Difference:
    """What differs between the artifacts `old` and `new`: in the order of names, and of sizes the largest change first.

    `fixed` are CVEs that only the new one's patches fix, `unpatched` those that only the old one's do: a newer release
    may have made the patch needless.
    """

    old: str
    new: str
    facts: tuple[Change, ...]
    components: tuple[Change, ...]
    fixed: tuple[str, ...]
    unpatched: tuple[str, ...]
    sizes: tuple[Growth, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return asdict(self)


def compare(old: Contents, new: Contents) -> Difference:
    """How `new` differs from `old`."""
    growth = (Growth(name, old.sizes.get(name, 0), new.sizes.get(name, 0)) for name in {*old.sizes, *new.sizes})
    files = _changes(old.files, new.files)
    return Difference(
        old=old.name,
        new=new.name,
        facts=_changes(old.facts, new.facts),
        components=_changes(old.components, new.components),
        fixed=tuple(sorted(new.patched - old.patched)),
        unpatched=tuple(sorted(old.patched - new.patched)),
        sizes=tuple(sorted((one for one in growth if one.old != one.new), key=_largest_first)),
        added=tuple(one.name for one in files if one.old is None),
        removed=tuple(one.name for one in files if one.new is None),
        changed=tuple(one.name for one in files if None not in (one.old, one.new)),
    )


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Change, ...]:
    names = sorted({*old, *new}, key=str.lower)
    return tuple(Change(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name))


def _largest_first(growth: Growth) -> tuple[int, str]:
    return -abs(growth.new - growth.old), growth.name
