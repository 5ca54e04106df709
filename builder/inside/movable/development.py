"""What Python says of its own installation to those who compile against it: by its own place, not by PRT_ROOT."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

from builder.inside.movable import details, launchers

# The file of variables is a module: it can ask where it is.
_SYSCONFIG = """\
# system configuration used by the sysconfig module; `_root` is the folder this Python is in
from os.path import abspath as _abspath, dirname as _dirname

_root = _dirname(_dirname(_dirname(_abspath(__file__))))
build_time_vars = {{
{variables}}}
"""
# python-config names no folder of a shared library, which linkers find in the system's own folders only.
_LINKER_FOLDER = (
    """\
            if not getvar('Py_ENABLE_SHARED'):
                libs.insert(0, '-L' + getvar('LIBPL'))
""",
    """\
            libs.insert(0, '-L' + getvar('LIBDIR' if getvar('Py_ENABLE_SHARED') else 'LIBPL'))
""",
)
# How make and pkg-config say where a file is. Make knows no path with a blank.
_MAKE = "$(abspath $(dir $(lastword $(MAKEFILE_LIST)))../../..)"
_PKG_CONFIG = "${pcfiledir}/../.."


def rewritten(root: Path) -> Iterator[tuple[Path, str | None]]:
    """The files that are to have another text, with it; None for a file that is to go. Their folder is `root`/lib."""
    [library] = (path for path in (root / "lib").glob("python3.*") if path.is_dir())
    for path in library.glob("_sysconfigdata_*.py"):
        yield path, _sysconfig(path, root)
    # The same variables as plain data, which can't ask where it is. Nothing in CPython reads it.
    for path in library.glob("_sysconfig_vars_*.json"):
        yield path, None
    yield library / "build-details.json", _build_details(library / "build-details.json", root)
    for path in library.glob("config-*/Makefile"):
        yield path, _at(_MAKE, _plain(path.read_text(), root), root)
    for path in (root / "lib" / "pkgconfig").glob("*.pc"):
        if not path.is_symlink():
            yield path, _at(_PKG_CONFIG, _plain(path.read_text(), root), root)
    yield from _config(root, library)


def _at(here: str, text: str, root: Path) -> str:
    """A text with `here` for the path of the tree, wherever that is a whole path or begins one."""
    return re.sub(rf"(?<![\w./+-]){re.escape(str(root))}(?![\w.+-])", lambda found: here, text)


def _plain(text: str, root: Path) -> str:
    """A text with tools by their names, and without the flags by which python-build has extensions look into the tree.

    In a folder with a blank these would fall apart. Build tools add the headers by another variable, as one word. Tools
    need not be where the machine that built has them.
    """
    text = re.sub(r"(?<![\w./-])/usr/bin/(ar|install|mkdir)\b", r"\1", text)
    return re.sub(rf" *-(I{re.escape(str(root))}/include|L{re.escape(str(root))}/lib)(?![\w./+-])", "", text)


def _sysconfig(path: Path, root: Path) -> str:
    known = runpy.run_path(str(path))["build_time_vars"]
    variables = {**known, **(_shared_library(root) or _no_library(known))}
    lines = (f"    {name!r}: {_literal(value, root)},\n" for name, value in sorted(variables.items()))
    return _SYSCONFIG.format(variables="".join(lines))


def _shared_library(root: Path) -> dict[str, object]:
    """The variables that name libpython, where there is a shared one: CPython has the static one in them."""
    for file in root.glob("lib/libpython3*.so.1.0"):
        return {"LDLIBRARY": file.name.removesuffix(".1.0"), "INSTSONAME": file.name, "Py_ENABLE_SHARED": 1}
    return {}


def _no_library(known: dict[str, object]) -> dict[str, object]:
    """The same as CPython has them without one, where it was there and is pruned now."""
    static = {name: known.get("LIBRARY") for name in ("LDLIBRARY", "INSTSONAME")}
    return {**static, "Py_ENABLE_SHARED": 0} if known.get("Py_ENABLE_SHARED") else {}


def _literal(value: object, root: Path) -> str:
    if not isinstance(value, str):
        return repr(value)
    plain = _plain(value, root)
    braces = plain.replace("{", "{{").replace("}", "}}")
    found = _at("{_root}", braces, root)
    return repr(plain) if found == braces else f"f{found!r}"


def _build_details(path: Path, root: Path) -> str:
    """Its paths are relative to its own folder, and to that of the tree: https://peps.python.org/pep-0739/."""
    known = json.loads(path.read_text()) if path.exists() else details.details()
    inside = json.loads(_at(".", json.dumps({**known, "base_prefix": "../.."}), root))
    # What was pruned, or is not made, can't be linked.
    libraries: dict[str, object] = {
        kind: file for kind, file in inside.get("libpython", {}).items() if (root / str(file)).exists()
    }
    if shared := _shared_library(root).get("INSTSONAME"):
        # Extensions find Python's functions in whatever program they are loaded into.
        libraries = {**libraries, "dynamic": f"./lib/{shared}", "link_extensions": False}
    inside.pop("libpython", None)
    return json.dumps({**inside, **({"libpython": libraries} if libraries else {})}, indent=2) + "\n"


def _config(root: Path, library: Path) -> Iterator[tuple[Path, str]]:
    """CPython's `python3-config` in Python, which asks sysconfig; the one in sh breaks in a folder with a blank."""
    for program in library.glob("config-*/python-config.py"):
        text = program.read_text().replace(*_LINKER_FOLDER)
        if launchers.names(text.encode(), root):  # else it is done already
            for path in (root / "bin").glob("python3.*-config"):
                if not path.is_symlink():
                    yield path, text
