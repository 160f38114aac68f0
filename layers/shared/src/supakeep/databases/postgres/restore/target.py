"""A Postgres database as the target of a restore: one transaction for all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import LiteralString, NamedTuple

import psycopg
from psycopg import errors, sql

from supakeep.databases.postgres.catalog import read_catalog
from supakeep.databases.postgres.connection import (
    BEGIN_READING,
    Connection,
    connect,
    exported_snapshot,
)
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.postgres.restore.session import LiveReaders, RestoreSession, open_readers
from supakeep.databases.postgres.restore.writer import KeyedWriter, KeylessWriter
from supakeep.databases.postgres.sql import columns_of, name_of, rows_of
from supakeep.databases.sql import sql_query
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Catalog, ForeignKey, Table
from supakeep.errors import DatabasePermissionError
from supakeep.ports import ForeignKeyViolation, TableWriter

TRIGGERS_FIRE = (
    "This role may not set session_replication_role, so triggers fire while rows are written"
)

# whatever the role's or the database's default is
_BEGIN_WRITING: LiteralString = "begin isolation level read committed, read write"
# Triggers and rules that fire although the session is a replica.
_ALWAYS_FIRED: LiteralString = """
with written as (
  select root as oid from unnest($1::regclass[]) root
  union
  select part.relid from unnest($1::regclass[]) root, pg_partition_tree(root) part)
select exists (select from pg_trigger t join written w on w.oid = t.tgrelid where t.tgenabled in ('A', 'R'))
    or exists (select from pg_rewrite r join written w on w.oid = r.ev_class where r.ev_enabled in ('A', 'R'))
"""


class _Sequence(NamedTuple):
    """A column's sequence; `name` is qualified and quoted."""

    column: str
    name: str
    step: int
    lowest: int
    highest: int
    allowed: bool


@contextmanager
def open_transaction(url: str, connections: int, *, dry_run: bool) -> Iterator[PostgresTransaction]:
    """Everything that is written inside happens at its end, or not at all.

    `connections` more read ahead of it. A dry run writes nothing, and is told what it would write
    from one snapshot.
    """
    with connect(url) as connection:
        with mapped_errors("restore"):
            # a real run sees what was committed before it got its locks, and nobody writes after
            connection.execute(BEGIN_READING if dry_run else _BEGIN_WRITING)
        try:
            with ExitStack() as opened:
                background = opened.enter_context(ThreadPoolExecutor(1, "supakeep-restore"))
                session = RestoreSession(connection, background, dry_run=dry_run)
                transaction = PostgresTransaction(
                    session,
                    lambda tables, snapshot: opened.enter_context(
                        open_readers(url, connections, tables, snapshot)
                    ),
                )
                yield transaction
            transaction.move_sequences()
        except BaseException:
            # a lost connection has rolled back already
            with suppress(psycopg.Error):
                connection.execute("rollback")
            raise
        with mapped_errors("restore"):
            connection.execute("rollback" if dry_run else "commit")


class PostgresTransaction:
    """One restore. `notices` are what the caller is told before the first write."""

    def __init__(
        self,
        session: RestoreSession,
        open_readers: Callable[[Sequence[Table], str | None], LiveReaders],
    ) -> None:
        self._session = session
        self._open_readers = open_readers
        self.notices: list[str] = []
        self._moves: dict[str, int] = {}
        if not session.dry_run:
            self._silence_triggers()

    @property
    def _connection(self) -> Connection:
        return self._session.connection

    def catalog(self) -> Catalog:
        return read_catalog(self._connection)

    def lock(self, tables: Sequence[Table]) -> None:
        """Keeps others from writing these tables until the end, so that the comparison holds."""
        if not self._writes_by_trigger(tables):
            self._session.readers = self._open_readers(tables, self._exported_snapshot())
        # Who holds a lock already is not queued behind one who waits for it: all of them at once,
        # so that none of them is waited for while the readers hold it.
        self._lock(tables, sql.SQL("access share"))
        if not self._session.dry_run:
            self._lock(tables, sql.SQL("share row exclusive"))

    def _lock(self, tables: Sequence[Table], mode: sql.SQL) -> None:
        query = sql.SQL("lock table {} in {} mode")
        for table in tables:
            with mapped_errors("restore", table.qualified_name):
                self._connection.execute(query.format(name_of(table), mode))

    def _exported_snapshot(self) -> str | None:
        """A dry run's, so that all of it is of one moment."""
        if not self._session.dry_run:
            return None
        with mapped_errors("restore"):
            return exported_snapshot(self._connection)

    def _writes_by_trigger(self, tables: Sequence[Table]) -> bool:
        """Whether a table may change in ways that only this transaction sees."""
        if self.notices:
            return True
        names = [name_of(table).as_string(self._connection) for table in tables]
        with mapped_errors("restore"):
            row = self._connection.execute(_ALWAYS_FIRED, [names]).fetchone()
        return bool(row and row[0])

    def writer(self, table: Table, backed_up: Table, mode: RestoreMode) -> TableWriter:
        with mapped_errors("restore", table.qualified_name):
            if table.primary_key:
                return KeyedWriter(self._session, table, backed_up, mode)
            return KeylessWriter(self._session, table, backed_up)

    def count_table(self, table: Table) -> int:
        with mapped_errors("restore", table.qualified_name):
            row = self._connection.execute(
                sql.SQL("select count(*) from {}").format(rows_of(table))
            ).fetchone()
        return int(row[0]) if row else 0

    def advance_sequences(self, table: Table) -> Sequence[str]:
        """Sequences of the table's columns go past the last value in there, never back."""
        moved = []
        for sequence in self._sequences(table):
            if not sequence.allowed:
                raise _sequence_permission(sequence, table)
            with mapped_errors("restore", table.qualified_name):
                row = self._connection.execute(
                    sql.SQL(
                        "select m.{end} from (select {end}({column})::bigint from {rows}) m, "
                        "{sequence} s where {end} between {lowest} and {highest} and "
                        "({end} {past} s.last_value or {end} = s.last_value and not s.is_called)"
                    ).format(
                        sequence=sql.SQL(sequence.name),
                        end=sql.SQL("max" if sequence.step > 0 else "min"),
                        past=sql.SQL(">" if sequence.step > 0 else "<"),
                        lowest=sql.Literal(sequence.lowest),
                        highest=sql.Literal(sequence.highest),
                        column=sql.Identifier(sequence.column),
                        rows=name_of(table),
                    )
                ).fetchone()
            if row:
                moved.append(sequence.name)
                # several tables may take their numbers from one sequence
                furthest = max if sequence.step > 0 else min
                known = self._moves.get(sequence.name, row[0])
                self._moves[sequence.name] = furthest(known, row[0])
        return moved

    def move_sequences(self) -> None:
        """Done last of all: no rollback takes it back."""
        with mapped_errors("restore"):
            for name, value in self._moves.items():
                self._connection.execute("select setval($1, $2)", [name, value])

    def foreign_key_violations(
        self, written: Sequence[Table], catalog: Catalog, *, deleted: bool
    ) -> list[ForeignKeyViolation]:
        """Rows whose parent is missing now: triggers, which would have told, did not fire."""
        names = {table.qualified_name for table in written}
        found = []
        for child in catalog.tables.values():
            for key in child.foreign_keys:
                touched = child.qualified_name in names or (deleted and key.parent in names)
                if touched and key.validated:
                    found += self._violations(child, key, catalog.tables.get(key.parent))
        return found

    def _violations(
        self, child: Table, key: ForeignKey, known_parent: Table | None
    ) -> list[ForeignKeyViolation]:
        # an extension's table is not in the catalog, and has no heirs
        parent = (
            rows_of(known_parent)
            if known_parent
            else sql.Identifier(key.parent_schema, key.parent_name)
        )
        present = sql.SQL(" and ").join(
            sql.SQL("c.{} is not null").format(sql.Identifier(name)) for name in key.columns
        )
        query = sql.SQL(
            "select count(*), min(({columns})::text) from (select {columns} from {child} c where {present} "
            "and not exists (select from {parent} p where ({parents}) = ({columns}))) c"
        ).format(
            columns=columns_of(key.columns, "c"),
            child=rows_of(child),
            present=present,
            parent=parent,
            parents=columns_of(key.parent_columns, "p"),
        )
        with mapped_errors("restore", child.qualified_name):
            row = self._connection.execute(query).fetchone()
        if not row or not row[0]:
            return []
        return [ForeignKeyViolation(key.name, child.qualified_name, key.parent, row[0], row[1])]

    def _sequences(self, table: Table) -> list[_Sequence]:
        name = name_of(table).as_string(self._connection)
        query = sql_query("table_sequences.sql")
        with mapped_errors("restore", table.qualified_name):
            return [_Sequence(*row) for row in self._connection.execute(query, [name])]

    def _silence_triggers(self) -> None:
        try:
            with self._connection.transaction():
                self._connection.execute("set local session_replication_role = replica")
        except errors.InsufficientPrivilege:
            self.notices.append(TRIGGERS_FIRE)


def _sequence_permission(sequence: _Sequence, table: Table) -> DatabasePermissionError:
    return DatabasePermissionError(
        f"Permission denied for sequence {sequence.name}",
        operation="restore",
        key=table.qualified_name,
        hint=f"GRANT SELECT, UPDATE ON SEQUENCE {sequence.name} to the role in SUPABASE_DB_URL.",
    )
