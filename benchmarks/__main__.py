"""The arguments of `nox -s bench`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.comparison import compare
from benchmarks.others import OTHERS
from benchmarks.suite import SUITE, positive_number
from builder.sessions.opening import SessionFailed


def main(argv: Sequence[str]) -> None:
    """Read the arguments, and compare; a failure is one message."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description="Measure the runtime next to other Pythons.")
    parser.add_argument("--against", nargs="+", choices=OTHERS, default=[*OTHERS], help="what to compare with")
    parser.add_argument(
        "--only", nargs="+", choices=[one.name for one in SUITE], default=[], metavar="BENCHMARK",
        help="only these: %(choices)s",
    )  # fmt: skip
    parser.add_argument("--rounds", type=positive_number, default=5, help="times each runs each (default %(default)s)")
    parser.add_argument("--base", default="debian:trixie-slim", help="Debian image all run in (default %(default)s)")
    args = parser.parse_args(argv)
    try:
        compare([OTHERS[name] for name in args.against], rounds=args.rounds, only=args.only, base=args.base)
    except SessionFailed as failure:
        raise SystemExit(f"\nerror: {failure}\n") from None


if __name__ == "__main__":
    main(sys.argv[1:])
