"""The public names of the standard library by module, and what configure found, as tests/artifact/names has them.

Of Debian's Python of a series, in a container of a suite that has it:

    apt-get install python3.14-full libpython3.14-dev python3-gdbm
    python3.14 -I -c "$(cat tests/support/probes/names.py)" > tests/artifact/names/debian-3.14.txt
"""

import contextlib
import importlib
import io
import pkgutil
import sys
import sysconfig
import textwrap
import types
import warnings
from collections.abc import Iterator

# CPython's own tests, what starts when it is imported, and Tk, which Debian has in another package.
LEFT_OUT = {"test", "tests", "idlelib", "turtledemo", "antigravity", "this", "tkinter", "turtle"}


def modules() -> Iterator[types.ModuleType]:
    """The public modules that can be imported, and those inside packages."""
    for name in filter(is_public, sorted(sys.stdlib_module_names)):
        with contextlib.suppress(ImportError):
            yield (module := importlib.import_module(name))
            for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}."):
                if is_public(found.name):
                    with contextlib.suppress(ImportError):
                        yield importlib.import_module(found.name)


def is_public(name: str) -> bool:
    """Whether a module is for everybody."""
    return not any(part in LEFT_OUT or part.startswith("_") for part in name.split("."))


def public(module: types.ModuleType) -> set[str]:
    """What a module says is public, or the names in it that came from no other module."""
    if hasattr(module, "__all__"):
        return {*module.__all__}
    values = {name: getattr(module, name, None) for name in dir(module) if not name.startswith("_")}
    return {
        name
        for name, value in values.items()
        if not isinstance(value, types.ModuleType) and getattr(value, "__module__", None) in {module.__name__, None}
    }


with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
    names = {module.__name__: public(module) for module in modules()}
found = sysconfig.get_config_vars()
names["pyconfig.h"] = {name for name, value in found.items() if name.startswith(("HAVE_", "WITH_")) and value}
for name, its in names.items():
    print(textwrap.fill(" ".join((f"{name}:", *sorted(its))), 118, subsequent_indent="  ", break_on_hyphens=False))
