"""SQLite: whatever `PRAGMA compile_options` lists can be used, and the text of a statement crashes nothing."""

import sqlite3
import threading

# By the option that promises it: statements, of which the last asks, and the answer.
FEATURES = {
    "ALLOW_ROWID_IN_VIEW": (["create view v as select 1", "select rowid from v"], None),
    "ENABLE_DBPAGE_VTAB": (["create table t (a)", "select count(*) from sqlite_dbpage"], 2),
    "ENABLE_DBSTAT_VTAB": (["create table t (a)", "select count(*) from dbstat where name = 't'"], 1),
    "ENABLE_FTS3": (
        ["create virtual table t using fts3(w)", "insert into t values ('green tea')",
         "select w from t where t match 'tea'"], "green tea"),
    "ENABLE_FTS3_PARENTHESIS": (
        ["create virtual table t using fts4(w)", "insert into t values ('green tea')",
         "select w from t where t match '(milk OR green) AND tea'"], "green tea"),
    "ENABLE_FTS4": (
        ["create virtual table t using fts4(w, tokenize=porter)", "insert into t values ('boiling')",
         "select w from t where t match 'boiled'"], "boiling"),
    "ENABLE_FTS5": (
        ["create virtual table t using fts5(w)", "insert into t values ('green tea')",
         "select highlight(t, 0, '<', '>') from t('tea')"], "green <tea>"),
    "ENABLE_GEOPOLY": (
        ["create virtual table t using geopoly(name)", "insert into t values ('[[0,0],[2,0],[0,2],[0,0]]', 'cup')",
         "select name from t where geopoly_contains_point(_shape, 0.5, 0.5)"], "cup"),
    "ENABLE_MATH_FUNCTIONS": (["select sqrt(16) + ln(exp(2)) + mod(7, 4)"], 9.0),
    "ENABLE_RTREE": (
        ["create virtual table t using rtree(i, low, high)", "insert into t values (1, 2, 3)",
         "select i from t where low > 1"], 1),
    "ENABLE_STAT4": (
        ["create table t (a)", "create index i on t (a)", "insert into t values (1)", "analyze",
         "select count(*) from sqlite_stat4"], 1),
    "ENABLE_STMTVTAB": (["select count(*) from sqlite_stmt where sql like '%sqlite_stmt%'"], 1),
    "ENABLE_UPDATE_DELETE_LIMIT": (
        ["create table t (a)", "insert into t values (1), (2), (3)", "delete from t order by a limit 1",
         "update t set a = 9 order by a desc limit 1", "select group_concat(a) from t"], "2,9"),
    "LIKE_DOESNT_MATCH_BLOBS": (["select x'74' like 't'"], 0),
    "SECURE_DELETE": (["pragma secure_delete"], 1),
    "SOUNDEX": (["select soundex('Robert')"], "R163"),
    "JSON": (["select json_extract(jsonb('{\"a\": [1, 2]}'), '$.a[1]')"], 2),
    "window functions": (["select sum(a) over (order by a) from (select 1 as a union select 2) limit 1 offset 1"], 3),
}  # fmt: skip
# Only for extensions: tests/artifact/test_libraries_inside.py has one.
FOR_EXTENSIONS = {"ENABLE_COLUMN_METADATA", "ENABLE_UNLOCK_NOTIFY"}

options = {name for (name,) in sqlite3.connect(":memory:").execute("pragma compile_options")}
promised = {name for name in options if name.startswith("ENABLE_") or name in FEATURES}
assert promised <= FEATURES.keys() | FOR_EXTENSIONS, sorted(promised - FEATURES.keys())
assert options >= FOR_EXTENSIONS

for name, (statements, expected) in FEATURES.items():
    db = sqlite3.connect(":memory:")
    for statement in statements:
        answer = db.execute(statement).fetchone()
    assert answer == (expected,), (name, answer)
    db.close()

db = sqlite3.connect(":memory:")
for text in ("select fts3_tokenizer('x', x'efbeadde00000000')", "select hex(fts3_tokenizer('simple'))"):
    try:
        answer = db.execute(text).fetchone()
    except sqlite3.OperationalError as refused:
        answer = (str(refused),)
    assert answer in {("fts3tokenize disabled",), ("",)}, answer
# On purpose it is possible: a tokenizer of C code comes as a parameter.
(pointer,) = db.execute("select fts3_tokenizer(?)", ("simple",)).fetchone()
db.execute("select fts3_tokenizer(?, ?)", ("own", pointer))
db.execute("create virtual table t using fts4(w, tokenize=own)")

# What CPython's module and its users rely on.
assert sqlite3.threadsafety == 3
assert sqlite3.connect("file:own?mode=memory", uri=True).execute("pragma database_list").fetchone()[2] == ""
assert db.execute(f"select {' + '.join('?' * 900)}", [1] * 900).fetchone() == (900,)
many = 250_000
assert db.execute(f"select count(*) from (values {', '.join(['(?)'] * many)})", [1] * many).fetchone() == (many,)
copy = sqlite3.connect(":memory:", check_same_thread=False)
copy.deserialize(db.serialize())
db.backup(copy)
db.execute("pragma hard_heap_limit=0")
db.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
db.execute("pragma writable_schema=on")
assert db.execute("pragma writable_schema").fetchone() == (0,)
db.enable_load_extension(True)
other = threading.Thread(target=lambda: copy.execute("create table made_there (a)"))
other.start()
other.join()
assert copy.execute("select count(*) from made_there").fetchone() == (0,)
