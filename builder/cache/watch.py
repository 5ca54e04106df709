"""An exchange with a hard end: when time is up its connection is cut, whatever the other side sends or does not."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Self

from builder.cache.patience import Patience, Trouble
from builder.connections import Session


class Watch:
    """Cuts the session's connections after the deadline, or when too few bytes `moved` in the last `grace` seconds.

    It then raises Trouble, whatever the cut connection looked like.
    """

    def __init__(
        self, session: Session, what: str, deadline: float, patience: Patience, now: Callable[[], float]
    ) -> None:
        self.moved = 0  # bytes of bodies, either way
        self._session, self._what, self._deadline, self._patience, self._now = session, what, deadline, patience, now
        self._over, self._too_slow = threading.Event(), threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._over.set()
        self._watcher.join()
        self._session.let_go()
        if self._too_slow.is_set() and (kind is None or issubclass(kind, Exception)):
            raise Trouble("timeout", f"{self._what} is too slow") from None

    def _watch(self) -> None:
        window, least = self._patience.grace, self._patience.grace * self._patience.slowest
        seen = deque([(self._now(), 0)])
        while not self._over.wait(min(1, self._patience.idle / 4)):
            now = self._now()
            seen.append((now, self.moved))
            while len(seen) > 1 and seen[1][0] <= now - window:
                seen.popleft()
            slow = seen[0][0] <= now - window and self.moved - seen[0][1] < least
            if now > self._deadline or slow or self._too_slow.is_set():
                self._too_slow.set()
                self._session.cut()  # again and again: another request may have begun
