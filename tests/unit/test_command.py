"""Processes: what they print, how they end, and that none outlives us."""

from __future__ import annotations

import os
import select
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder import command
from builder.errors import BuildError

pytestmark = pytest.mark.needs("sh")


@pytest.fixture
def umask_077() -> Iterator[None]:
    """A user whose files are their own."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def lines_of(script: str, cwd: Path | None = None) -> list[str]:
    """The lines a shell script prints."""
    lines: list[str] = []
    command.stream(["sh", "-c", script], lines.append, cwd=cwd)
    return lines


@given(st.lists(st.text(), min_size=1))
def test_a_quoted_command_line_can_be_pasted(args: list[str]) -> None:
    assert shlex.split(command.quoted(args)) == args


def test_output_is_what_the_command_printed(tmp_path: Path) -> None:
    assert command.output(["sh", "-c", "pwd; echo noise >&2"], cwd=tmp_path) == f"{tmp_path}\n"


def test_output_takes_the_environment_it_is_given() -> None:
    assert command.output(["/bin/sh", "-c", "echo $ONLY"], env={"ONLY": "this"}) == "this\n"


def test_a_failing_command_is_quoted_with_its_code_and_last_lines() -> None:
    with pytest.raises(BuildError) as problem:
        command.output(["sh", "-c", "for i in 1 2 3 4 5 6; do echo line $i >&2; done; exit 3"])
    first, *rest = problem.value.message.splitlines()
    assert first.startswith("`sh -c 'for i in")
    assert first.endswith("` failed with exit code 3:")
    assert rest == [f"line {number}" for number in range(2, 7)]


def test_a_failing_command_that_wrote_no_error_shows_its_output() -> None:
    with pytest.raises(BuildError, match="only this"):
        command.output(["sh", "-c", "echo only this; exit 1"])


@pytest.mark.parametrize("run", [command.output, lambda args: command.stream(args, print)])
def test_a_command_that_does_not_exist_is_for_the_caller_to_explain(run: object) -> None:
    assert callable(run)
    with pytest.raises(FileNotFoundError):
        run(["no-such-command-here"])


def test_stream_hands_out_both_streams_line_by_line() -> None:
    assert lines_of("echo one; echo two >&2; printf 'no newline'") == ["one", "two", "no newline"]


def test_stream_replaces_what_is_no_text() -> None:
    assert lines_of(r"printf 'caf\351\n'") == ["caf\N{REPLACEMENT CHARACTER}"]


def test_stream_runs_in_the_folder_it_gets(tmp_path: Path) -> None:
    assert lines_of("pwd", tmp_path) == [str(tmp_path)]


def test_a_command_has_no_input_to_wait_for() -> None:
    assert lines_of("cat; echo end") == ["end"]
    program = "from builder import command; print(command.output(['cat']), 'end')"
    asked = [sys.executable, "-c", program]
    root = Path(__file__).parents[2]
    with subprocess.Popen(asked, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.read() == " end\n"  # though nobody closes its input


@pytest.mark.parametrize("code", [0, 1, 77])
def test_stream_answers_the_exit_code(code: int) -> None:
    assert command.stream(["sh", "-c", f"exit {code}"], print) == code


@pytest.mark.usefixtures("umask_077")
def test_stream_sets_the_umask() -> None:
    lines: list[str] = []
    command.stream(["sh", "-c", "umask"], lines.append, umask=0o022)
    assert lines == ["0022"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interruption_kills_the_command_and_its_children(tmp_path: Path, error: type[BaseException]) -> None:
    # The pipe is open for writing as long as one of them lives.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    seen: list[int] = []

    def interrupted(line: str) -> None:
        seen.append(int(line))
        raise error

    with pytest.raises(error):
        command.stream(["sh", "-c", 'exec 9>"$0"; sleep 600 & echo $$; wait', str(pipe)], interrupted)
    with pytest.raises(ProcessLookupError):
        os.kill(seen[0], 0)
    poll = select.poll()
    poll.register(reader, 0)
    ended = poll.poll(10_000)
    os.close(reader)
    assert ended, "a child is still alive"


@pytest.mark.parametrize("code", [0, 3])
def test_an_attached_command_has_our_output_and_its_own_exit_code(code: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert command.attached(["sh", "-c", f"echo hello; exit {code}"]) == code
    assert capfd.readouterr().out == "hello\n"


def test_a_bounded_command_is_killed_with_its_children() -> None:
    started = time.monotonic()
    with pytest.raises(BuildError, match="killed: it may take 1 seconds"):
        command.bounded(["sh", "-c", "sleep 600 & wait"], os.environ, seconds=1, largest=1000)
    assert time.monotonic() - started < 30


def test_a_bounded_command_that_fails_shows_its_last_lines() -> None:
    with pytest.raises(BuildError, match=r"exit code 3:\nwhy$"):
        command.bounded(["sh", "-c", "echo why >&2; exit 3"], os.environ, seconds=60, largest=1000)
    command.bounded(["true"], os.environ, seconds=60, largest=1000)


@pytest.mark.needs("prlimit")
def test_no_file_of_a_bounded_command_gets_larger_than_it_may(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="a file may have 1,000 bytes"):
        command.bounded(["dd", "if=/dev/zero", f"of={tmp_path}/x"], os.environ, seconds=60, largest=1000)
    assert (tmp_path / "x").stat().st_size <= 1000


def test_under_a_test_there_is_no_terminal() -> None:
    assert not command.has_terminal()
