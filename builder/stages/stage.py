"""The vocabulary of a stage: steps, the files they read, and the key that names the result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Union

from builder.inputs.commit import Commit
from builder.inputs.pins import Source, Sysroot

# Placeholders in arguments and variables, filled in by the engine that runs the step.
WORK = "{work}"  # folder of the stage's own files, thrown away at its end
JOBS = "{jobs}"  # number of processors

SCHEMA = 1
_LONGEST_INPUT = 2048  # bytes: some 25 inputs leave an entry below its 64 KiB

Json = Union[str, int, bool, None, list["Json"], dict[str, "Json"]]

Content = bytes | Source | Sysroot | Commit


@dataclass(frozen=True)
class File:
    """A file put into WORK before the steps run: its name there, and its content or where to fetch it."""

    name: str
    content: Content
    executable: bool = False

    @property
    def sha256(self) -> str:
        """The digest of its content, as hex digits."""
        return hashlib.sha256(self.content).hexdigest() if isinstance(self.content, bytes) else self.content.sha256


@dataclass(frozen=True)
class Step:
    """One command. `network` steps get the machine's CA bundle, proxies and pip settings; no other step does.

    What a step that `shows_output` prints is for the user's eyes, not for the log only.
    """

    name: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = WORK
    network: bool = False
    shows_output: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Stage:
    """Files, steps, and `inputs`: what else can change the result's bytes. `output` is the file in WORK it makes.

    `parents` are stages whose outputs are put into WORK first. `compiles` asks for the build machine with its
    compilers; else the steps run as the target's architecture. `acceptance` is run with the output before it is kept.
    `byproducts` are files in WORK that are of use to this run only. A stage that `resolves` depends on what an index
    has at the time: NO_PACKAGE_CACHE runs it again. A `brief` one runs while others do: the screen has one line for it,
    and only its log has each of its steps.
    """

    name: str
    inputs: Mapping[str, Json]
    files: tuple[File, ...]
    steps: tuple[Step, ...]
    output: str
    parents: tuple[Stage, ...] = ()
    compiles: bool = False
    acceptance: Stage | None = None
    byproducts: tuple[str, ...] = ()
    resolves: bool = False
    brief: bool = False

    @property
    def key_inputs(self) -> dict[str, Json]:
        """What the key is made of: every input, a long one by its digest. Its names explain why nothing is found."""
        return {name: _short(value) for name, value in self.all_inputs.items()}

    @property
    def all_inputs(self) -> dict[str, Json]:
        """Everything that can change the result, in full."""
        return {
            "schema": SCHEMA,
            "stage": self.name,
            **self.inputs,
            "files": {file.name: file.sha256 for file in self.files},
            "executables": [*sorted(file.name for file in self.files if file.executable)],
            "steps": [{"args": list(step.args), "env": dict(step.env), "cwd": step.cwd} for step in self.steps],
            "parents": {parent.name: parent.key for parent in self.parents},
            # A stricter acceptance looks again at what an earlier one let pass.
            **({"proof": self.acceptance.key} if self.acceptance else {}),
        }

    @cached_property
    def key(self) -> str:
        """The sha256 that names this stage's result: equal inputs, equal key; any change, another key."""
        return key_of(self.key_inputs)


def key_of(inputs: Mapping[str, Json]) -> str:
    """The digest of canonical JSON, under a prefix of our own."""
    return hashlib.sha256(b"python-runtime-builder\0" + _canonical(inputs)).hexdigest()


def _canonical(value: Json | Mapping[str, Json]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def _short(value: Json) -> Json:
    """An input, or its digest if it is long: an entry holds them all, and stays small whatever their number."""
    canonical = _canonical(value)
    return value if len(canonical) <= _LONGEST_INPUT else {"sha256": hashlib.sha256(canonical).hexdigest()}


def pack(name: str, folder: str, output: str, epoch: int, top: str = "") -> Step:
    """A step that packs a folder's content reproducibly: sorted, one date, owner 0:0, no name or time in gzip.

    `top` names a folder that all of it is in, once unpacked.
    """
    renamed = (rf"--transform=flags=rh;s,^\.,{top},",) if top else ()  # files and hard links; no targets of links
    return Step(
        name,
        (
            "tar", "--sort=name", f"--mtime=@{epoch}", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu",
            "--use-compress-program=gzip -n", "--create", f"--file={WORK}/{output}", f"--directory={folder}",
            *renamed, ".",
        ),
    )  # fmt: skip


def unpack(name: str, archive: str, folder: str) -> Step:
    """A step that unpacks an archive of WORK into a folder."""
    args = ("tar", "--extract", f"--file={WORK}/{archive}", f"--directory={folder}", "--no-same-owner")
    return Step(name, args)


def unpack_tree(name: str, archive: str, folder: str) -> Step:
    """The same for the archive of a tree, whether its names begin with `./` or with a folder of its own."""
    step = unpack(name, archive, folder)
    return replace(step, args=(*step.args, "--strip-components=1"))
