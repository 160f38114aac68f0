"""Rows in batches of bounded size."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate


def batches(
    groups: Iterable[Sequence[bytes]], *, most_rows: int, most_bytes: int
) -> Iterator[list[bytes]]:
    """The rows of all groups, in their order, in batches of at most `most_rows` rows and
    `most_bytes` bytes. A row that is larger than that is a batch by itself.
    """
    batch: list[bytes] = []
    size = 0
    for rows in groups:
        position = 0
        while position < len(rows):
            # many at a time: a look at each row by itself would take as long as reading them
            given = rows[position : position + most_rows - len(batch)]
            taken, width = _fitting(given, most_bytes - size, at_least=0 if batch else 1)
            batch += taken
            size += width
            position += len(taken)
            if len(taken) < len(given) or len(batch) == most_rows:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _fitting(rows: Sequence[bytes], most: int, *, at_least: int) -> tuple[Sequence[bytes], int]:
    """As many of the first rows as have at most so many bytes together, and how many they have."""
    width = sum(map(len, rows))
    if width <= most:
        return rows, width
    ends = list(accumulate(map(len, rows)))
    count = max(at_least, bisect_right(ends, most))
    return rows[:count], ends[count - 1] if count else 0
