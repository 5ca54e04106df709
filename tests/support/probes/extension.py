"""Compiles an extension with the compiler and the flags that this Python names, as build backends do, and uses it."""

import importlib
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

SOURCE = """
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "tea", "", -1, methods};
PyMODINIT_FUNC PyInit_tea(void) { return PyModule_Create(&module); }
"""

Path("tea.c").write_text(SOURCE)
library = f"tea{sysconfig.get_config_var('EXT_SUFFIX')}"
compiler, flags, pic, linker = (
    shlex.split(sysconfig.get_config_var(name)) for name in ("CC", "CFLAGS", "CCSHARED", "LDSHARED")
)
include = f"-I{sysconfig.get_path('include')}"
subprocess.run([*compiler, *flags, *pic, include, "-Werror", "-c", "tea.c", "-o", "tea.o"], check=True)
subprocess.run([*linker, "tea.o", "-o", library], check=True)
sys.path.insert(0, ".")
print(importlib.import_module("tea").answer(), compiler[0])
