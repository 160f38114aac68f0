"""Do the same with many items, several at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

AT_ONCE = 16
"""As many requests wait for a store at a time: what a request takes is mostly its way there."""


def in_parallel(work: Callable[[A], B], items: Iterable[A], at_once: int = AT_ONCE) -> Iterator[B]:
    """`work` of each item, in the order of the items. Two results for each thread wait to be taken at
    most. The first error is raised, and nothing more is begun.
    """
    waiting: deque[Future[B]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(copy_context().run, work, item))
                if len(waiting) == 2 * at_once:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
