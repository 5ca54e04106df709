"""SQLite stores, searches text, indexes boxes, reads JSON and loads a serialized database."""

from __future__ import annotations

import pathlib
import sqlite3
import tempfile
from collections.abc import Iterator

from builder.inside.proof.report import differs, end

_ASKED = {
    "FTS5": ("create virtual table t using fts5(w)", "insert into t values ('green tea')",
             "select count(*) from t('tea')"),
    "R*Tree": ("create virtual table r using rtree(i, low, high)", "insert into r values (1, 2, 3)",
               "select count(*) from r where low > 1"),
    "JSON": ("select json_extract('{\"cups\": [1, 2]}', '$.cups[0]')",),
}  # fmt: skip


def differences() -> Iterator[str]:
    """What does not work."""
    for feature, statements in _ASKED.items():
        database = sqlite3.connect(":memory:")
        try:
            for statement in statements:
                answer = database.execute(statement).fetchone()
        except sqlite3.Error as problem:
            answer = (str(problem),)
        yield from differs(f"SQLite: {feature}", (1,), answer)
        database.close()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "kept.db")
        with sqlite3.connect(path) as database:
            database.execute("create table kept (word text)")
            database.execute("insert into kept values ('tea')")
        database.close()
        again = sqlite3.connect(path)
        yield from differs("SQLite: what was stored", [("tea",)], again.execute("select word from kept").fetchall())
        again.close()


end(differences())
