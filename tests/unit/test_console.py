"""What the user sees of a step, and what the log keeps."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from builder import console as module
from builder.console import Console, Log, clock, harmless, step_failed, table


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log that hides the word `secret`."""
    return Log(tmp_path / "logs" / "stage.log", lambda text: text.replace("secret", "****"))


@pytest.fixture(autouse=True)
def _a_step_takes_64_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    moments: Iterator[int] = iter(range(0, 6400, 64))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(moments)))


def run(console: Console, log: Log, *lines: str, name: str = "pip check", command: str = "pip") -> str:
    """Run a step that prints these lines; what the user sees."""
    with console.step(name, log, command) as on_output:
        for line in lines:
            on_output(line)
    assert isinstance(console.stream, io.StringIO)
    return console.stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (4.4, "0:04"), (59.6, "1:00"), (64, "1:04"), (3599.5, "1:00:00"), (3723, "1:02:03")],
)
def test_a_clock_shows_hours_only_when_there_are_any(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_a_table_is_as_wide_as_its_widest_cells_and_has_no_trailing_blanks() -> None:
    assert table(("A", "LONG"), [("one", "x"), ("", "")]) == "A    LONG\none  x\n"


def test_a_step_is_one_line_with_its_time_on_the_right(log: Log) -> None:
    shown = run(Console(stream=io.StringIO()), log, "noise")
    assert shown == f"  {'pip check':<72}    1:04\n"


def test_what_a_step_shows_is_below_it(log: Log) -> None:
    stream = io.StringIO()
    with Console(stream=stream).step("check", log, "check", shows_output=True) as on_output:
        on_output("profile: used")
    first, second = stream.getvalue().splitlines()
    assert first.startswith("  check ")
    assert second == "    profile: used"


def test_a_failed_step_says_so_and_has_no_time(log: Log) -> None:
    console = Console(stream=io.StringIO())
    with pytest.raises(RuntimeError), console.step("pip check", log, "pip"):
        raise RuntimeError
    assert isinstance(console.stream, io.StringIO)
    assert console.stream.getvalue() == f"  {'pip check':<72}  failed\n"


def test_an_interrupted_step_failed_too(log: Log) -> None:
    console = Console(stream=io.StringIO())
    with pytest.raises(KeyboardInterrupt), console.step("pip check", log, "pip"):
        raise KeyboardInterrupt
    assert isinstance(console.stream, io.StringIO)
    assert console.stream.getvalue().endswith("failed\n")


def test_verbose_announces_the_step_and_shows_its_lines(log: Log) -> None:
    lines = run(Console(verbose=True, stream=io.StringIO()), log, "one", "two").splitlines()
    assert lines[:3] == ["  pip check …", "$ pip", "one"]
    assert lines[4].endswith("1:04")


def test_folding_puts_the_lines_in_a_group_and_the_result_behind_it(log: Log) -> None:
    lines = run(Console(folding=True, stream=io.StringIO()), log, "one").splitlines()
    assert lines[:4] == ["::group::pip check", "$ pip", "one", "::endgroup::"]
    assert lines[4].endswith("1:04")


def test_folding_closes_the_group_of_a_failed_step(log: Log) -> None:
    console = Console(folding=True, stream=io.StringIO())
    with pytest.raises(RuntimeError), console.step("pip check", log, "pip"):
        raise RuntimeError
    assert isinstance(console.stream, io.StringIO)
    assert console.stream.getvalue().splitlines()[-1] == "::endgroup::"


def test_a_terminal_shows_the_running_step_in_the_line_of_its_result(log: Log) -> None:
    shown = run(Console(stream=Terminal()), log, "noise")
    running, _, result = shown.partition("\r")
    assert running == "  pip check …"
    assert result.startswith("  pip check   ")


@pytest.mark.parametrize("console", [{}, {"verbose": True}, {"folding": True}])
def test_no_secret_is_shown_or_logged(log: Log, console: dict[str, Any]) -> None:
    shown = run(Console(**console, stream=io.StringIO()), log, "password=secret", command="pip --password=secret")
    failure = step_failed("pip check", 1, "", log)
    assert "secret" not in shown + log.path.read_text() + str(failure).replace(str(log.path), "")
    assert "\npassword=****\n" in log.path.read_text()
    assert "\n$ pip --password=****\n" in log.path.read_text()


def test_the_log_keeps_every_line_of_every_step(log: Log) -> None:
    console = Console(stream=io.StringIO())
    run(console, log, *map(str, range(100)), name="first")
    run(console, log, "last", name="second")
    assert log.path.read_text().splitlines() == [
        "=== first",
        "$ pip",
        *map(str, range(100)),
        "=== second",
        "$ pip",
        "last",
    ]


def test_a_failure_shows_the_last_lines_and_where_all_are(log: Log) -> None:
    run(Console(stream=io.StringIO()), log, "of an earlier step")
    run(Console(stream=io.StringIO()), log, *(f"line {number}" for number in range(40)))
    problem = step_failed("pip check", 3, "change one of them", log)
    shown = problem.message.splitlines()
    assert shown[0] == "step 'pip check' failed with exit code 3; its last lines:"
    assert shown[1:-2] == [f"    line {number}" for number in range(25, 40)]
    assert shown[-2] == "  its command: pip"
    assert shown[-1] == f"  full log: {log.path}"
    assert problem.hint == "change one of them"


def test_a_failure_shows_no_lines_of_the_step_before(log: Log) -> None:
    run(Console(stream=io.StringIO()), log, "of an earlier step")
    run(Console(stream=io.StringIO()), log, name="second")
    assert "of an earlier step" not in step_failed("second", 1, "", log).message


def test_a_full_disk_is_named_in_the_hint(log: Log) -> None:
    run(Console(stream=io.StringIO()), log, "gcc: x.o: No space left on device", "make: *** [x.o] Error 1")
    assert step_failed("compile", 2, "the log has the compiler's words", log).hint.startswith("the disk is full")


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("plain, ünïcode\tand tabs", "plain, ünïcode\tand tabs"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b2Jcleared", "cleared"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x1b\\x", "x"),
        ("\x1bc", ""),
        ("back\x08space, bell\x07, half\rover", "back\N{REPLACEMENT CHARACTER}space, bell\N{REPLACEMENT CHARACTER}, "
         "half\N{REPLACEMENT CHARACTER}over"),
        ("::add-mask::e", "| ::add-mask::e"),
        ("  ::set-output name=x::y", "|   ::set-output name=x::y"),
        ("\x1b[0m::stop-commands::x", "| ::stop-commands::x"),
        ("text ##[add-mask]e", "text ## [add-mask]e"),
        ("std::string::size", "std::string::size"),
    ],
)  # fmt: skip
def test_a_line_of_a_step_moves_no_cursor_and_commands_nothing(log: Log, line: str, seen: str) -> None:
    assert harmless(line) == seen
    assert log.write(line) == seen


def test_what_a_failed_step_said_commands_nothing(log: Log) -> None:
    log.write("::add-mask::e")
    assert "::add-mask::" not in [line.strip()[:12] for line in str(step_failed("s", 1, "", log)).splitlines()]


def test_nothing_that_is_said_moves_a_cursor_or_commands(log: Log) -> None:
    console = Console(stream=io.StringIO(), folding=True)
    console.say("warning: cache: \x1b]0;title\x07 answered\n::add-mask::e")
    assert run(console, log, name="a\x1b[2Jb").startswith(
        "warning: cache:  answered\n| ::add-mask::e\n::group::ab\n$ pip\n::endgroup::\n  ab "
    )


def stage(console: Console, log: Log, *lines: str) -> str:
    """Run a stage of one step among others; what the user sees."""
    with console.stage("library-xz", log) as inner, inner.step("xz 1: make", log, "make") as on_output:
        for line in lines:
            on_output(line)
    assert isinstance(console.stream, io.StringIO)
    return console.stream.getvalue()


def test_a_stage_among_others_is_one_line_and_its_log_has_its_steps(log: Log) -> None:
    assert stage(Console(stream=io.StringIO()), log, "noise") == f"  {'library-xz':<72}    3:12\n"
    assert log.path.read_text() == "=== xz 1: make\n$ make\nnoise\n"


def test_a_verbose_console_shows_its_steps_under_its_name(log: Log) -> None:
    shown = stage(Console(stream=io.StringIO(), verbose=True), log, "noise")
    assert "library-xz: $ make\nlibrary-xz: noise\n" in shown
    assert shown.splitlines()[-1].split() == ["library-xz", "3:12"]


def test_github_actions_gets_its_steps_in_one_group_when_it_has_ended(log: Log) -> None:
    shown = stage(Console(stream=io.StringIO(), folding=True), log, "::add-mask::e")
    assert shown.startswith("::group::library-xz\n=== xz 1: make\n$ make\n| ::add-mask::e\n::endgroup::\n  library-xz ")


def test_a_stage_that_fails_before_its_first_step_has_nothing_to_show(log: Log) -> None:
    console = Console(stream=io.StringIO(), folding=True)
    with pytest.raises(OSError, match="no space"), console.stage("library-xz", log):
        raise OSError("no space")
    assert isinstance(console.stream, io.StringIO)
    assert console.stream.getvalue() == ""


def test_a_terminal_shows_which_stages_run(log: Log) -> None:
    console = Console(stream=Terminal())
    with console.stage("library-xz", log), console.stage("library-zlib", log):
        assert isinstance(console.stream, io.StringIO)
        assert console.stream.getvalue().rpartition("\r")[0].endswith(f"  {'library-xz, library-zlib':<72} …")
    assert console.stages == []
