"""For how much of CPython the profile was used: counted from the compiler's own output."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.programs import run

COMPILE = "x-clang -fprofile-instr-use=/w/python.profdata -I. -c ./{0}.c -o {0}.o\n"
LINK = "x-clang -fprofile-instr-use=/w/python.profdata -o python a.o b.o\n"
UNKNOWN = 'warning: no profile data available for file "{0}.c" [-Wprofile-instr-unprofiled]\n'
MISSING = (
    "a.c: warning: profile data may be incomplete: of 9 functions, 4 have no data [-Wprofile-instr-missing]\n"
    "b.c: warning: profile data may be incomplete: of 1 function, 1 has no data [-Wprofile-instr-missing]\n"
)
CHANGED = "a.c: warning: profile data may be out of date: of 7 functions, 2 have mismatched data that will be ignored\n"


def shown(folder: Path, log: str, code: int = 0) -> str:
    """What the program says of a log."""
    (folder / "python-build.20260101.1.log").write_text(log)
    return run("profile_use.py", folder, code=code)


def test_files_and_functions_are_counted(tmp_path: Path) -> None:
    log = "".join(COMPILE.format(name) for name in "abcd") + LINK + UNKNOWN.format("d") * 2 + MISSING + CHANGED
    said = shown(tmp_path, log)
    assert "used for 3 of 4 files" in said
    assert "5 functions have no data and 2 other data" in said


@pytest.mark.parametrize(
    "log",
    [
        "",
        LINK,
        "x-clang -c -O3 -o a.o a.c\n",
        "".join(COMPILE.format(name) + UNKNOWN.format(name) for name in "abc") + COMPILE.format("d"),
    ],
    ids=["nothing compiled", "only linked", "no profile given", "a profile of something else"],
)
def test_an_interpreter_without_profile_is_refused(tmp_path: Path, log: str) -> None:
    assert "would not be optimised" in shown(tmp_path, log, code=1)
