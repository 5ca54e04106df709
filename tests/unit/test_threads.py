"""Work side by side: as much at a time as there is room, and nobody is left to work on for nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from builder.errors import UserError
from builder.threads import side_by_side


@pytest.mark.parametrize("at_once", [1, 2])
def test_each_work_has_its_result_in_their_order(at_once: int) -> None:
    found = side_by_side({"b": lambda: 1, "a": lambda: 2, "c": lambda: 3}, at_once, pytest.fail)
    assert [*found.items()] == [("b", 1), ("a", 2), ("c", 3)]


def test_two_are_done_at_the_same_time_where_there_is_room() -> None:
    meeting = threading.Barrier(2, timeout=20)
    side_by_side(dict.fromkeys("ab", meeting.wait), 2, meeting.abort)


@pytest.mark.parametrize("works", ["a", "ab"])
def test_where_there_is_nothing_to_do_besides_no_thread_is_begun(works: str) -> None:
    here = side_by_side(dict.fromkeys(works, threading.get_ident), 1 if len(works) > 1 else 2, pytest.fail)
    assert {*here.values()} == {threading.get_ident()}


def test_an_interruption_ends_the_others_first() -> None:
    stopped = threading.Event()

    def interrupted() -> bool:
        raise KeyboardInterrupt

    works: dict[str, Callable[[], bool]] = {"a": interrupted, "b": lambda: stopped.wait(20)}
    with pytest.raises(KeyboardInterrupt):
        side_by_side(works, 2, stopped.set)
    assert stopped.is_set()


def test_after_a_failure_the_others_come_to_their_end_and_no_more_are_begun() -> None:
    failed, begun = threading.Event(), []

    def fails() -> None:
        failed.set()
        raise UserError("no such image")

    def other() -> None:
        begun.append(failed.wait(20))

    with pytest.raises(UserError):
        side_by_side({"a": fails, "b": other, **dict.fromkeys("cdefgh", other)}, 2, pytest.fail)
    assert 1 <= len(begun) <= 3
    assert all(begun)
