"""The third engine: it runs nothing, records what it is asked, and hands out canned bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from builder.engines.base import Item, Output, shell_line
from builder.stages.description import MANIFEST, PLANNED_MANIFEST
from builder.stages.lock import LOCK
from builder.stages.stage import Json, Step
from builder.targets import Arch

# What inside/write_manifest.py would measure.
MEASURED: dict[str, Json] = {
    "python_version": "3.13.5",
    "free_threaded": False,
    "debug": False,
    "jit": False,
    "python_packages": [{"name": "pip", "version": "25.1"}],
    "venvs": {},
    "libc_floor": "glibc 2.34",
    "vendored": [{"name": "expat", "version": "2.7.1", "license": "MIT"}],
}


@dataclass(frozen=True)
class Answer:
    """How a step ends: its exit code and what it prints, or an exception in place of both."""

    code: int = 0
    lines: tuple[str, ...] = ()
    raises: BaseException | None = None


@dataclass
class RecordingWorkplace:
    """What one stage was given, and the steps it ran."""

    answers: dict[str, Answer]
    items: dict[str, Item] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    compiles: bool = False
    arch: Arch = Arch.AMD64
    image: str = ""
    attached: list[Sequence[str]] = field(default_factory=list)
    open: bool = True
    canned: dict[str, bytes] = field(default_factory=dict)

    def put(self, items: Iterable[Item]) -> None:
        """Remember the files; a path must exist."""
        for item in items:
            assert isinstance(item.content, bytes) or item.content.is_file(), f"{item.content} is no file"
            self.items[item.name] = item

    def command(self, step: Step) -> str:
        """As an engine shows it."""
        return shell_line(step, PurePosixPath("/work"), 2)

    def run(self, step: Step, on_output: Output) -> int:
        """Remember the step and end as planned."""
        self.steps.append(step)
        answer = self.answers.get(step.name, Answer())
        for line in answer.lines:
            on_output(line)
        if answer.raises:
            raise answer.raises
        return answer.code

    def get(self, name: str, destination: Path) -> None:
        """Canned bytes; the manifest is the planned one, completed."""
        if name == MANIFEST:
            planned = self.items[PLANNED_MANIFEST].content
            assert isinstance(planned, bytes)
            destination.write_text(json.dumps({**json.loads(planned), **MEASURED}))
        else:
            nothing = b"# nothing to install\n" if name == LOCK else f"canned {name}".encode()
            destination.write_bytes(self.canned.get(name, nothing))

    def attach(self, args: Sequence[str]) -> int:
        """Remember the command and end as planned, by its first word."""
        self.attached.append(args)
        return self.answers.get(args[0], Answer()).code


@dataclass
class Recorder:
    """An engine whose steps end well unless `answers` says otherwise, by the step's name."""

    name: str = "host"
    fingerprint: str = "a toolchain"
    around: str = "a machine"
    emulated_by: str | None = None
    has_clang: bool = True
    machine: Arch = Arch.AMD64
    answers: dict[str, Answer] = field(default_factory=dict)
    canned: dict[str, bytes] = field(default_factory=dict)  # what a file is in place of canned words, by name
    workplaces: list[RecordingWorkplace] = field(default_factory=list)
    testbeds: list[RecordingWorkplace] = field(default_factory=list)
    stopped: bool = False
    ended: bool = False
    side_by_side: int = 1
    systems: tuple[str, ...] = ("a system",)
    isolated: bool = True

    @property
    def step_names(self) -> list[str]:
        """The names of all steps that were run, in order."""
        return [step.name for place in self.workplaces for step in place.steps]

    def crosses(self, arch: Arch) -> bool:
        """Whether it was made with clang."""
        return self.has_clang

    def builds_on(self, arch: Arch) -> Arch:
        """The architecture it was made with."""
        return self.machine

    def toolchain(self, arch: Arch, python: str, compiles: bool) -> str:
        """The fingerprint it was made with."""
        return f"{self.fingerprint} of clang" if compiles else self.fingerprint

    def surroundings(self, arch: Arch) -> str:
        """The other fingerprint it was made with."""
        return self.around

    def can_package(self, arch: Arch) -> None:
        """Always."""

    def emulator(self, arch: Arch) -> str | None:
        """The emulator it was made with."""
        return self.emulated_by

    def at_once(self, arch: Arch) -> int:
        """As many as it was made with."""
        return self.side_by_side

    def end_stages(self) -> None:
        """Note that its stages were ended."""
        self.ended = True

    def stop(self) -> None:
        """Note that it was stopped."""
        self.stopped = True

    @contextmanager
    def workplace(self, arch: Arch, compiles: bool = False) -> Iterator[RecordingWorkplace]:
        """Open a workplace, and note that it was closed."""
        place = RecordingWorkplace(self.answers, compiles=compiles, arch=arch, canned=self.canned)
        with _opened(place, self.workplaces):
            yield place

    @contextmanager
    def testbed(self, arch: Arch, image: str) -> Iterator[RecordingWorkplace]:
        """The same where nothing was built."""
        with _opened(RecordingWorkplace(self.answers, arch=arch, image=image), self.testbeds) as place:
            yield place


@contextmanager
def _opened(place: RecordingWorkplace, places: list[RecordingWorkplace]) -> Iterator[RecordingWorkplace]:
    places.append(place)
    try:
        yield place
    finally:
        place.open = False
