"""Compares rows of a backup with the live ones, range of keys by range of keys.

Parsing is what costs. Both sides are the same JSON text made by Postgres, so a range of keys whose
bytes are equal is done with one comparison; only rows that differ are parsed, by Postgres.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from supakeep.archive.layout import ROW_SEPARATOR
from supakeep.databases.postgres.errors import without_values
from supakeep.databases.postgres.restore.keys import Key, TableKeys
from supakeep.databases.postgres.restore.live import LiveRange, LiveRanges
from supakeep.databases.postgres.restore.session import RestoreSession
from supakeep.databases.postgres.restore.values import REFUSALS, ValueCheck
from supakeep.domain.batches import batches
from supakeep.domain.row_changes import are_equal
from supakeep.domain.schema import Table
from supakeep.errors import RestoreError

# so many at a time that several may be read ahead
_PORTION_ROWS = 1000
_PORTION_BYTES = 1024 * 1024
# where they may be megabytes wide
_FEW_ROWS = 8


class Gap(NamedTuple):
    """Live rows above `low` and up to `high` but for those whose keys are `kept`."""

    low: Key | None
    high: Key | None
    kept: Sequence[Key]


class Found(NamedTuple):
    """What was found in one range: how many rows are the same, those that differ, each with the live
    row that has its key, and where the live rows are that the backup does not have.
    """

    equal: int
    differing: Sequence[tuple[bytes, bytes | None]]
    extra_keys: Sequence[Key] = ()
    gaps: Sequence[Gap] = ()


class Comparison:
    """One pass over the rows of one table, in the order of its key.

    With `finds_extra`, the live rows that the backup lacks are found too. That takes a key which
    sorts as it did: RestoreError where it does not.
    """

    def __init__(
        self,
        session: RestoreSession,
        table: Table,
        values: ValueCheck,
        *,
        compared: Sequence[str],
        finds_extra: bool,
        read_ahead: bool = True,
    ) -> None:
        self._session = session
        self._table = table
        self._values = values
        self._keys = TableKeys(session, table)
        self._compared = compared
        self._finds_extra = finds_extra
        self._live = LiveRanges(session, table, compared, read_ahead=read_ahead)
        self._asked: deque[LiveRange] = deque()
        self._done_until: Key | None = None

    def add(self, rows: Sequence[bytes]) -> Iterator[Found]:
        for portion in batches([rows], most_rows=_PORTION_ROWS, most_bytes=_PORTION_BYTES):
            first, last = self._keys.of(portion[0]), self._keys.of(portion[-1])
            self._asked.append(self._live.ask(portion, first, last))
            yield from self._settle(self._live.ahead)

    def finish(self) -> Iterator[Found]:
        yield from self._settle(0)
        if self._finds_extra:
            yield Found(0, (), gaps=[Gap(self._done_until, None, [])])

    def _settle(self, left: int) -> Iterator[Found]:
        """Compares the ranges that were asked for first, until so many are left."""
        while len(self._asked) > left:
            asked = self._asked.popleft()
            try:
                yield from self._compare(asked)
            except REFUSALS as exc:
                self._session.abandon()
                key = self._table.primary_key
                if refused := self._values.explanation(exc, asked.rows, key):
                    raise refused from without_values(exc)
                raise

    def _compare(self, asked: LiveRange) -> Iterator[Found]:
        rows, first, last = asked.rows, asked.first, asked.last
        live = asked.live()
        known = [] if self._done_until is None else [self._done_until]
        if live == ROW_SEPARATOR.join(rows):
            self._require_order([*known, first])
            yield Found(len(rows), ())
        elif live is not None and self._keys.are_plain:
            yield self._by_line(rows, live.split(ROW_SEPARATOR) if live else [])
        else:
            keys = [self._keys.of(row) for row in rows]
            self._require_order([*known, *keys])
            yield from self._by_key(rows, keys, together=_FEW_ROWS if asked.is_wide else len(rows))
            yield from self._gap(first, last, keys)
        yield from self._gap(self._done_until, first, [first])
        self._done_until = last

    def _gap(self, low: Key | None, high: Key, kept: Sequence[Key]) -> Iterator[Found]:
        if self._finds_extra:
            yield Found(0, (), gaps=[Gap(low, high, kept)])

    def _by_line(self, rows: Sequence[bytes], live: Sequence[bytes]) -> Found:
        """With the live rows from the first of these rows to the last. Equal lines are the same row:
        only the keys of the others are read.
        """
        if (differing := self._side_by_side(rows, live)) is not None:
            return _found(len(rows), differing)
        ours, theirs = set(rows), set(live)
        there = {self._keys.of(line): line for line in live if line not in ours}
        pairs = [(row, there.pop(self._keys.of(row), None)) for row in rows if row not in theirs]
        found = _found(len(rows), pairs)
        return found._replace(extra_keys=list(there)) if self._finds_extra else found

    def _side_by_side(
        self, rows: Sequence[bytes], live: Sequence[bytes]
    ) -> list[tuple[bytes, bytes]] | None:
        """The rows that differ, each with the live one; None where the keys are not the same. Most
        ranges have the same keys, and then no line is hashed.
        """
        if len(rows) != len(live):
            return None
        pairs = [(row, line) for row, line in zip(rows, live, strict=True) if row != line]
        same = all(self._keys.of(row) == self._keys.of(line) for row, line in pairs)
        return pairs if same else None

    def _by_key(
        self, rows: Sequence[bytes], keys: Sequence[Key], *, together: int
    ) -> Iterator[Found]:
        """With the live rows that have the same keys, wherever they stand."""
        for start in range(0, len(rows), together):
            some = rows[start : start + together]
            live = self._keys.live_rows(keys[start : start + together], self._compared)
            yield _found(len(some), zip(some, live, strict=True))

    def _require_order(self, keys: Sequence[Key]) -> None:
        """What stands between two keys of the backup is deleted, so both must sort alike."""
        if not self._finds_extra or self._keys.are_plain or self._keys.are_in_order(keys):
            return
        raise RestoreError(
            f"{self._table.qualified_name}: its key sorts otherwise than in the backup's database "
            "(another collation, or another order of an enum), so replace cannot tell what to "
            "delete",
            operation="restore",
            key=self._table.qualified_name,
            hint="Use the mode merge, or empty the table first.",
        )


def _found(total: int, pairs: Iterable[tuple[bytes, bytes | None]]) -> Found:
    differing = [(row, live) for row, live in pairs if live is None or not are_equal(row, live)]
    return Found(total - len(differing), differing)
