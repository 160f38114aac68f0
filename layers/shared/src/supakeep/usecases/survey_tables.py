"""Look at a project's tables before its first backup."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from supakeep.domain.objections import objection
from supakeep.domain.plan import Selection
from supakeep.domain.policy import DEFAULT_SCHEMA, TablePolicy
from supakeep.domain.schema import Catalog, Table
from supakeep.domain.survey import (
    SurveyedTable,
    changes_per_day,
    time_column_of,
)
from supakeep.domain.table_activity import TableActivity
from supakeep.errors import DatabaseError
from supakeep.ports import Progress, Snapshot, SourceDatabase

# those of Supabase itself: a backup of them is not what is meant
_SUPABASES = frozenset(
    {
        *("_realtime", "auth", "cron", "extensions", "graphql", "graphql_public", "net"),
        *("pgbouncer", "pgmq", "pgsodium", "pgsodium_masks", "pgtle", "realtime", "storage"),
        *("supabase_functions", "supabase_migrations", "supakeep", "vault"),
    }
)
# above this many rows, the statistics' number is good enough, and a count takes long
_COUNTED_ROWS = 1_000_000


@dataclass(frozen=True)
class SurveyTables:
    """Reads the first rows of each table, and counts them. `activity` is what the statistics say, by
    the tables' names; nothing where they cannot be asked.
    """

    database: SourceDatabase
    activity: Mapping[str, TableActivity]
    now: dt.datetime
    progress: Progress

    def __call__(self) -> list[SurveyedTable]:
        """The tables of `public`, and of other schemas that the engine can read, by their names."""
        with self.database.snapshot(lambda schema, table: schema not in _SUPABASES) as snapshot:  # noqa: ARG005
            catalog = snapshot.catalog()
            tables = [t for t in catalog.tables.values() if self._is_wanted(t)]
            return [self._surveyed(snapshot, catalog, table) for table in tables]

    def _is_wanted(self, table: Table) -> bool:
        if table.schema_name == DEFAULT_SCHEMA:
            return True
        return table.schema_name not in _SUPABASES and table.readable

    def _surveyed(self, snapshot: Snapshot, catalog: Catalog, table: Table) -> SurveyedTable:
        name, engine = table.qualified_name, self.database.engine
        problem = objection(name, TablePolicy(), catalog, engine, {})
        rows = size = None
        if problem is None:
            try:
                rows, size = self._measured(snapshot, table)
            except DatabaseError as exc:
                problem = exc
        self.progress.table(name, rows or 0, "failed" if problem else "complete")
        return SurveyedTable(
            table=name,
            schema_name=table.schema_name,
            rows=rows,
            bytes=size,
            has_key=bool(table.primary_key),
            needs_key=table.readable and engine.needs_key and not table.primary_key,
            changes_per_day=changes_per_day(self.activity.get(name), self.now),
            time_column=time_column_of(table),
            problem=problem.message if problem else None,
            fix=problem.hint if problem else None,
        )

    def _measured(self, snapshot: Snapshot, table: Table) -> tuple[int, int]:
        """Rows and their bytes in a backup, by the width of the first rows."""
        selection = Selection(table, TablePolicy())
        known = self.activity.get(table.qualified_name)
        rows = known.rows if known and known.rows > _COUNTED_ROWS else snapshot.count(selection)
        export = snapshot.export(selection)
        with closing(export):  # type: ignore[type-var]
            first = next(export, None)
        if first is None or not first.count:
            return rows, 0
        return rows, round((len(first.lines) + 2) / first.count * rows)
