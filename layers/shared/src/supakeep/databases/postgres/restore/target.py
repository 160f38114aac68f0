"""A Postgres database as the target of a restore: one transaction for all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import LiteralString

import psycopg
from psycopg import errors, sql

from supakeep.databases.postgres.catalog import read_catalog
from supakeep.databases.postgres.connection import (
    BEGIN_READING,
    Connection,
    connect,
    exported_snapshot,
)
from supakeep.databases.postgres.errors import error_of, mapped_errors, without_values
from supakeep.databases.postgres.indexes import load_indexes
from supakeep.databases.postgres.restore.constraints import (
    TableConstraints,
    check_delete_actions,
    check_keyless,
    constraints_of,
    notices_of,
)
from supakeep.databases.postgres.restore.deferred_keys import (
    check_deferrable,
    deferrable_keys,
)
from supakeep.databases.postgres.restore.foreign_keys import foreign_key_violations
from supakeep.databases.postgres.restore.rules import check_rules
from supakeep.databases.postgres.restore.sequences import (
    SequenceMoves,
    WrittenValues,
    sequences_of,
)
from supakeep.databases.postgres.restore.session import LiveReaders, RestoreSession, open_readers
from supakeep.databases.postgres.restore.table_rows import TableOfBackup
from supakeep.databases.postgres.restore.writer import ExtraDeletion, KeyedWriter, KeylessWriter
from supakeep.databases.postgres.sql import name_of, rows_of
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Catalog, Table
from supakeep.errors import DatabaseUnavailableError
from supakeep.ports import ForeignKeyViolation, TableWriter

TRIGGERS_FIRE = (
    "This role may not set session_replication_role, so triggers fire while rows are written"
)

# whatever the role's or the database's default is
_BEGIN_WRITING: LiteralString = "begin isolation level read committed, read write"
# Triggers, those of foreign keys too, and rules that fire in this session, which is a replica or not.
_FIRED: LiteralString = """
with written as (
  select root as oid from unnest($1::regclass[]) root
  union
  select part.relid from unnest($1::regclass[]) root, pg_partition_tree(root) part),
firing as (
  select case current_setting('session_replication_role') when 'replica' then '{R,A}' else '{O,A}' end::"char"[]
         as states)
select exists (select from pg_trigger t join written w on w.oid = t.tgrelid, firing
                where t.tgenabled = any(firing.states))
    or exists (select from pg_rewrite r join written w on w.oid = r.ev_class, firing
                where r.ev_type in ('2', '3', '4') and r.ev_enabled = any(firing.states))
"""


@contextmanager
def open_transaction(url: str, connections: int, *, dry_run: bool) -> Iterator[PostgresTransaction]:
    """Everything that is written inside happens at its end, or not at all.

    `connections` more read ahead of it. A dry run writes nothing, and compares with
    one snapshot.
    """
    with connect(url) as connection:
        with mapped_errors("restore"):
            # a real run sees what was committed before it got its locks, and nobody writes after
            connection.execute(BEGIN_READING if dry_run else _BEGIN_WRITING)
        try:
            # maps what no step of it has mapped, such as a connection that is lost at a savepoint
            with mapped_errors("restore"):
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
                if not dry_run:
                    transaction.finish()
        except BaseException:
            # a lost connection has rolled back already
            with suppress(psycopg.Error):
                connection.execute("rollback")
            raise
        if dry_run:
            with mapped_errors("restore"):
                connection.execute("rollback")
        else:
            _commit(connection)


def _commit(connection: Connection) -> None:
    """A connection that breaks now has lost the answer, and perhaps nothing else."""
    try:
        with mapped_errors("restore"):
            connection.execute("commit")
    except DatabaseUnavailableError as exc:
        raise DatabaseUnavailableError(
            "The connection broke at the commit: all of the restore is done, or nothing of it",
            operation="commit",
            hint="Restore again: what is restored already is left as it is, and a dry run shows what "
            "is not. If it was done, `supakeep undo` still undoes it.",
        ) from exc


class PostgresTransaction:
    """One restore. `notices` are sentences for the report, known before the first write."""

    def __init__(
        self,
        session: RestoreSession,
        open_readers: Callable[[Sequence[Table], str | None], LiveReaders],
    ) -> None:
        self._session = session
        self._open_readers = open_readers
        self.notices: list[str] = []
        self._written: dict[str, WrittenValues] = {}
        self._moves = SequenceMoves()
        self._written_tables: list[Table] = []
        self._constraints: dict[str, TableConstraints] = {}
        self._enforces_foreign_keys = False
        self._silence_triggers()

    def catalog(self) -> Catalog:
        return read_catalog(self._session.to_read())

    def lock(self, tables: Sequence[Table]) -> None:
        """Keeps others from writing these tables until the end, so that the comparison holds."""
        self._session.triggers_fire = self._writes_by_trigger(tables)
        if self._session.dry_run or not self._session.triggers_fire:
            self._session.readers = self._open_readers(tables, self._exported_snapshot())
        # A session that holds a lock already is not queued behind one that waits for it. So all are
        # taken at once, and none is waited for while the readers hold it.
        self._lock(tables, sql.SQL("access share"))
        if not self._session.dry_run:
            self._lock(tables, sql.SQL("share row exclusive"))
        # who held a lock may have made a trigger; its readers are not used then
        self._session.triggers_fire = self._writes_by_trigger(tables)
        if self._session.triggers_fire and not self._session.dry_run:
            self._session.readers = None
        for table in tables:
            with mapped_errors("restore", table.qualified_name):
                load_indexes([self._session.to_read()], table)

    def _lock(self, tables: Sequence[Table], mode: sql.SQL) -> None:
        query = sql.SQL("lock table {} in {} mode")
        for table in tables:
            with mapped_errors("restore", table.qualified_name):
                self._session.to_read().execute(query.format(name_of(table), mode))

    def _exported_snapshot(self) -> str | None:
        """A dry run's, so that all of it is of one moment."""
        if not self._session.dry_run:
            return None
        with mapped_errors("restore"):
            return exported_snapshot(self._session.to_read())

    def _writes_by_trigger(self, tables: Sequence[Table]) -> bool:
        """Whether a table may change in ways that only this transaction sees."""
        names = [name_of(table).as_string(self._session.to_read()) for table in tables]
        with mapped_errors("restore"):
            connection = self._session.to_read()
            row = connection.execute(_FIRED, [names]).fetchone()
        return bool(row and row[0])

    def check(self, tables: Sequence[Table], mode: RestoreMode) -> Sequence[str]:
        """Raises RestoreError for what this role could not do without harm; returns notices."""
        notices = []
        with mapped_errors("restore"):
            connection = self._session.to_read()
            self._constraints = {t.qualified_name: constraints_of(connection, t) for t in tables}
            if self._enforces_foreign_keys and mode is RestoreMode.REPLACE:
                check_delete_actions(connection, tables)
        for table in tables:
            with mapped_errors("restore", table.qualified_name):
                deferrable = deferrable_keys(connection, table)
                constraints = self._constraints[table.qualified_name]
                check_rules(
                    connection,
                    table,
                    mode,
                    is_temporal=constraints.is_temporal,
                    enforces_foreign_keys=self._enforces_foreign_keys,
                )
            if self._enforces_foreign_keys and mode is RestoreMode.REPLACE:
                check_keyless(table, constraints)
            notices += notices_of(
                table, constraints, enforces_foreign_keys=self._enforces_foreign_keys
            )
            notices += [
                f"{key.owner.qualified_name}: the constraint {key.name} excludes rows and is "
                "DEFERRABLE, so it is not checked while triggers are off"
                for key in deferrable
                if key.excludes and not self._enforces_foreign_keys
            ]
        return notices

    def writer(self, table: Table, backed_up: Table, mode: RestoreMode) -> TableWriter:
        self._written_tables.append(table)
        with mapped_errors("restore", table.qualified_name):
            rows = self._rows(table, backed_up)
            if not table.primary_key:
                return KeylessWriter(rows)
            deletes = mode is RestoreMode.REPLACE
            return KeyedWriter(
                rows,
                mode,
                deletes=deletes and not self._enforces_foreign_keys,
                enforces_foreign_keys=self._enforces_foreign_keys,
            )

    def deletion(self, table: Table, backed_up: Table) -> TableWriter | None:
        """Where foreign keys are enforced, rows go after all are written, children first: no row that
        stays refers to them then.
        """
        if not self._enforces_foreign_keys or not table.primary_key:
            return None
        with mapped_errors("restore", table.qualified_name):
            return ExtraDeletion(self._rows(table, backed_up))

    def _rows(self, table: Table, backed_up: Table) -> TableOfBackup:
        connection, name = self._session.to_read(), table.qualified_name
        values = self._written.get(name) or WrittenValues(sequences_of(connection, table))
        self._written[name] = values
        constraints = self._constraints.get(name) or constraints_of(connection, table)
        return TableOfBackup(self._session, table, backed_up, values, constraints)

    def count_table(self, table: Table) -> int:
        with mapped_errors("restore", table.qualified_name):
            row = (
                self._session.to_read()
                .execute(sql.SQL("select count(*) from {}").format(rows_of(table)))
                .fetchone()
            )
        return int(row[0]) if row else 0

    def advance_sequences(self, table: Table) -> Sequence[str]:
        """Sequences of the table's columns go past the last value that was written, never back."""
        values = self._written.get(table.qualified_name)
        if values is None:
            return []
        with mapped_errors("restore", table.qualified_name):
            return self._moves.add(self._session.to_read(), table, values)

    def finish(self) -> None:
        """What comes last of all: no rollback takes a sequence back."""
        connection = self._session.to_read()
        for table in self._written_tables:
            with mapped_errors("restore", table.qualified_name):
                check_deferrable(connection, table)
        try:
            connection.execute("set constraints all immediate")
        except psycopg.Error as exc:
            name = exc.diag.table_name and f"{exc.diag.schema_name}.{exc.diag.table_name}"
            raise error_of(exc, "restore", name) from without_values(exc)
        self._moves.carry_out(connection)

    def foreign_key_violations(
        self, written: Sequence[Table], catalog: Catalog, *, deleted: bool
    ) -> list[ForeignKeyViolation]:
        """Rows whose parent is missing now: the triggers that check this did not fire."""
        return foreign_key_violations(self._session.to_read(), written, catalog, deleted=deleted)

    def _silence_triggers(self) -> None:
        try:
            with self._session.to_read().transaction():
                self._session.to_read().execute("set local session_replication_role = replica")
        except errors.InsufficientPrivilege:
            self._enforces_foreign_keys = True
            self.notices.append(TRIGGERS_FIRE)
