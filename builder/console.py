"""What the user sees: one line a step with its time, warnings, and a closing table; the full output is in a log."""

from __future__ import annotations

import io
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from builder.errors import BuildError

_WIDTH = 72
_TAIL = 15  # lines of a failed step's output that are shown


# What a terminal obeys: ECMA-48's sequences, with their strings (titles, links).
_SEQUENCE = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[P\]X^_].*?(?:\x1b\\|\x07|$)|\x1b[ -/]*[0-~]")


def harmless(line: str) -> str:
    """A foreign line, made so that neither a terminal nor GitHub Actions obeys it; its visible part stays.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    plain = _SEQUENCE.sub("", line)
    seen = "".join(one if one.isprintable() or one == "\t" else "\N{REPLACEMENT CHARACTER}" for one in plain)
    return ("| " if seen.lstrip().startswith("::") else "") + seen.replace("##[", "## [")


def clock(seconds: float) -> str:
    """`0:04` or `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A plain table, each column as wide as its widest cell."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def say(text: str) -> None:
    """Print lines for the user, harmless, at once."""
    Console().say(text)


@dataclass
class Log:
    """The full output of a stage, in a file, with the command of its last step and that step's last lines at hand."""

    path: Path
    redact: Callable[[str], str]
    command: str = ""
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))
    _file: TextIO = field(default_factory=io.StringIO, repr=False)

    @contextmanager
    def step(self, name: str, command: str) -> Iterator[None]:
        """Open the file for a step, and begin with its name and its command."""
        self.command = self._clean(command)
        self.tail.clear()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8", buffering=1) as self._file:
            self._file.write(f"=== {self._clean(name)}\n$ {self.command}\n")
            yield

    def write(self, line: str) -> str:
        """Append a line of the step, harmless and without secrets, and return it as written."""
        clean = self._clean(line)
        self._file.write(clean + "\n")
        self.tail.append(clean)
        return clean

    def _clean(self, line: str) -> str:
        return self.redact(harmless(line))


@dataclass
class Console:
    """`verbose` shows every line a step prints; `folding` does so in groups that GitHub Actions folds.

    `prefix` begins each line, where several targets are built at a time.
    """

    verbose: bool = False
    folding: bool = False
    stream: TextIO = field(default_factory=lambda: sys.stdout)
    prefix: str = ""
    stages: list[str] = field(default_factory=list)  # that run side by side now

    def say(self, text: str) -> None:
        """One line for the user, or several, harmless. Written at once: another thread's line never comes between."""
        self._write(*map(harmless, text.split("\n")))

    @contextmanager
    def step(self, name: str, log: Log, command: str, shows_output: bool = False) -> Iterator[Callable[[str], None]]:
        """Announce a step, hand out where its output goes, and print its time when it has ended well.

        `command` is shown where the output is. What a step that `shows_output` has put out is printed below its time.
        """
        with log.step(name, command):
            yield from self._step(name, log, shows_output)

    @contextmanager
    def stage(self, name: str, log: Log) -> Iterator[Console]:
        """One line, with its time, for a stage among others that run as well; hands out a console for its steps.

        What it puts out is in its log, is shown under its name if `verbose`, and in one group at its end if `folding`.
        """
        started = time.monotonic()
        self.stages.append(name)
        self._show_stages()
        stream = self.stream if self.verbose else io.StringIO()
        try:
            yield Console(self.verbose, stream=stream, prefix=f"{self.prefix}{name}: ")
        finally:
            self.stages.remove(name)
            if self.folding and log.path.exists():
                self._write(f"::group::{name}", *log.path.read_text().splitlines(), "::endgroup::")
        self.say(f"  {name:<{_WIDTH}}  {clock(time.monotonic() - started):>6}")
        self._show_stages()

    def _show_stages(self) -> None:
        if self.stages and self.stream.isatty() and not self.prefix:
            print(f"  {', '.join(self.stages)[:_WIDTH]:<{_WIDTH}} …", end="\r", file=self.stream, flush=True)

    def _step(self, name: str, log: Log, shows_output: bool) -> Iterator[Callable[[str], None]]:
        if self.folding:
            self._write(f"::group::{harmless(name)}")
        elif self.verbose:
            self.say(f"  {name} …")
        elif self.stream.isatty() and not self.prefix:
            print(f"  {harmless(name)} …", end="\r", file=self.stream, flush=True)
        if self.folding or self.verbose:
            self.say(f"$ {log.command}")
        started = time.monotonic()
        shown: list[str] = []

        def on_output(line: str) -> None:
            clean = log.write(line)
            if self.verbose or self.folding:
                self.say(clean)
            if shows_output:
                shown.append(f"    {clean}")

        try:
            yield on_output
        except BaseException:
            self.say(f"  {name:<{_WIDTH}}  failed")
            raise
        finally:
            if self.folding:
                self._write("::endgroup::")
        self.say("\n".join((f"  {name:<{_WIDTH}}  {clock(time.monotonic() - started):>6}", *shown)))

    def _write(self, *lines: str) -> None:
        self.stream.write("".join(f"{self.prefix}{line}\n" for line in lines))
        self.stream.flush()


def step_failed(name: str, code: int, hint: str, log: Log) -> BuildError:
    """The error of a failed step: its name, its last lines, and where all of them are."""
    tail = "\n".join(f"    {line}" for line in log.tail)
    if "No space left on device" in tail:
        hint = "the disk is full: free some space where the engine builds, and build again"
    return BuildError(
        f"step '{name}' failed with exit code {code}; its last lines:\n{tail}\n"
        f"  its command: {log.command}\n  full log: {log.path}",
        hint,
    )
