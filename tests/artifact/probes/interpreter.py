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


def sqlite_features() -> list[str]:
    """What this SQLite can do, of what not every one can."""
    db = sqlite3.connect(":memory:")
    db.enable_load_extension(True)
    db.execute("create virtual table words using fts5(word)")
    db.execute("insert into words values ('tea and cake')")
    assert db.execute("select count(*) from words where words match 'cake'").fetchone() == (1,)
    db.execute("create virtual table boxes using rtree(id, low, high)")
    db.execute("insert into boxes values (1, 2.0, 3.0)")
    assert db.execute("select id from boxes where low > 1").fetchone() == (1,)
    assert db.execute("""select json_extract('{"a": [1, 2]}', '$.a[1]')""").fetchone() == (2,)
    copy = sqlite3.connect(":memory:")
    copy.deserialize(db.serialize())
    assert copy.execute("select count(*) from words").fetchone() == (1,)
    return ["load_extension", "fts5", "rtree", "json", "serialize"]


print(
    json.dumps(
        {
            "missing": missing_modules(),
            "inside": sorted(sys.builtin_module_names),
            "os": [
                name for name in ("memfd_create", "copy_file_range", "getrandom", "pidfd_open") if hasattr(os, name)
            ],
            "sem_clockwait": sysconfig.get_config_var("HAVE_SEM_CLOCKWAIT"),
            "sqlite": sqlite_features(),
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
