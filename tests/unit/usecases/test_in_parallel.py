"""The same with many items: several at a time, in their order, and never far ahead of who takes it."""

from __future__ import annotations

from contextvars import ContextVar
from itertools import count
from threading import Barrier, Lock

import pytest

from supakeep.usecases.in_parallel import AT_ONCE, in_parallel

SETTING = ContextVar("SETTING", default="none")


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(in_parallel(str, range(1000))) == [str(number) for number in range(1000)]


def test_no_items_give_no_results() -> None:
    assert list(in_parallel(str, [])) == []


def test_so_many_are_at_work_at_a_time() -> None:
    together = Barrier(AT_ONCE, timeout=10)

    list(in_parallel(lambda _: together.wait(), range(AT_ONCE)))


def test_few_results_wait_to_be_taken() -> None:
    begun, lock = [], Lock()

    def work(number: int) -> int:
        with lock:
            begun.append(number)
        return number

    # without an end
    results = in_parallel(work, count())
    assert [next(results) for _ in range(3)] == [0, 1, 2]

    assert len(begun) <= 3 + 2 * AT_ONCE
    results.close()  # type: ignore[attr-defined]


def test_the_first_error_is_raised_and_nothing_more_is_begun() -> None:
    begun = []

    def work(number: int) -> None:
        begun.append(number)
        if number == 5:
            raise ValueError("the sixth")

    with pytest.raises(ValueError, match="the sixth"):
        list(in_parallel(work, range(10_000)))

    assert len(begun) <= 6 + 3 * AT_ONCE


def test_work_sees_the_context_of_its_caller() -> None:
    token = SETTING.set("patient")
    try:
        assert set(in_parallel(lambda _: SETTING.get(), range(40))) == {"patient"}
    finally:
        SETTING.reset(token)
