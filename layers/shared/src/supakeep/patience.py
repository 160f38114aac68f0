"""Waiting with a limit."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises. Raises TimeoutError where it takes longer than `seconds`: nothing
    can end it then, and it goes on beside the program, whose end does not wait for it.
    """
    end: Future[T] = Future()
    context = copy_context()

    def carry_out() -> None:
        try:
            end.set_result(context.run(work))
        except BaseException as exc:  # noqa: BLE001  (whoever waits gets it)
            end.set_exception(exc)

    Thread(target=carry_out, name="supakeep-patience", daemon=True).start()
    return end.result(timeout=seconds)
