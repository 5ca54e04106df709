"""`recipes/deb/`: what a Debian package has besides the tree, read whole; its templates are rendered here."""

from __future__ import annotations

import os
import posixpath
import stat
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from builder.errors import UserError
from builder.inputs.makefile_vars import nearest
from builder.inputs.recipe import RecipeFile
from builder.inputs.recipe_reading import content_of

NEEDED = ("control", "changelog", "copyright")
SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "config")
_OTHERS = ("lintian-overrides", "templates", "triggers")
_KNOWN = NEEDED + SCRIPTS + _OTHERS
_TEMPLATE = ".j2"
_FILES = "files"
_PLACEHOLDER = ".gitkeep"


@dataclass(frozen=True)
class DebRecipe:
    """`texts` by what they are, such as `control`: the file, perhaps a template.

    The rest is by its path in the package's root: `files`, `links` with what each points to, and empty `folders`.
    """

    texts: Mapping[str, RecipeFile]
    files: tuple[RecipeFile, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    def render(self, words: Mapping[str, object]) -> dict[str, bytes]:
        """Every text, by what it is, with its placeholders filled in; UserError with file and line of a mistake."""
        return {
            kind: _rendered(file, words) if file.name.endswith(_TEMPLATE) else file.content
            for kind, file in self.texts.items()
        }


def read(folder: Path) -> DebRecipe:
    """Read the folder; UserError for what is not part of a package, and for what is missing."""
    texts: dict[str, RecipeFile] = {}
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        kind = entry.name.removesuffix(_TEMPLATE)
        if entry.name.startswith(".") or entry.suffix == ".md" or entry.name == _FILES:
            continue
        if kind not in _KNOWN:
            raise UserError(f"{entry} is not part of a package", nearest(kind, (*_KNOWN, _FILES)))
        if kind in texts:
            raise UserError(f"{folder} has both {kind} and {kind}{_TEMPLATE}", "keep one of them")
        texts[kind] = RecipeFile(str(entry), content_of(entry) or b"")
    for kind in NEEDED:
        if kind not in texts:
            raise UserError(f"{folder}/{kind}{_TEMPLATE} is missing", "a package needs " + ", ".join(NEEDED))
    root = folder / _FILES
    files, links, folders = [], {}, []
    for path in _below(root) if os.path.lexists(root) else ():
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            links[name] = _target(path, name)
        elif path.is_dir():
            if not any(inner.name != _PLACEHOLDER for inner in path.iterdir()):
                folders.append(name)
        elif path.name != _PLACEHOLDER:
            # Git knows only the owner's bit; the others are what the umask left of it.
            files.append(RecipeFile(name, content_of(path) or b"", bool(path.stat().st_mode & stat.S_IXUSR)))
    return DebRecipe(texts, tuple(files), links, tuple(folders))


def _below(root: Path) -> Iterator[Path]:
    """Everything below a folder, in the order of the paths; no link is followed, and nothing is passed over."""

    def refuse(problem: OSError) -> NoReturn:
        raise UserError(f"{problem.filename} can't be read: {problem.strerror}") from None

    walk = os.walk(root, onerror=refuse)
    for path in sorted(Path(folder, name) for folder, folders, files in walk for name in (*folders, *files)):
        if not path.name.isprintable() or "\\" in path.name:
            raise UserError(f"{str(path)!r}: dpkg can't have such a name", "rename it: no line breaks, no backslashes")
        if path == root / "DEBIAN":
            raise UserError(f"{path} is not a file of the package", "maintainer scripts and such belong next to files/")
        yield path


def _target(link: Path, name: str) -> str:
    """The target of a link, as written; UserError if it is outside of the package's root."""
    target = os.readlink(link)
    if not target.isprintable() or posixpath.normpath(posixpath.join(posixpath.dirname(name), target)).startswith(".."):
        raise UserError(
            f"{link} points out of {_FILES}/, to {target!r}",
            "a link goes into the package as it is: copy the file, or link to its full path on the target",
        )
    return target


def _rendered(file: RecipeFile, words: Mapping[str, object]) -> bytes:
    # Imported here: only the packages need it.
    import jinja2

    environment = jinja2.Environment(
        # With its path, by which a mistake is found; no template includes another.
        loader=jinja2.FunctionLoader(lambda name: (file.content.decode(), name, None) if name == file.name else None),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    line: int | None
    try:
        return environment.get_template(file.name).render(words).encode()
    except jinja2.TemplateSyntaxError as problem:
        line, said = problem.lineno, problem.message
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as problem:
        frames = traceback.extract_tb(problem.__traceback__)
        line = next((frame.lineno for frame in reversed(frames) if frame.filename == file.name), None)
        said = str(problem)
    hint = f"known words: {', '.join(words)}"
    raise UserError(f"{file.name}:{line or 1}: {said}", hint) from None
