"""A running container as a workplace: files travel as tar streams, so that its daemon may be anywhere."""

from __future__ import annotations

import codecs
import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from docker.models.containers import Container

from builder import command
from builder.engines.base import Item, Output, fill, no_file, shell_line, step_environment
from builder.engines.endpoint import Endpoint
from builder.engines.preflight import Problem
from builder.errors import BuildError
from builder.inputs.network import Network
from builder.stages.stage import Step

WORK_FOLDER = PurePosixPath("/python-runtime-builder")
_CA_BUNDLE = "ca-bundle.pem"


@dataclass(frozen=True)
class DockerWorkplace:
    """A running container."""

    container: Container
    endpoint: Endpoint
    prt_root: PurePosixPath
    network: Network
    jobs: int

    def put(self, items: Iterable[Item]) -> None:
        """Write files into the work folder."""
        with tempfile.TemporaryFile() as stream:
            with tarfile.open(fileobj=stream, mode="w") as archive:
                for item in items:
                    _add(archive, item)
            stream.seek(0)
            self.container.put_archive(str(WORK_FOLDER), stream)

    def command(self, step: Step) -> str:
        """What a step runs; see Workplace."""
        return shell_line(step, WORK_FOLDER, self.jobs)

    def run(self, step: Step, on_output: Output) -> int:
        """Run a step by `docker exec`."""
        args, env, cwd = fill(step, WORK_FOLDER, self.jobs)
        return self._exec(args, self._environment(env, step.network), on_output, cwd)

    def get(self, name: str, destination: Path) -> None:
        """Copy a file of the work folder to this machine."""
        chunks, _ = self.container.get_archive(str(WORK_FOLDER / name))
        with tempfile.TemporaryFile(dir=destination.parent) as stream:
            for chunk in chunks:
                stream.write(chunk)
            stream.seek(0)
            with tarfile.open(fileobj=stream) as archive, destination.open("wb") as file:
                member = archive.getmembers()[0]
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    raise no_file(name)
                shutil.copyfileobj(content, file)

    def attach(self, args: Sequence[str]) -> int:
        """Run a command by the docker command, which knows how to pass a terminal on."""
        # In a file without a name: no password is on a command line, or is left when we are killed.
        with tempfile.TemporaryFile("w") as variables:
            variables.writelines(f"{name}={value}\n" for name, value in self._environment({}, network=True).items())
            variables.flush()
            terminal = ["--tty"] if command.has_terminal() else []
            number = variables.fileno()
            options = ["--interactive", *terminal, f"--env-file=/dev/fd/{number}", f"--workdir={WORK_FOLDER}/home"]
            line = self.endpoint.docker("exec", *options, str(self.container.id), *args)
            try:
                return command.attached(line, pass_fds=[number])
            except FileNotFoundError:
                raise Problem.NO_COMMAND.error() from None

    def prepare(self, *folders: str) -> None:
        """Make the folders every step expects, and these; bring the CA bundle."""
        folders = (f"{WORK_FOLDER}/home", f"{WORK_FOLDER}/tmp", *folders)
        if self._exec(["mkdir", "-p", *folders], {}, lambda line: None, "/"):
            raise BuildError(f"can't make {', '.join(folders)} in the container")
        if self.network.ca_bundle:
            self.put([Item(_CA_BUNDLE, self.network.ca_bundle)])

    def _environment(self, env: dict[str, str], network: bool) -> dict[str, str]:
        ca_bundle = f"{WORK_FOLDER}/{_CA_BUNDLE}" if self.network.ca_bundle else None
        return step_environment(env, self.prt_root, WORK_FOLDER, self.network if network else None, ca_bundle)

    def _exec(self, args: list[str], env: Mapping[str, str], on_output: Output, workdir: str) -> int:
        assert self.container.client
        api = self.container.client.api
        execution = api.exec_create(self.container.id, args, environment=dict(env), workdir=workdir)["Id"]
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        rest = ""
        stream = api.exec_start(execution, stream=True)
        try:
            for chunk in stream:
                *lines, rest = (rest + decoder.decode(chunk)).split("\n")
                for line in lines:
                    on_output(line.rstrip("\r"))
        finally:
            with suppress(OSError):  # the other end is often gone first
                stream.close()
        if rest:
            on_output(rest)
        return int(api.exec_inspect(execution)["ExitCode"])


def _add(archive: tarfile.TarFile, item: Item) -> None:
    entry = tarfile.TarInfo(item.name)
    entry.mode = 0o755 if item.executable else 0o644
    if isinstance(item.content, Path):
        entry.size = item.content.stat().st_size
        with item.content.open("rb") as content:
            archive.addfile(entry, content)
    else:
        entry.size = len(item.content)
        archive.addfile(entry, io.BytesIO(item.content))
