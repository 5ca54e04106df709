"""OSV's data in a folder, for machines without network: its zip files, as they are published, or what is in them."""

from __future__ import annotations

import datetime
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from builder.audit.advisory import LARGEST, Advisory, parse
from builder.audit.answers import NO_ADVISORY, Answer, match
from builder.audit.inventory import Component
from builder.audit.matching import affects
from builder.audit.packages import ECOSYSTEMS, GIT, Package
from builder.errors import UserError
from builder.files import opened, read

OLDEST = 30  # days since the newest advisory of an ecosystem; PyPI and GIT have new ones every day
_MOST_READ = 64 << 30  # bytes of all advisories, unpacked
_WHERE = "https://storage.googleapis.com/osv-vulnerabilities"
_RENEW = f"save {', '.join(f'{_WHERE}/{one}/all.zip' for one in ECOSYSTEMS)} in it, each under its own name or folder"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


class Folder:
    """The advisories of a folder that are about some packages, the others read and forgotten.

    UserError for a folder that has none, none that is new, or one that is damaged.
    """

    def __init__(self, path: Path, asked: Iterable[Package], today: datetime.date) -> None:
        wanted = {*asked}
        self._known: dict[Package, dict[str, Advisory]] = defaultdict(dict)
        self._newest: dict[str, datetime.date] = {}
        for advisory in _advisories(path):
            for package in {package for one in advisory.affected for package in one.packages}:
                newest = self._newest.get(package.ecosystem, advisory.modified)
                self._newest[package.ecosystem] = max(newest, advisory.modified)
                if package in wanted:
                    held = self._known[package].setdefault(advisory.id, advisory)
                    self._known[package][advisory.id] = max(held, advisory, key=lambda one: one.modified)
        self._refuse_old(path, {package.ecosystem for package in wanted}, today)
        dates = (f"{name} as of {self._newest[name]}" for name in ECOSYSTEMS if name in self._newest)
        self.described = f"{path} ({', '.join(dates)})"

    def answers(self, components: Iterable[Component]) -> Mapping[Component, Answer]:
        """What the folder says of each component."""
        return {component: self._answer(component) for component in components}

    def _answer(self, component: Component) -> Answer:
        packages = [one for one in component.packages if one.ecosystem in self._newest]
        if not packages:
            return Answer(unchecked=f"the database has no advisories of {component.packages[0].ecosystem}")
        if packages[0].ecosystem == GIT and not any(package in self._known for package in packages):
            return Answer(unchecked=NO_ADVISORY)
        verdicts: dict[str, set[bool | None]] = defaultdict(set)
        found = {}
        for package in packages:
            for advisory in self._known.get(package, {}).values():
                if not advisory.withdrawn:
                    verdicts[advisory.id].add(affects(advisory, package, component.version))
                    found[advisory.id] = advisory
        hits = [found[name] for name, said in verdicts.items() if True in said]
        return Answer(
            tuple(match(advisory, packages, component.version) for advisory in hits),
            unclear=tuple(sorted(name for name, said in verdicts.items() if True not in said and None in said)),
        )

    def _refuse_old(self, path: Path, ecosystems: Iterable[str], today: datetime.date) -> None:
        if not {*ecosystems} & self._newest.keys():
            raise UserError(f"{path} has no advisories of {', '.join(sorted(ecosystems))}", _RENEW)
        for ecosystem in sorted({*ecosystems} & self._newest.keys()):
            newest = self._newest[ecosystem]
            if (today - newest).days > OLDEST:
                raise UserError(
                    f"{path}: the newest advisory of {ecosystem} is of {newest}: what was published since would be "
                    "missed", _RENEW,
                )  # fmt: skip


def _advisories(path: Path) -> Iterator[Advisory]:
    """Every advisory of the folder; what is none is an error, because nobody knows what it would have said."""
    if not path.is_dir():
        raise UserError(f"OSV_DATABASE={path}: no such folder", f"make it: {_RENEW}")
    left = _MOST_READ
    for name, content in _files(path):
        try:
            text = content()
            left -= len(text)
            if left < 0:
                raise ValueError(f"there are more than {_MOST_READ >> 30} GiB")
            yield parse(text)
        except _BROKEN as problem:
            reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else problem
            raise UserError(f"{name} is no advisory, or is damaged: {reason}", _RENEW) from None


def _files(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    for file in sorted(path.rglob("*.json")):
        yield str(file), partial(read, file, LARGEST)
    for file in sorted(path.rglob("*.zip")):
        try:
            with opened(file) as content, zipfile.ZipFile(content) as archive:
                for one in archive.infolist():
                    if one.filename.endswith(".json"):
                        yield f"{file}: {one.filename}", partial(_unpacked, archive, one)
        except _BROKEN as problem:
            raise UserError(f"{file} is no zip file, or is damaged: {problem}", _RENEW) from None


def _unpacked(archive: zipfile.ZipFile, one: zipfile.ZipInfo) -> bytes:
    with archive.open(one) as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"it has more than {LARGEST:,} bytes")
    return content
