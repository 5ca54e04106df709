"""Small programs that a built Python runs in a test, each given with `-c`; they print JSON."""

from pathlib import Path

_FOLDER = Path(__file__).parent


def probe(name: str) -> str:
    """The text of one."""
    return (_FOLDER / f"{name}.py").read_text()
