"""A PostgreSQL database, most often an empty one, that a backup is rebuilt in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import LiteralString

import psycopg
from psycopg import sql

from supakeep.databases.postgres.catalog import read_catalog
from supakeep.databases.postgres.connection import Connection, connect
from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.databases.postgres.errors import is_lost, mapped_errors
from supakeep.databases.postgres.rebuild.journal import SCHEMA, Journal
from supakeep.databases.postgres.rebuild.making import begin_script, make
from supakeep.databases.postgres.rebuild.stand_ins import stand_in
from supakeep.domain.definitions_script import Definition
from supakeep.domain.managed_schemas import MANAGED_SCHEMAS
from supakeep.domain.rebuild import NotRebuilt, Outcome
from supakeep.domain.schema import Catalog, Table
from supakeep.errors import UnsafeOperationError

_OPERATION = "rebuild"
_USER_TABLES: LiteralString = """
select n.nspname || '.' || c.relname
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and c.relpersistence <> 't'
   and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%' and n.nspname not like all ($1)
   and not exists (select from pg_depend d
                    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
 order by 1
"""
_EMPTY_VIEWS: LiteralString = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'm' and not c.relispopulated order by c.oid
"""
_ALONE: LiteralString = "select pg_try_advisory_lock(hashtextextended('supakeep rebuild', 0))"


class PostgresNewProject:
    """A NewProject at `url`; `place` names it without the password."""

    def __init__(self, url: str, place: str) -> None:
        self._url = url
        self.place = place
        self.database = PostgresDatabase(url)

    @contextmanager
    def open(self) -> Iterator[PostgresRebuilding]:
        with closing(connect(self._url)) as connection:
            with mapped_errors(_OPERATION):
                is_alone = connection.execute(_ALONE).fetchone() == (True,)
            if not is_alone:
                raise UnsafeOperationError(
                    f"Another rebuild is under way in {self.place}",
                    operation=_OPERATION,
                    key=self.place,
                    hint="Wait for it. If it was killed, its session ends by itself after a while.",
                )
            yield PostgresRebuilding(connection)


class PostgresRebuilding:
    """Its connection is in autocommit mode, and each step is a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._journal = Journal(connection)

    def user_tables(self) -> Sequence[str]:
        patterns = [_like(schema) for schema in (*MANAGED_SCHEMAS, SCHEMA)]
        with mapped_errors(_OPERATION):
            rows = self._connection.execute(_USER_TABLES, [patterns]).fetchall()
        return [name for (name,) in rows]

    def begun(self) -> str | None:
        with mapped_errors(_OPERATION):
            return self._journal.begun()

    def begin(self, backup: str, settings: Sequence[str]) -> bool:
        with mapped_errors(_OPERATION):
            had_begun = self._journal.begin(backup)
            begin_script(self._connection, settings)
        return had_begun

    def stand_in(self, users: Sequence[Table]) -> Sequence[str]:
        with mapped_errors(_OPERATION):
            return stand_in(self._connection, users)

    def is_done(self, step: int) -> bool:
        return self._journal.is_done(step)

    def done(self, step: int) -> None:
        with mapped_errors(_OPERATION):
            self._journal.done(step)

    def make(self, definition: Definition, step: int) -> tuple[Outcome, Sequence[NotRebuilt]]:
        with mapped_errors(_OPERATION), self._connection.transaction():
            outcome, problems = make(self._connection, definition)
            for problem in problems:
                self._journal.remember(problem)
            self._journal.done(step)
        return outcome, problems

    def remembered(self) -> Sequence[NotRebuilt]:
        with mapped_errors(_OPERATION):
            return self._journal.remembered()

    def catalog(self) -> Catalog:
        # the script has set a path of its own, and needs it for what follows the rows
        [(path,)] = self._connection.execute("select current_setting('search_path')").fetchall()
        catalog = read_catalog(self._connection)
        self._connection.execute("select set_config('search_path', $1, false)", [path])
        return catalog

    def refresh(self) -> Sequence[NotRebuilt]:
        with mapped_errors(_OPERATION):
            views = self._connection.execute(_EMPTY_VIEWS).fetchall()
            return [problem for view in views if (problem := self._refreshed(*view))]

    def finish(self) -> None:
        with mapped_errors(_OPERATION):
            self._journal.remove()

    def _refreshed(self, schema: str, name: str) -> NotRebuilt | None:
        refresh = sql.SQL("refresh materialized view {}").format(sql.Identifier(schema, name))
        try:
            self._connection.execute(refresh)
        except psycopg.Error as exc:
            if is_lost(exc):
                raise
            why = exc.diag.message_primary or type(exc).__name__
            hint = "REFRESH MATERIALIZED VIEW, once that is fixed."
            return NotRebuilt(what=f"rows of materialized view {schema}.{name}", why=why, hint=hint)
        return None


def _like(pattern: str) -> str:
    """pg_dump's pattern as LIKE's."""
    return pattern.replace("_", "\\_").replace("*", "%")
