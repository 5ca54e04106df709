"""The two modules that use OpenSSL, linked as one file: a static OpenSSL is large, and two copies share no state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from builder.stages.interpreter.compiler import DEPS, CrossCompiler
from builder.stages.interpreter.configure import LINKER
from builder.stages.interpreter.cpython import CPython
from builder.stages.interpreter.modules import has_list
from builder.stages.stage import WORK, Step


def one_openssl(cpython: CPython, target: CrossCompiler, prt_root: PurePosixPath) -> Iterator[Step]:
    """Link `_ssl` again, with `_hashlib` inside, and leave a link where that was.

    The import of either finds its own entry, in a file that the loader maps once.
    """
    if not has_list(cpython):  # the objects are elsewhere
        return
    objects = (f"{WORK}/build/{cpython.package}/Modules/{name}.o" for name in ("_ssl", "_hashopenssl"))
    libraries = (f"-L{DEPS}/lib", "-lssl", "-lcrypto", "-lpthread", "-ldl")
    ssl, hashlib = (f"{prt_root}/{cpython.module(name, target.triple)}" for name in ("_ssl", "_hashlib"))
    yield Step("link one OpenSSL", (target.compiler, "-shared", *LINKER, *objects, *libraries, "-o", ssl))
    yield Step("link hashlib to it", ("ln", "-sf", PurePosixPath(ssl).name, hashlib))
