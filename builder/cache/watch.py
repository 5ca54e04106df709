"""An exchange with a hard end: when time is up its connection is cut, whatever the other side sends or does not."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Self

from builder.cache.patience import Patience, Trouble
from builder.connections import Session, Watchdog


class Watch:
    """Cuts the session's connections after the deadline, or when too few bytes `moved` in the last `grace` seconds.

    It then raises Trouble, whatever the cut connection looked like.
    """

    def __init__(
        self, session: Session, what: str, deadline: float, patience: Patience, now: Callable[[], float]
    ) -> None:
        self.moved = 0  # bytes of bodies, either way
        self._session, self._what, self._deadline, self._patience, self._now = session, what, deadline, patience, now
        self._seen: deque[tuple[float, int]] = deque([(now(), 0)])  # when, and how many bytes had moved then
        self._dog = Watchdog(session, min(1, patience.idle / 4), self._is_too_slow)

    def __enter__(self) -> Self:
        self._dog.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._dog.stop()
        self._session.let_go()
        if self._dog.bit and (kind is None or issubclass(kind, Exception)):
            raise Trouble("timeout", f"{self._what} is too slow") from None

    def _is_too_slow(self) -> bool:
        now, window = self._now(), self._patience.grace
        self._seen.append((now, self.moved))
        while len(self._seen) > 1 and self._seen[1][0] <= now - window:
            self._seen.popleft()
        since, before = self._seen[0]
        return now > self._deadline or (since <= now - window and self.moved - before < window * self._patience.slowest)
