"""GNU dbm: what is stored is found again, by another opening, in any order; and `dbm` recognises the file."""

import dbm
import dbm.gnu
import tempfile

with tempfile.TemporaryDirectory() as folder:
    name = f"{folder}/teas"
    with dbm.gnu.open(name, "n") as database:
        for number in range(1000):
            database[f"tea {number}"] = "茶" * number
        del database["tea 7"]
        database.reorganize()
    assert dbm.whichdb(name) == "dbm.gnu"
    with dbm.open(name) as database:
        assert len(database.keys()) == 999
        assert database["tea 999"].decode() == "茶" * 999
        assert "tea 7" not in database
