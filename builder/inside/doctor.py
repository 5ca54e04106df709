"""Says what this runtime is, whether this system suits it, and whether its files are as they were packed."""

import argparse
import curses
import hashlib
import json
import locale
import os
import platform
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

from builder.inside.movable import added

# It runs as a zip file, by its whole path: write_doctor.py.
PROGRAM = Path(sys.argv[0])
ROOT = PROGRAM.parents[1]
LIST = "sha256sums"


def runtime() -> dict[str, str]:
    """What it is, by its manifest."""
    manifest = json.loads((ROOT / "manifest.json").read_text())
    names = ("runtime_version", "variant", "arch", "python_version", "libc_floor")
    packages = str(len(manifest["python_packages"]))
    return {**{name: manifest[name] for name in names}, "packages": packages, "folder": str(ROOT)}


def system() -> dict[str, str]:
    """What this system is."""
    return {"kernel": platform.release(), "libc": os.confstr("CS_GNU_LIBC_VERSION") or "unknown"}


def problems() -> Iterator[str]:
    """What keeps the runtime from being what it was made to be."""
    listed = (line.split("  ", 1) for line in (ROOT / LIST).read_text(errors="surrogateescape").splitlines())
    for sha256, name in listed:
        path = ROOT / name
        if not path.is_file():
            yield f"{name} is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            yield f"{name} was altered since it was packed"


def notes() -> Iterator[str]:
    """What was left behind by a move, and what this system lacks that some programs need; with the way out."""
    for folder in added.former(ROOT):
        yield f"commands or environments name {folder}, where the runtime is not any more: {PROGRAM.name} --repair"
    if not ssl.create_default_context().cert_store_stats()["x509_ca"]:
        yield (
            "no CA certificates: no server is trusted; install ca-certificates, or set SSL_CERT_FILE, for example to "
            "what `python -m certifi` prints"
        )
    try:
        locale.setlocale(locale.LC_ALL, "")
    except locale.Error:
        asked = os.environ.get("LC_ALL") or os.environ.get("LANG")
        yield f"no locale {asked}: programs use C; LC_ALL=C.UTF-8 is there wherever glibc is 2.35 or newer"
    term = os.environ.get("TERM", "")
    try:
        curses.setupterm(term or "dumb", 1)
    except curses.error:
        yield f"no terminfo for TERM={term}: programs that draw on the terminal fail; install ncurses-base"


def repair() -> None:
    """Have commands and environments that were added find the runtime; exit code 1 if some can't."""
    try:
        for path in added.repair(ROOT):
            print(f"repaired {path.relative_to(ROOT)}")
    except OSError as problem:
        sys.exit(f"{problem.strerror}: {problem.filename}; repair as the user the files belong to")
    if left := added.former(ROOT):
        sys.exit(f"some still name {', '.join(map(str, left))}: install these packages again (pip --force-reinstall)")


def main() -> None:
    """Report; exit code 1 if there are problems."""
    parser = argparse.ArgumentParser(prog=PROGRAM.name, description=__doc__)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    repairing = "have commands and virtual environments that were added later find the runtime in its present folder"
    parser.add_argument("--repair", action="store_true", help=repairing)
    asked = parser.parse_args()
    if asked.repair:
        repair()
        return
    report(as_json=asked.json)


def report(*, as_json: bool) -> None:
    """Say everything; exit code 1 if there are problems."""
    this, here, lacking, wrong = runtime(), system(), [*notes()], [*problems()]
    if as_json:
        print(json.dumps({"runtime": this, "system": here, "notes": lacking, "problems": wrong}, indent=2))
    else:
        for name, value in {**this, **here}.items():
            print(f"{name.replace('_', ' '):16} {value}")
        print(*(f"note: {text}" for text in lacking), *(f"problem: {text}" for text in wrong), sep="\n")
        print(f"{len(wrong)} problems" if wrong else "all files are as they were packed")
    sys.exit(bool(wrong))


main()
