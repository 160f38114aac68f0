"""A Postgres database as the target of a restore: one transaction for all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psycopg
from psycopg import errors, sql

from supakeep.adapters.postgres_catalog import read_catalog
from supakeep.adapters.postgres_connection import Connection, connect, mapped_errors
from supakeep.adapters.postgres_sql import columns_of, name_of, rows_of
from supakeep.adapters.postgres_writer import KeyedWriter, KeylessWriter
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Catalog, ForeignKey, Table
from supakeep.ports import ForeignKeyViolation, TableWriter

TRIGGERS_FIRE = (
    "This role may not set session_replication_role, so triggers fire while rows are written"
)


@contextmanager
def open_transaction(url: str, *, dry_run: bool) -> Iterator[PostgresTransaction]:
    """Everything that is written inside happens at its end, or not at all.

    A dry run writes nothing, and is told what it would write from one snapshot.
    """
    with connect(url) as connection:
        with mapped_errors("restore"):
            connection.execute("begin isolation level repeatable read")
            if dry_run:
                connection.execute("set transaction read only")
        try:
            yield PostgresTransaction(connection, dry_run=dry_run)
        except BaseException:
            # a lost connection has rolled back already
            with suppress(psycopg.Error):
                connection.execute("rollback")
            raise
        with mapped_errors("restore"):
            connection.execute("rollback" if dry_run else "commit")


class PostgresTransaction:
    """One restore. `notices` are what the caller is told before the first write."""

    def __init__(self, connection: Connection, *, dry_run: bool) -> None:
        self._connection = connection
        self._dry_run = dry_run
        self.notices: list[str] = []
        if not dry_run:
            self._silence_triggers()

    def catalog(self) -> Catalog:
        return read_catalog(self._connection)

    def lock(self, tables: Iterable[Table]) -> None:
        """Keeps others from writing these tables until the end, so that the comparison holds."""
        if self._dry_run:
            return
        for table in tables:
            with mapped_errors("restore", table.qualified_name):
                self._connection.execute(
                    sql.SQL("lock table {} in share row exclusive mode").format(name_of(table))
                )

    def writer(
        self, table: Table, backed_up: Table, mode: RestoreMode, *, ordered: bool
    ) -> TableWriter:
        """Takes the rows of `backed_up` for `table`; `ordered` where they come by primary key."""
        kind = KeyedWriter if table.primary_key else KeylessWriter
        return kind(
            self._connection, table, backed_up, mode, ordered=ordered, dry_run=self._dry_run
        )

    def count_table(self, table: Table) -> int:
        with mapped_errors("restore", table.qualified_name):
            row = self._connection.execute(
                sql.SQL("select count(*) from {}").format(rows_of(table))
            ).fetchone()
        return int(row[0]) if row else 0

    def advance_sequences(self, table: Table) -> Sequence[str]:
        """Sequences that a column of the table owns go past its highest value, never back."""
        moved = []
        for column, sequence in self._owned_sequences(table):
            with mapped_errors("restore", table.qualified_name):
                row = self._connection.execute(
                    sql.SQL(
                        "select setval({name}, high) from (select max({column}) as high from {rows}) m, {seq} s "
                        "where high > s.last_value or (high = s.last_value and not s.is_called)"
                    ).format(
                        name=sql.Literal(sequence),
                        column=sql.Identifier(column),
                        rows=name_of(table),
                        seq=sql.SQL(sequence),
                    )
                ).fetchone()
            moved += [sequence] if row else []
        return moved

    def foreign_key_violations(
        self, written: Sequence[Table], catalog: Catalog, *, deleted: bool
    ) -> list[ForeignKeyViolation]:
        """Rows whose parent is missing now: triggers, which would have told, did not fire."""
        names = {table.qualified_name for table in written}
        found = []
        for child in catalog.tables.values():
            for key in child.foreign_keys:
                if child.qualified_name in names or (deleted and key.parent in names):
                    found += self._violations(child, key)
        return found

    def _violations(self, child: Table, key: ForeignKey) -> list[ForeignKeyViolation]:
        parent = sql.Identifier(key.parent_schema, key.parent_name)
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

    def _owned_sequences(self, table: Table) -> list[tuple[str, str]]:
        name = name_of(table).as_string(self._connection)
        with mapped_errors("restore", table.qualified_name):
            return self._connection.execute(
                "select attname, pg_get_serial_sequence(%(name)s, attname) from pg_attribute "
                "where attrelid = %(name)s::regclass and attnum > 0 and not attisdropped "
                "and pg_get_serial_sequence(%(name)s, attname) is not null",
                {"name": name},
            ).fetchall()

    def _silence_triggers(self) -> None:
        try:
            with self._connection.transaction():
                self._connection.execute("set local session_replication_role = replica")
        except errors.InsufficientPrivilege:
            self.notices.append(TRIGGERS_FIRE)
