"""`recipes/deb/`: what a Debian package has beside the tree, read whole; its templates are rendered here."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.errors import UserError
from builder.makefile_vars import nearest
from builder.recipe import RecipeFile

NEEDED = ("control", "changelog", "copyright")
SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "config")
_OTHERS = ("lintian-overrides", "templates", "triggers")
_KNOWN = NEEDED + SCRIPTS + _OTHERS
_TEMPLATE = ".j2"
_FILES = "files"


@dataclass(frozen=True)
class PackageRecipe:
    """`texts` by what they are, such as `control`: the file, perhaps a template; `files` by their path in the root."""

    texts: Mapping[str, RecipeFile]
    files: tuple[RecipeFile, ...]

    def render(self, words: Mapping[str, object]) -> dict[str, bytes]:
        """Every text, by what it is, with its placeholders filled in; UserError with file and line of a mistake."""
        return {
            kind: _rendered(file, words) if file.name.endswith(_TEMPLATE) else file.content
            for kind, file in self.texts.items()
        }


def read(folder: Path) -> PackageRecipe:
    """Read the folder; UserError for what is no part of a package, and for what is missing."""
    texts: dict[str, RecipeFile] = {}
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        kind = entry.name.removesuffix(_TEMPLATE)
        if entry.name.startswith(".") or entry.suffix == ".md" or entry.name == _FILES:
            continue
        if kind not in _KNOWN:
            raise UserError(f"{entry} is no part of a package", nearest(kind, (*_KNOWN, _FILES)))
        if kind in texts:
            raise UserError(f"{folder} has both {kind} and {kind}{_TEMPLATE}", "keep one of them")
        texts[kind] = RecipeFile(str(entry), entry.read_bytes())
    for kind in NEEDED:
        if kind not in texts:
            raise UserError(f"{folder}/{kind}{_TEMPLATE} is missing", "a package needs " + ", ".join(NEEDED))
    root = folder / _FILES
    paths = [path for path in sorted(root.rglob("*")) if not path.is_dir() and path.name != ".gitkeep"]
    files = (
        RecipeFile(str(path.relative_to(root)), path.read_bytes(), bool(path.stat().st_mode & 1)) for path in paths
    )
    return PackageRecipe(texts, tuple(files))


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
