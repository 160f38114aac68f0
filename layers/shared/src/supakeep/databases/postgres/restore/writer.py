"""Writes the rows of one table: only those that differ, found by comparing JSON text as bytes.

Parsing is what costs. Both sides are the same JSON text made by Postgres, so a range of keys whose
bytes are equal is done with one comparison; only rows that differ are parsed, by Postgres.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from psycopg import sql

from supakeep.archive.layout import ROW_SEPARATOR
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.postgres.restore.deletion import Deletion
from supakeep.databases.postgres.restore.keys import Key, TableKeys
from supakeep.databases.postgres.restore.live import LiveRange, LiveRanges
from supakeep.databases.postgres.restore.session import RestoreSession
from supakeep.databases.postgres.restore.upsert import Upsert
from supakeep.databases.postgres.restore.values import ValueCheck
from supakeep.databases.postgres.sql import name_of, rows_of
from supakeep.domain.batches import batches
from supakeep.domain.row_changes import RestoreMode, RowChanges, are_equal, without_members
from supakeep.domain.schema import Table
from supakeep.errors import RestoreError

# so many at a time that several may be read ahead
_PORTION_ROWS = 1000
_PORTION_BYTES = 1024 * 1024
# where they may be megabytes wide
_FEW_ROWS = 8


class KeyedWriter:
    """A table with a primary key. Rows come in batches, in the key's order.

    The live rows of some batches are read ahead; a batch is settled when they are there.
    """

    def __init__(
        self, session: RestoreSession, table: Table, backed_up: Table, mode: RestoreMode
    ) -> None:
        self._session = session
        self._table = table
        self._mode = mode
        self._compared = [n for n in backed_up.column_names if n in table.column_names]
        self._dropped = set(backed_up.column_names) - set(table.column_names)
        self._values = ValueCheck(session.connection, table, backed_up)
        self._keys = TableKeys(session, table)
        self._live = LiveRanges(session, table, self._compared)
        self._asked: deque[LiveRange] = deque()
        self._is_empty = not any_row(session, table)
        overwritten = None if self._is_empty else self._overwritten()
        self._upsert = Upsert(session, table, backed_up, self._values, overwritten)
        self._deletion = Deletion(session, table, self._keys)
        self._deletes = mode is RestoreMode.REPLACE
        # a row that goes may hold what a unique index gives to a row that comes
        self._only_deletes = self._deletes and not self._is_empty and self._has_other_unique_index()
        self._done_until: Key | None = None
        self.changes = RowChanges(was_empty=self._is_empty)

    def write(self, rows: Sequence[bytes]) -> None:
        if self._dropped:
            rows = [without_members(row, self._dropped) for row in rows]
        with mapped_errors("restore", self._table.qualified_name):
            if self._is_empty:
                self.changes.inserted += len(rows)
                self._upsert.add(rows)
            else:
                for portion in batches([rows], most_rows=_PORTION_ROWS, most_bytes=_PORTION_BYTES):
                    self._ask(portion)
                    self._settle(self._live.ahead)
            # only now: a batch may be large so that rows stand in one statement with their parents
            self._upsert.flush_many()

    def finish(self) -> bool:
        """Ends what is under way; deletes what stands after the last row, in replace mode."""
        with mapped_errors("restore", self._table.qualified_name):
            self._settle(0)
            self._upsert.flush()
            if not self._is_empty:
                self._delete_others(self._done_until, None, [])
            self._session.wait()
        again = self._only_deletes
        if again:
            # what was deleted is there still for those who read ahead
            self._live = LiveRanges(self._session, self._table, self._compared, read_ahead=False)
        self._deletes, self._only_deletes = self._deletes and not again, False
        self._done_until = None
        return again

    def _ask(self, rows: Sequence[bytes]) -> None:
        first, last = self._keys.of(rows[0]), self._keys.of(rows[-1])
        with self._values.explained(rows, self._table.primary_key):
            self._asked.append(self._live.ask(rows, first, last))

    def _settle(self, left: int) -> None:
        """Compares and writes the batches that were asked for first, until so many are left."""
        while len(self._asked) > left:
            asked = self._asked.popleft()
            with self._values.explained(asked.rows, self._table.primary_key):
                self._merge(asked)

    def _merge(self, asked: LiveRange) -> None:
        rows, first, last = asked.rows, asked.first, asked.last
        live = asked.live()
        known = [] if self._done_until is None else [self._done_until]
        if live == ROW_SEPARATOR.join(rows):
            self._require_order([*known, first])
            self._settle_found(rows, _Found([], {}))
        elif live is not None and self._keys.are_plain:
            lines = live.split(ROW_SEPARATOR) if live else []
            self._settle_found(rows, self._compare(rows, lines))
        else:
            keys = [self._keys.of(row) for row in rows]
            self._require_order([*known, *keys])
            self._look_up(rows, keys, together=_FEW_ROWS if asked.is_wide else len(rows))
            self._delete_others(first, last, keys)
        self._delete_others(self._done_until, first, [first])
        self._done_until = last

    def _compare(self, rows: Sequence[bytes], live: Sequence[bytes]) -> _Found:
        """With the live rows from the first of these rows to the last; in replace mode those that
        the backup lacks are deleted. Equal lines are the same row: keys are read of the rest alone.
        """
        ours, theirs = set(rows), set(live)
        differing = [row for row in rows if row not in theirs]
        there = {self._keys.of(line): line for line in live if line not in ours}
        old = {row: there.pop(self._keys.of(row), None) for row in differing}
        if there and self._deletes:
            self.changes.deleted += self._deletion.of_keys(list(there))
        return _Found(differing, old)

    def _look_up(self, rows: Sequence[bytes], keys: Sequence[Key], *, together: int) -> None:
        """With the live rows that have the same keys, wherever they stand."""
        for start in range(0, len(rows), together):
            some = rows[start : start + together]
            live = self._keys.live_rows(keys[start : start + together], self._compared)
            old = {row: line for row, line in zip(some, live, strict=True) if row != line}
            self._settle_found(some, _Found(list(old), old))

    def _settle_found(self, rows: Sequence[bytes], found: _Found) -> None:
        if not self._only_deletes:
            self.changes.unchanged += len(rows) - len(found.differing)
            self._write_differences(found)

    def _write_differences(self, found: _Found) -> None:
        written = []
        for row in found.differing:
            there = found.old[row]
            if there is None:
                self.changes.inserted += 1
            elif are_equal(row, there) or self._mode is RestoreMode.MISSING_ONLY:
                self.changes.unchanged += 1
                continue
            else:
                self.changes.updated += 1
                self.changes.sample(self._table.primary_key, there, row)
            written.append(row)
        self._upsert.add(written)

    def _delete_others(self, low: Key | None, high: Key | None, kept: Sequence[Key]) -> None:
        """In replace mode: the live rows above `low` and up to `high` but the `kept` ones."""
        if self._deletes:
            self.changes.deleted += self._deletion.others(low, high, kept)

    def _require_order(self, keys: Sequence[Key]) -> None:
        """What stands between two keys of the backup is deleted, so both must sort alike."""
        if not self._deletes or self._keys.are_plain or self._keys.are_in_order(keys):
            return
        raise RestoreError(
            f"{self._table.qualified_name}: its key sorts otherwise than in the backup's database "
            "(another collation, or another order of an enum), so replace cannot tell what to delete",
            operation="restore",
            key=self._table.qualified_name,
            hint="Use the mode merge, or empty the table first.",
        )

    def _overwritten(self) -> list[str]:
        if self._mode is RestoreMode.MISSING_ONLY:
            return []
        # equal keys may be spelled differently
        key = self._table.primary_key if self._keys.are_plain else ()
        return [name for name in self._table.column_names if name not in key]

    def _has_other_unique_index(self) -> bool:
        query = (
            "select exists (select from pg_index i where i.indrelid = $1::regclass "
            "and (i.indisunique or i.indisexclusion) and not i.indisprimary)"
        )
        connection = self._session.connection
        row = connection.execute(query, [name_of(self._table).as_string(connection)]).fetchone()
        return bool(row and row[0])


class _Found(NamedTuple):
    """Rows that no live row equals, and the live row with the key of each, if there is one."""

    differing: Sequence[bytes]
    old: Mapping[bytes, bytes | None]


class KeylessWriter:
    """A table without a primary key: what is there goes, what the backup has comes."""

    def __init__(self, session: RestoreSession, table: Table, backed_up: Table) -> None:
        self._session = session
        self._table = table
        self._dropped = set(backed_up.column_names) - set(table.column_names)
        values = ValueCheck(session.connection, table, backed_up)
        self._upsert = Upsert(session, table, backed_up, values, overwritten=None)
        self._deletion = Deletion(session, table, TableKeys(session, table))
        self._is_empty = not any_row(session, table)
        self.changes = RowChanges()

    def write(self, rows: Sequence[bytes]) -> None:
        if self._dropped:
            rows = [without_members(row, self._dropped) for row in rows]
        with mapped_errors("restore", self._table.qualified_name):
            self._clear()
            self.changes.inserted += len(rows)
            self._upsert.add(rows)
            self._upsert.flush_many()

    def finish(self) -> bool:
        with mapped_errors("restore", self._table.qualified_name):
            self._clear()
            self._upsert.flush()
            self._session.wait()
        return False

    def _clear(self) -> None:
        if not self._is_empty:
            self.changes.deleted += self._deletion.all()
        self._is_empty = True


def any_row(session: RestoreSession, table: Table) -> bool:
    query = sql.SQL("select exists (select from {})").format(rows_of(table))
    row = session.connection.execute(query).fetchone()
    return bool(row and row[0])
