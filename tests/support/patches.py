"""A recipe under test: patches that fit CPython 3.14, and a script that leaves its mark."""

# ruff: noqa: W293  # a context line of a patch may be a lone blank

from __future__ import annotations

from pathlib import Path

from tests.support.checkout import Checkout, copy_of_this
from tests.support.default_python import LIB

# With git's header line.
COPYRIGHT = """\
diff --git a/Python/getcopyright.c b/Python/getcopyright.c
--- a/Python/getcopyright.c
+++ b/Python/getcopyright.c
@@ -4,7 +4,7 @@
 
 static const char cprt[] =
 "\\
-Copyright (c) 2001 Python Software Foundation.\\n\\
+Patched once. Copyright (c) 2001 Python Software Foundation.\\n\\
 All Rights Reserved.\\n\\
 \\n\\
 Copyright (c) 2000 BeOpen.com.\\n\\
"""

# Without git's header line, and only on top of COPYRIGHT.
COPYRIGHT_AGAIN = """\
--- a/Python/getcopyright.c
+++ b/Python/getcopyright.c
@@ -4,7 +4,7 @@
 
 static const char cprt[] =
 "\\
-Patched once. Copyright (c) 2001 Python Software Foundation.\\n\\
+Patched twice. Copyright (c) 2001 Python Software Foundation.\\n\\
 All Rights Reserved.\\n\\
 \\n\\
 Copyright (c) 2000 BeOpen.com.\\n\\
"""

# To the installed tree.
HELLO = f"""\
--- a/{LIB}/__phello__/__init__.py
+++ b/{LIB}/__phello__/__init__.py
@@ -1,1 +1,2 @@
+# post-patched
 initialized = True
"""

MISFIT = """\
--- a/Python/getcopyright.c
+++ b/Python/getcopyright.c
@@ -1,1 +1,1 @@
-there is no such line
+and never was
"""

MARK = """#!/bin/sh
echo "$PRT_ROOT $PRT_VENV_ROOT $PRT_VARIANT $(grep starlette "$CONSTRAINT_FILE")" > "$PRT_ROOT/script-was-here"
"""


def patched_copy(folder: Path) -> Checkout:
    """A checkout for the docker engine whose recipe has patches and a script."""
    checkout = copy_of_this(folder, ENGINE="docker", PACKAGE_MAINTAINER="Jo Doe <jo@python.org>")
    checkout.write("recipes/runtime/pre-patch/10-copyright.patch", COPYRIGHT)
    checkout.write("recipes/runtime/pre-patch/20-copyright.patch", COPYRIGHT_AGAIN)
    checkout.write("recipes/runtime/post-patch/10-hello.patch", HELLO)
    checkout.write("recipes/runtime/scripts/10-mark", MARK)
    return checkout
