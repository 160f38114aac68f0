"""Moves sequences past the values that a restore wrote, so that the next insert finds a free one.

A sequence never moves back, and stays where no row was written. It has no lock that a reader of its
value could hold, so others may draw numbers between a look at it and a `setval`. Up to
`_MOST_DRAWN` numbers are therefore drawn with `nextval`, which only goes forward. A longer way is
one `setval` under the lock that ALTER SEQUENCE takes; `nextval` waits for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from psycopg import errors, sql
from psycopg.pq.abc import PGresult

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.postgres.sql import name_of
from supakeep.databases.sql import sql_query
from supakeep.domain.schema import Table
from supakeep.errors import DatabasePermissionError

_MOST_DRAWN = 100_000


class TableSequence(NamedTuple):
    """A sequence that one of a table's columns draws from; `name` is qualified and quoted."""

    column: str
    name: str
    step: int
    lowest: int
    highest: int
    allowed: bool

    def further(self, values: Iterable[int]) -> int | None:
        """The value that the sequence reaches last. One at its very end does not count: behind it,
        the sequence could give out nothing.
        """
        low, high = self.lowest + (self.step < 0), self.highest - (self.step > 0)
        within = [value for value in values if low <= value <= high]
        return (max if self.step > 0 else min)(within) if within else None


class WrittenValues:
    """The furthest values that were written to the columns of one table that have a sequence."""

    def __init__(self, sequences: Sequence[TableSequence]) -> None:
        self._sequences = sequences
        self.columns = tuple(dict.fromkeys(sequence.column for sequence in sequences))
        self._furthest: dict[TableSequence, int] = {}

    def add(self, rows: PGresult) -> None:
        """Rows of the values of `columns`, as bigint in binary form."""
        for number, column in enumerate(self.columns):
            found = [rows.get_value(row, number) for row in range(rows.ntuples)]
            values = [int.from_bytes(value, signed=True) for value in found if value is not None]
            self.note(column, values)

    def note(self, column: str, values: list[int]) -> None:
        """Values that were written to one of `columns`."""
        for sequence in self._sequences:
            if sequence.column == column:
                self._note(sequence, values)

    def _note(self, sequence: TableSequence, values: list[int]) -> None:
        if (known := self._furthest.get(sequence)) is not None:
            values = [*values, known]
        if (furthest := sequence.further(values)) is not None:
            self._furthest[sequence] = furthest

    def furthest(self) -> dict[TableSequence, int]:
        """For each sequence that must move, the value that it must pass."""
        return dict(self._furthest)


def sequences_of(connection: Connection, table: Table) -> list[TableSequence]:
    name = name_of(table).as_string(connection)
    return [
        TableSequence(*row) for row in connection.execute(sql_query("table_sequences.sql"), [name])
    ]


class SequenceMoves:
    """What one transaction has to move at its end, since no rollback takes it back."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[TableSequence, int]] = {}

    def add(self, connection: Connection, table: Table, values: WrittenValues) -> list[str]:
        """Returns the sequences that are behind the values written to `table`.

        Raises DatabasePermissionError for one that the role may not move.
        """
        behind = []
        for sequence, value in values.furthest().items():
            if not sequence.allowed:
                raise _permission_denied(sequence, table)
            if _steps(connection, sequence, value):
                behind.append(sequence.name)
                # several tables may take their numbers from one sequence
                _, known = self._values.get(sequence.name, (sequence, value))
                self._values[sequence.name] = (sequence, sequence.further((known, value)) or value)
        return behind

    def carry_out(self, connection: Connection) -> None:
        for sequence, value in self._values.values():
            with mapped_errors("restore", sequence.name):
                _move(connection, sequence, value)


def _move(connection: Connection, sequence: TableSequence, value: int) -> None:
    steps = _steps(connection, sequence, value)
    if steps <= _MOST_DRAWN:
        _draw(connection, sequence, steps)
        return
    try:
        with connection.transaction():
            _lock(connection, sequence)
            _set(connection, sequence, value)
    except (errors.InsufficientPrivilege, errors.LockNotAvailable, errors.DeadlockDetected):
        # nobody draws as many numbers as are missing while this statement runs
        _set(connection, sequence, value)


def _steps(connection: Connection, sequence: TableSequence, value: int) -> int:
    """How many numbers are to be drawn until `value` is behind."""
    query = sql.SQL("select last_value, is_called from {}").format(sql.SQL(sequence.name))
    row = connection.execute(query).fetchone()
    last, is_called = row or (value, True)
    if (value - last) * sequence.step < 0:
        return 0
    # rounded up, in the direction of the step
    return max(0, -((last - value) // sequence.step) + (not is_called))


def _draw(connection: Connection, sequence: TableSequence, steps: int) -> None:
    try:
        with connection.transaction():
            connection.execute(
                "select count(nextval($1::regclass)) from generate_series(1, $2::int)",
                [sequence.name, steps],
            )
    except errors.SequenceGeneratorLimitExceeded:
        # others drew the last ones meanwhile
        return


def _lock(connection: Connection, sequence: TableSequence) -> None:
    """Keeps others from drawing numbers; nothing else changes."""
    connection.execute("set local lock_timeout = '5s'")
    connection.execute(
        sql.SQL("alter sequence {} increment by {}").format(
            sql.SQL(sequence.name), sql.Literal(sequence.step)
        )
    )


def _set(connection: Connection, sequence: TableSequence, value: int) -> None:
    query = sql.SQL("select setval($1::regclass, $2) from {} s where s.last_value {} $2").format(
        sql.SQL(sequence.name), sql.SQL("<" if sequence.step > 0 else ">")
    )
    connection.execute(query, [sequence.name, value])


def _permission_denied(sequence: TableSequence, table: Table) -> DatabasePermissionError:
    return DatabasePermissionError(
        f"Permission denied for sequence {sequence.name}",
        operation="restore",
        key=table.qualified_name,
        hint=f"GRANT SELECT, UPDATE ON SEQUENCE {sequence.name} to the role in SUPABASE_DB_URL.",
    )
