"""`build-details.json` of the interpreter that runs, as PEP 739 has it: CPython makes one since 3.14."""

from __future__ import annotations

import importlib.machinery
import sys
import sysconfig

_VERSION = ("major", "minor", "micro", "releaselevel", "serial")


def details() -> dict[str, object]:
    """All but the libraries: whether they are there is seen in the tree."""
    scripts, version = sysconfig.get_path("scripts"), sysconfig.get_config_var("VERSION")
    headers, pkg_config = map(sysconfig.get_config_var, ("INCLUDEPY", "LIBPC"))
    return {
        "schema_version": "1.0",
        "base_prefix": sys.base_prefix,
        "base_interpreter": f"{scripts}/python{version}",
        "platform": sysconfig.get_platform(),
        "language": {"version": sysconfig.get_python_version(), "version_info": _numbers(sys.version_info)},
        "implementation": {**vars(sys.implementation), "version": _numbers(sys.implementation.version)},
        "abi": {"flags": list(sys.abiflags)},
        "suffixes": {
            "source": importlib.machinery.SOURCE_SUFFIXES,
            "bytecode": importlib.machinery.BYTECODE_SUFFIXES,
            "extensions": importlib.machinery.EXTENSION_SUFFIXES,
        },
        "c_api": {"headers": headers, "pkgconfig_path": pkg_config},
    }


def _numbers(version: tuple[int, int, int, str, int]) -> dict[str, object]:
    return dict(zip(_VERSION, version, strict=True))
