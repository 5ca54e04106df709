"""Work that is done side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


def side_by_side(works: Mapping[K, Callable[[], T]], at_once: int, stop: Callable[[], None]) -> dict[K, T]:
    """The results of works, up to `at_once` of them done at a time.

    If one raises, those that run are waited for, and no other is begun; `stop` must end them if we are interrupted.
    """
    if at_once == 1 or len(works) == 1:
        return {name: work() for name, work in works.items()}
    with ThreadPoolExecutor(at_once) as pool:
        running = {name: pool.submit(work) for name, work in works.items()}
        try:
            return {name: future.result() for name, future in running.items()}
        except BaseException as problem:
            pool.shutdown(wait=False, cancel_futures=True)
            if not isinstance(problem, Exception):
                stop()
            raise
