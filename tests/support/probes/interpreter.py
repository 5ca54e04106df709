"""What the interpreter has: modules, functions of the operating system, libraries and their versions."""

import _decimal
import contextlib
import importlib
import io
import json
import os
import pyexpat
import readline
import sqlite3
import ssl
import sys
import sysconfig
import zlib


def missing_modules() -> list[str]:
    """The standard library's modules that can't be imported."""
    missing = []
    for name in sorted(sys.stdlib_module_names):
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                importlib.import_module(name)
        except ImportError:
            missing.append(name)
    return missing


print(
    json.dumps(
        {
            "missing": missing_modules(),
            "inside": sorted(sys.builtin_module_names),
            "os": [
                name for name in ("memfd_create", "copy_file_range", "getrandom", "pidfd_open") if hasattr(os, name)
            ],
            "sem_clockwait": sysconfig.get_config_var("HAVE_SEM_CLOCKWAIT"),
            "line_editor": "libedit" if "libedit" in (readline.__doc__ or "") else "readline",
            "versions": {
                "openssl": ssl.OPENSSL_VERSION.split()[1],
                "sqlite": sqlite3.sqlite_version,
                "zlib": zlib.ZLIB_RUNTIME_VERSION,
                "expat": pyexpat.EXPAT_VERSION.removeprefix("expat_"),
                "libmpdec": _decimal.__libmpdec_version__,
            },
        }
    )
)
