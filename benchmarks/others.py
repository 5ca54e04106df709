"""What the runtime is compared with: Debian's own Python, and the one python-build makes for everybody."""

from __future__ import annotations

from dataclasses import dataclass

from builder.stages.interpreter.cpython import CPython
from builder.stages.stage import Stage, Step, pack, unpack
from builder.targets import Arch

_STOCK_PREFIX = "/opt/stock"
_STOCK_ARCHIVE = "stock.tgz"


@dataclass(frozen=True)
class Other:
    """An interpreter to compare with: its label, its program, and the Debian packages that bring or compile it.

    `compiled` says that `stock` makes it.
    """

    label: str
    python: str
    packages: tuple[str, ...] = ()
    compiled: bool = False


OTHERS = {
    "debian": Other("Debian", "/usr/bin/python3", packages=("python3",)),
    "stock": Other("python-build", f"{_STOCK_PREFIX}/bin/python3", compiled=True),
}


def stock(cpython: CPython, arch: Arch) -> Stage:
    """Plan what `python-build` makes of a version where its user asks for PGO and LTO, and for nothing else."""
    options = ("--enable-optimizations", "--with-lto")
    name = f"compile stock CPython {cpython.version} (PGO, LTO)"
    return Stage(
        name="stock",
        inputs=cpython.inputs(arch),
        files=tuple(cpython.files(cpython.python_build.definitions(cpython.version))),
        steps=(
            cpython.compile(name, _STOCK_PREFIX, options, {}),
            pack("pack stock CPython", _STOCK_PREFIX, _STOCK_ARCHIVE, cpython.epoch),
        ),
        output=_STOCK_ARCHIVE,
    )


def unpack_stock() -> tuple[Step, ...]:
    """Put what `stock` made where it runs; packing gave its files other dates, so its bytecode is made again."""
    return (
        Step("make folder of stock CPython", ("mkdir", "-p", _STOCK_PREFIX)),
        unpack("unpack stock CPython", _STOCK_ARCHIVE, _STOCK_PREFIX),
        Step(
            "compile bytecode of stock CPython",
            (f"{_STOCK_PREFIX}/bin/python3", "-m", "compileall", "-qq", "-f", f"{_STOCK_PREFIX}/lib", "-x", "/test/"),
        ),
    )
