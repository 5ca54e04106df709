"""Patches that fit CPython 3.13.5, for a recipe under test."""

# ruff: noqa: W293  # a context line of a patch may be a lone blank

# With git's header line.
COPYRIGHT = """\
diff --git a/Python/getcopyright.c b/Python/getcopyright.c
--- a/Python/getcopyright.c
+++ b/Python/getcopyright.c
@@ -4,7 +4,7 @@
 
 static const char cprt[] =
 "\\
-Copyright (c) 2001-2024 Python Software Foundation.\\n\\
+Patched once. Copyright (c) 2001-2024 Python Software Foundation.\\n\\
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
-Patched once. Copyright (c) 2001-2024 Python Software Foundation.\\n\\
+Patched twice. Copyright (c) 2001-2024 Python Software Foundation.\\n\\
 All Rights Reserved.\\n\\
 \\n\\
 Copyright (c) 2000 BeOpen.com.\\n\\
"""

# To the installed tree.
HELLO = """\
--- a/lib/python3.13/__phello__/__init__.py
+++ b/lib/python3.13/__phello__/__init__.py
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
