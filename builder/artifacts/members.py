"""The regular files of a finished artifact: an archive, a Debian package or an unpacked tree."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from builder.errors import UserError
from builder.inputs.tarball import Tarball, Unreadable, content_of, within_bounds

# A path below the artifact's root, or below a folder that it has; bytes; and a way to read them.
Member = tuple[str, int, Callable[[], bytes]]


@contextmanager
def understood(path: Path, expected: str) -> Iterator[None]:
    """Turn whatever goes wrong with reading an artifact into a UserError, with the hint `expected` if it is none."""
    try:
        yield
    except OSError as problem:
        raise UserError(f"{path}: {problem.strerror or problem}", "name an archive, a .deb or a folder") from None
    except (Unreadable, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise UserError(f"{path} is not an artifact of a build, or is damaged: {problem}", expected) from None


@contextmanager
def opened(path: Path) -> Iterator[Iterator[Member]]:
    """Hand out the files of an artifact, which are read as they come."""
    with ExitStack() as stack:
        yield _members(path, stack)


def _members(path: Path, stack: ExitStack) -> Iterator[Member]:
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if one.is_file() and not one.is_symlink())
        return ((str(one.relative_to(path)), one.stat().st_size, one.read_bytes) for one in files)
    if path.suffix == ".deb":
        # Imported here: needed by this alone, and it takes longer to import than the rest.
        from debian.debfile import DebFile

        try:
            archive = stack.enter_context(DebFile(str(path))).data.tgz()
        except Exception as problem:  # what is none makes it raise whatever it likes
            raise Unreadable(type(problem).__name__) from None
        return _regular(within_bounds(archive), partial(content_of, archive))
    tarball = stack.enter_context(Tarball(path))
    return _regular(tarball, tarball.read)


def _regular(members: Iterable[tarfile.TarInfo], content: Callable[[tarfile.TarInfo], bytes]) -> Iterator[Member]:
    return ((one.name.removeprefix("./"), one.size, partial(content, one)) for one in members if one.isreg())
