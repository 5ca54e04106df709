"""The only way to start processes on this machine: a list of arguments, never a shell."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from builder.errors import BuildError


def quoted(args: Sequence[str]) -> str:
    """The command line as it can be pasted into a shell."""
    return shlex.join(args)


def output(args: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a command without input and return its standard output; BuildError with its last lines if it fails.

    A command that does not exist raises FileNotFoundError, for the caller to explain.
    """
    done = subprocess.run(
        args, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise BuildError(f"`{quoted(args)}` failed with exit code {done.returncode}:\n{last}")
    return done.stdout


def has_terminal() -> bool:
    """Whether a person uses this process directly: both its input and its output are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def attached(
    args: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None, pass_fds: Sequence[int] = ()
) -> int:
    """Run a command on this process's own terminal, input and output, and return its exit code."""
    sys.stdout.flush()
    return subprocess.run(args, cwd=cwd, env=env, pass_fds=pass_fds, check=False).returncode


def stream(
    args: Sequence[str],
    on_output: Callable[[str], None],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    umask: int = -1,
    pass_fds: Sequence[int] = (),
    running: set[int] | None = None,
) -> int:
    """Run a command, hand each line of its output (both streams) to `on_output`, and return its exit code.

    The command runs in a process group of its own, which is killed when we are interrupted. `pass_fds` are
    descriptors that it inherits. While it runs, its number is in `running`: another thread can `kill` it.
    """
    with subprocess.Popen(
        args,
        cwd=cwd,
        env=env,
        umask=umask,
        pass_fds=pass_fds,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        assert process.stdout
        groups = set() if running is None else running
        groups.add(process.pid)
        try:
            for line in process.stdout:
                on_output(line.rstrip("\n"))
            process.wait()
        except BaseException:
            kill({process.pid})
            raise
        finally:
            groups.discard(process.pid)
    return process.returncode


def bounded(args: Sequence[str], env: Mapping[str, str], *, seconds: float, largest: int) -> None:
    """Run a command that strangers answer; BuildError with its last lines if it fails.

    It is killed, with all that it started, when its time is over; no file that it writes gets larger than `largest`.
    """
    said: deque[str] = deque(maxlen=5)
    running: set[int] = set()
    limited = (*(("prlimit", f"--fsize={largest}") if shutil.which("prlimit") else ()), *args)
    timer = threading.Timer(seconds, lambda: kill(running))
    timer.start()
    try:
        code = stream(limited, said.append, env=env, running=running)
    finally:
        timer.cancel()
    why = {
        -signal.SIGKILL: f"killed: it may take {seconds} seconds",
        -signal.SIGXFSZ: f"killed: a file may have {largest:,} bytes",
    }
    if code:
        last = "\n".join((*said, *([why[code]] if code in why else ())))
        raise BuildError(f"`{quoted(args)}` failed with exit code {code}:\n{last}")


def kill(groups: Iterable[int]) -> None:
    """End process groups that `stream` started, at once."""
    for group in tuple(groups):
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.killpg(group, signal.SIGKILL)
