"""How SQLite is compiled: each option, and why it is there.

The measure is Debian's package, so that a program finds what it finds with Debian's Python; the exceptions have their
reason next to them. https://www.sqlite.org/compile.html explains the options.

Left as SQLite has them, although its lists recommend another value (compile.html and security.html), because programs
rely on them or CPython does, and a connection can set each for itself with `setconfig`, `setlimit` or a pragma:
double-quoted strings (DQS), trusted schemas, writable schemas (`iterdump` writes `PRAGMA writable_schema=ON`), the
limits on lengths and depths, the full synchronisation of WAL. Memory is counted (MEMSTATUS): `PRAGMA hard_heap_limit`
needs that. CPython needs declared types, the progress handler and thread safety.
"""

from __future__ import annotations

# Searching text. Not FTS3_TOKENIZER, which Debian has: with it SELECT fts3_tokenizer('x', x'…') takes a pointer from
# the text of a statement, and SQLite calls what is there. Without, only a bound parameter may be one, or any value
# after setconfig(SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER).
_SEARCH = "ENABLE_FTS3 ENABLE_FTS3_PARENTHESIS ENABLE_FTS4 ENABLE_FTS5 SOUNDEX"
# More functions and tables of SQL. GEOPOLY, beyond Debian, is small, and is what spatial programs look for. Whoever
# takes SQL from strangers sets SQLITE_DBCONFIG_DEFENSIVE, as SQLite advises: then sqlite_dbpage can't be written, too.
_SQL = """
    ENABLE_RTREE ENABLE_GEOPOLY ENABLE_MATH_FUNCTIONS ENABLE_DBSTAT_VTAB ENABLE_DBPAGE_VTAB ENABLE_STMTVTAB
    ENABLE_UPDATE_DELETE_LIMIT ALLOW_ROWID_IN_VIEW MAX_VARIABLE_NUMBER=250000
"""
# STAT4, beyond Debian: ANALYZE samples the columns, and the planner chooses better indexes.
_PLANNER = "ENABLE_STAT4 LIKE_DOESNT_MATCH_BLOBS"
# For extensions compiled for Debian's SQLite: without the first two some of its functions are null pointers; the last
# makes an error of a subtype that was not declared, which works by chance only. Not SESSION and PREUPDATE_HOOK, which
# Debian has: neither CPython nor an extension can reach their functions.
_FOR_EXTENSIONS = "ENABLE_COLUMN_METADATA ENABLE_UNLOCK_NOTIFY STRICT_SUBTYPE=1"
# Threads may share a connection; what is deleted is overwritten; large temporary tables go to files.
# Not USE_URI, which Debian has: connect(uri=False) must not read a URI.
_BEHAVIOUR = "THREADSAFE=1 SECURE_DELETE TEMP_STORE=1"
# What SQLite's own configure finds on every Linux that we build for.
_PLATFORM = """
    SQLITE_HAVE_ISNAN HAVE_USLEEP=1 HAVE_FDATASYNC=1 HAVE_LOCALTIME_R=1 HAVE_GMTIME_R=1 HAVE_STRERROR_R=1
    HAVE_POSIX_FALLOCATE=1 HAVE_PREAD=1 HAVE_PWRITE=1 HAVE_MALLOC_USABLE_SIZE=1 HAVE_MALLOC_H=1 HAVE_STDINT_H=1
    HAVE_INTTYPES_H=1
"""

_OPTIONS = " ".join((_SEARCH, _SQL, _PLANNER, _FOR_EXTENSIONS, _BEHAVIOUR)).split()

# For the compiler, and the same for the generators of parser and keywords: a clause that they don't know is a syntax
# error, whatever the compiler knows.
DEFINES = tuple(f"-D{name}" for name in ("NDEBUG", *(f"SQLITE_{option}" for option in _OPTIONS), *_PLATFORM.split()))
