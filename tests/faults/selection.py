"""The part of the matrix that runs without `--every-fault`: the same one each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from zlib import crc32

import pytest

T = TypeVar("T")

_EVERY_SO_MANY = 8


def part_of(cases: Sequence[T], config: pytest.Config) -> Sequence[T]:
    """Every eighth, or all of them."""
    return cases if config.getoption("--every-fault") else cases[::_EVERY_SO_MANY]


def one_of(plans: Sequence[T], name: str, config: pytest.Config) -> Sequence[T]:
    """One that the test's name chooses, or all of them."""
    if config.getoption("--every-fault"):
        return plans
    place = crc32(name.encode()) % len(plans)
    return plans[place : place + 1]
