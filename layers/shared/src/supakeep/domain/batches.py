"""Rows in batches of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def batches(
    groups: Iterable[Sequence[bytes]], *, most_rows: int, most_bytes: int
) -> Iterator[list[bytes]]:
    """The rows of all groups, in their order, in batches of at most `most_rows` rows and
    `most_bytes` bytes. A row that is larger than that is a batch by itself.
    """
    batch: list[bytes] = []
    size = 0
    for row in (row for rows in groups for row in rows):
        if batch and (len(batch) == most_rows or size + len(row) > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += len(row)
    if batch:
        yield batch
