"""How long a server is waited for, how often it is asked again, and how that ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """Seconds to connect, between two bytes, and to wait at most before another try; the number of tries.

    All tries together may take `grace` seconds, and what the size needs at `slowest` bytes a second. In any `grace`
    seconds of a try as many bytes must arrive as that speed brings.
    """

    connect: float = 5
    idle: float = 30
    longest_wait: float = 30
    attempts: int = 3
    grace: float = 60
    slowest: int = 64 * 1024


PATIENT = Patience()


class Absent(Exception):
    """The server has no such object."""


class Trouble(Exception):
    """What went wrong: its cause in one word, the whole sentence, and whether another try may help."""

    def __init__(self, cause: str, message: str, passing: bool = False, retry_after: float = 0) -> None:
        # The text may come from a server, and move a terminal's cursor.
        super().__init__("".join(letter if letter.isprintable() else "?" for letter in message))
        self.cause = cause
        self.passing = passing
        self.retry_after = retry_after


def repeated(
    attempt: Callable[[float], T],
    size: int,
    patience: Patience,
    sleep: Callable[[float], None],
    now: Callable[[], float],
) -> T:
    """Try, with the deadline of all tries for so many bytes, until it succeeds or there is no hope."""
    deadline = now() + patience.grace + size / patience.slowest
    jitter = tenacity.wait_random_exponential(max=5)

    def hopeful(problem: BaseException) -> bool:
        passing = isinstance(problem, Trouble) and problem.passing and problem.retry_after <= patience.longest_wait
        return passing and now() <= deadline

    def wait(state: tenacity.RetryCallState) -> float:
        problem = state.outcome.exception() if state.outcome else None
        return max(jitter(state), problem.retry_after if isinstance(problem, Trouble) else 0)

    tries = tenacity.Retrying(
        retry=tenacity.retry_if_exception(hopeful),
        stop=tenacity.stop_after_attempt(patience.attempts),
        wait=wait,
        sleep=sleep,
        reraise=True,
    )
    return tries(attempt, deadline)
