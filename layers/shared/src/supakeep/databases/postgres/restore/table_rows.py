"""A table of a backup and the live one."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from supakeep.databases.postgres.restore.comparison import Comparison
from supakeep.databases.postgres.restore.constraints import TableConstraints
from supakeep.databases.postgres.restore.copying import Copying
from supakeep.databases.postgres.restore.deletion import Deletion
from supakeep.databases.postgres.restore.insertion import Insertion
from supakeep.databases.postgres.restore.keys import TableKeys
from supakeep.databases.postgres.restore.passes import Target
from supakeep.databases.postgres.restore.sequences import WrittenValues
from supakeep.databases.postgres.restore.session import RestoreSession
from supakeep.databases.postgres.restore.upsert import Upsert
from supakeep.databases.postgres.restore.values import ValueCheck
from supakeep.databases.postgres.sql import rows_of
from supakeep.domain.row_changes import RestoreMode, without_members
from supakeep.domain.schema import Table, writable_columns


class TableOfBackup:
    """A table of a backup and the live one: what writers of all kinds need of the two."""

    def __init__(
        self,
        session: RestoreSession,
        table: Table,
        backed_up: Table,
        written: WrittenValues,
        constraints: TableConstraints,
    ) -> None:
        self.session = session
        self.table = table
        self.constraints = constraints
        self.compared = [name for name in backed_up.column_names if name in table.column_names]
        types = {column.name: column.type for column in backed_up.columns}
        # their values are converted, and may be spelled otherwise
        self.retyped = {c.name for c in table.columns if types.get(c.name, c.type) != c.type}
        given = writable_columns(table, backed_up)
        self.added = set(table.writable_columns) - set(given)
        # a trigger may give them a value
        demanded = set() if session.triggers_fire else constraints.demanded & self.added
        self.check = ValueCheck(session, table, backed_up, sorted(demanded))
        self._dropped = set(backed_up.column_names) - set(table.column_names)
        self._key_is_plain = TableKeys(session, table).are_plain
        insertion = Insertion(table, backed_up, written)
        copying = Copying(table, backed_up, written, triggers_fire=session.triggers_fire)
        unchecked = constraints.unchecked
        upsert = Upsert(session, table, insertion, copying, self.check, unchecked)
        fixed = set(self.compared) - set(insertion.settable(table.column_names))
        fixed -= set(table.primary_key)
        self.target = Target(
            session,
            table,
            upsert,
            Deletion(session, table),
            given,
            frozenset(fixed),
            constraints.generated,
        )

    def without_dropped(self, rows: Sequence[bytes]) -> Sequence[bytes]:
        """The rows without columns that the live table no longer has."""
        if not self._dropped:
            return rows
        return [without_members(row, self._dropped) for row in rows]

    def is_empty(self) -> bool:
        query = sql.SQL("select exists (select from {})").format(rows_of(self.table))
        row = self.session.to_read().execute(query).fetchone()
        return not (row and row[0])

    def count(self) -> int:
        query = sql.SQL("select count(*) from {}").format(rows_of(self.table))
        row = self.session.to_read().execute(query).fetchone()
        return int(row[0]) if row else 0

    def overwritten(self, mode: RestoreMode) -> list[str]:
        """The columns that a row which is there gets anew."""
        if mode is RestoreMode.MISSING_ONLY:
            return []
        # equal keys may be spelled differently
        key = self.table.primary_key if self._key_is_plain else ()
        return [name for name in self.table.column_names if name not in key]

    def comparison(self, *, finds_extra: bool, read_ahead: bool = True) -> Comparison:
        return Comparison(
            self.session,
            self.table,
            self.check,
            compared=self.compared,
            finds_extra=finds_extra,
            read_ahead=read_ahead,
        )
