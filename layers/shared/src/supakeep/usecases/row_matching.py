"""Match the rows of two sides by their primary key, in one pass over each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from supakeep.domain.row_changes import are_equal, tokens_of
from supakeep.usecases.unmatched_rows import UnmatchedRows

Pair = tuple[bytes | None, bytes | None]
"""A row before and after; None where that side does not have it."""


@dataclass
class RowMatching:
    """Iterates over the pairs that differ; `unchanged` counts the others.

    Both sides have their rows in the order of the key, but only their database knows that order: a
    text's depends on its collation. So the order of the keys' text says only which side is read on. A
    row that the other side has not shown yet waits on the disk, and is right however they are sorted.
    """

    key: Sequence[str]
    unchanged: int = 0

    def __call__(self, before: Iterator[bytes], after: Iterator[bytes]) -> Iterator[Pair]:
        with UnmatchedRows() as removed, UnmatchedRows() as added:
            for old, new in self._matched(before, after, removed, added):
                if are_equal(old, new):
                    self.unchanged += 1
                else:
                    yield old, new
            for old in removed:
                yield old, None
            for new in added:
                yield None, new

    def _matched(
        self,
        before: Iterator[bytes],
        after: Iterator[bytes],
        removed: UnmatchedRows,
        added: UnmatchedRows,
    ) -> Iterator[tuple[bytes, bytes]]:
        old, new = next(before, None), next(after, None)
        while old is not None or new is not None:
            if old is not None and new is not None and (old == new or self._have_one_key(old, new)):
                yield old, new
                old, new = next(before, None), next(after, None)
            elif new is None or (old is not None and self._sorts_before(old, new)):
                assert old is not None  # noqa: S101 - the loop's condition
                found = self._take(old, added, removed)
                if found is not None:
                    yield old, found
                old = next(before, None)
            else:
                found = self._take(new, removed, added)
                if found is not None:
                    yield found, new
                new = next(after, None)

    def _take(self, row: bytes, waiting: UnmatchedRows, own: UnmatchedRows) -> bytes | None:
        """The row of the other side that waits for this one; where none does, this one waits."""
        key = "\0".join(self._tokens(row)).encode()
        found = waiting.take(key)
        if found is None:
            own.add(key, row)
        return found

    def _have_one_key(self, old: bytes, new: bytes) -> bool:
        return self._tokens(old) == self._tokens(new)

    def _sorts_before(self, old: bytes, new: bytes) -> bool:
        keys = (map(_sort_value, self._tokens(row)) for row in (old, new))
        first, second = (tuple(key) for key in keys)
        return first < second

    def _tokens(self, row: bytes) -> list[str]:
        tokens = tokens_of(row, self.key)
        return [tokens.get(name, "null") for name in self.key]


def _sort_value(token: str) -> tuple[int, Decimal, str]:
    if token[:1] in "-0123456789":
        return (0, Decimal(token), "")
    return (1, Decimal(), json.loads(token) if token.startswith('"') else token)
