"""A Postgres database as the source of a backup: one snapshot, read by several connections."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any, LiteralString, NamedTuple

from psycopg import sql

from supakeep.databases.postgres.catalog import read_catalog, read_left_out
from supakeep.databases.postgres.connection import (
    Connection,
    begin_reading,
    connect_to_read,
    exported_snapshot,
)
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.postgres.export.definitions import dumped_definitions
from supakeep.databases.postgres.export.locks import Lockable, hold, readable_tables
from supakeep.databases.postgres.export.managed_tables import definitions_on_managed_tables
from supakeep.databases.postgres.export.ranges import RangeReader
from supakeep.databases.postgres.indexes import load_indexes
from supakeep.databases.postgres.inventory import read_inventory
from supakeep.databases.postgres.lines import line_of
from supakeep.databases.postgres.sql import columns_of, name_of, rows_of
from supakeep.domain.plan import Selection, TableFilter
from supakeep.domain.project_object import ProjectObject
from supakeep.domain.schema import Catalog, Table
from supakeep.errors import DatabaseError, ExportError
from supakeep.ports import Rows

_CHUNK_BYTES = 1024 * 1024
# Rows with values out of line may be megabytes wide, so they come one at a time.
_MAX_TOAST_BYTES = 1024 * 1024
_SMALL_TABLE_BYTES = 1024 * 1024
# No JSON text holds these characters unescaped, so COPY never quotes and never escapes a row.
_COPY_OPTIONS = sql.SQL("(format csv, quote E'\\x01', delimiter E'\\x02', escape E'\\x01')")


@contextmanager
def open_snapshot(
    url: str, connections: int, selects: TableFilter, *, lock_wait_seconds: float
) -> Iterator[PostgresSnapshot]:
    """A frozen view of the database; everything read from it is of one moment.

    Tables that `selects` wants are locked before that moment, and it waits for locks so long at
    most. A table that cannot be locked fails when it is exported.
    """
    with ExitStack() as opened:
        leader, *followers = (
            opened.enter_context(closing(connection)) for connection in _connect(url, connections)
        )
        with mapped_errors("open snapshot"):
            wanted = [table for table in readable_tables(leader) if selects(*table[:2])]
            position = _log_position(leader)
            begin_reading(leader)
            held = hold(leader, wanted, lock_wait_seconds)
            snapshot = exported_snapshot(leader)
        readers = [Reader(leader, held.tables)]
        for follower in followers:
            with mapped_errors("open snapshot"):
                begin_reading(follower, snapshot)
                # who waits for a table since then would be waited for in turn
                also_held = hold(follower, sorted(held.tables), None)
            readers.append(Reader(follower, also_held.tables))
        pool = opened.enter_context(ThreadPoolExecutor(connections, "supakeep-export"))
        yield PostgresSnapshot(readers, pool, held.refused, position, Exported(url, snapshot))


def _connect(url: str, count: int) -> list[Connection]:
    """So many connections, made at the same time: each takes several round trips. If one fails, the
    others are closed.
    """
    with ThreadPoolExecutor(count, "supakeep-connect") as pool:
        made = [pool.submit(connect_to_read, url) for _ in range(count)]
    if error := next((one.exception() for one in made if one.exception()), None):
        for connection in (one.result() for one in made if not one.exception()):
            connection.close()
        raise error
    return [one.result() for one in made]


def _log_position(connection: Connection) -> str | None:
    """How far the write-ahead log is flushed.

    Asked before the snapshot: whatever commits after the snapshot is behind this position then.
    """
    row = connection.execute(
        "select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() "
        "else pg_current_wal_flush_lsn() end::text"
    ).fetchone()
    return row[0] if row else None


class Reader(NamedTuple):
    """A connection that shares the snapshot, and the tables that it has locked."""

    connection: Connection
    tables: frozenset[Lockable]


class Exported(NamedTuple):
    """Where other programs find the snapshot, and under which name."""

    url: str
    snapshot: str


class PostgresSnapshot:
    """One snapshot. Rows stand in the order of the primary key, and those of a table without a key
    as they lie on disk.
    """

    def __init__(
        self,
        readers: Sequence[Reader],
        pool: ThreadPoolExecutor,
        refused: Mapping[Lockable, DatabaseError],
        wal_position: str | None,
        exported: Exported,
    ) -> None:
        self._leader = readers[0].connection
        self._readers = readers
        self._pool = pool
        self._refused = refused
        # how many rows the tables have that were just exported
        self._counted: dict[str, Future[int]] = {}
        self.wal_position = wal_position
        self._exported = exported

    def catalog(self) -> Catalog:
        return read_catalog(self._leader)

    def left_out(self, schemas: Sequence[str]) -> Mapping[str, str]:
        return read_left_out(self._leader, list(schemas))

    def definitions(self) -> Generator[bytes, None, None]:
        major = self._leader.info.server_version // 10_000
        further = definitions_on_managed_tables(self._leader)
        return dumped_definitions(self._exported.url, self._exported.snapshot, major, further)

    def inventory(self) -> Sequence[ProjectObject]:
        return read_inventory(self._leader)

    def count(self, selection: Selection) -> int:
        name = selection.table.qualified_name
        counted = self._counted.pop(name, None)
        with mapped_errors("count", name):
            return counted.result() if counted else self._count(selection)

    def _count(self, selection: Selection) -> int:
        query = sql.SQL("select count(*) from {} t where {}").format(
            rows_of(selection.table), _condition(selection)
        )
        [[count]] = self._ask(query)
        return int(count)

    def count_untouched(self, selection: Selection) -> int:
        """All of them: nobody writes to a snapshot."""
        return self.count(selection)

    def read_at_once(self, selection: Selection) -> bool:  # noqa: ARG002
        """Always: a snapshot is one moment."""
        return True

    def export(self, selection: Selection) -> Iterator[Rows]:
        self._require_lock(selection.table)
        with mapped_errors("export", selection.table.qualified_name):
            load_indexes(self._connections(selection.table), selection.table)
            total, toast = self._size(selection.table)
            ranged = (
                selection.policy.is_whole
                and bool(selection.table.primary_key)
                and total > _SMALL_TABLE_BYTES
                and toast <= _MAX_TOAST_BYTES
            )
            yield from self._ranges(selection.table) if ranged else self._stream(selection)

    def _require_lock(self, table: Table) -> None:
        """Raises DatabaseError for a table that was not locked before the snapshot."""
        lockable = _lockable(table)
        if refusal := self._refused.get(lockable):
            raise refusal
        if lockable not in self._readers[0].tables:
            with mapped_errors("export", table.qualified_name):
                self._ask(sql.SQL("select from {} limit 0").format(rows_of(table)))
            raise ExportError(
                f"Table {table.qualified_name} was created just as the backup began",
                operation="export",
                key=table.qualified_name,
                hint="Run the backup again.",
            )

    def _ranges(self, table: Table) -> Iterator[Rows]:
        reader = RangeReader(self._connections(table), self._pool, table)
        yield from reader
        if reader.counted:
            self._counted[table.qualified_name] = reader.counted

    def _connections(self, table: Table) -> list[Connection]:
        """Those that have locked the table: the leader always has."""
        lockable = _lockable(table)
        return [reader.connection for reader in self._readers if lockable in reader.tables]

    def _ask(
        self, query: LiteralString | sql.Composed, parameters: Sequence[Any] = ()
    ) -> list[Any]:
        """All rows of a query; an error ends neither the transaction nor its snapshot."""
        with self._leader.transaction():
            return self._leader.execute(query, parameters).fetchall()

    def _size(self, table: Table) -> tuple[int, int]:
        [[total, toast]] = self._ask(
            "select coalesce(sum(pg_relation_size(c.oid)), 0)::bigint, "
            "coalesce(sum(pg_relation_size(nullif(c.reltoastrelid, 0))), 0)::bigint "
            "from pg_partition_tree($1::regclass) p right join pg_class c on c.oid = p.relid "
            "where c.oid = p.relid or c.oid = $1::regclass",
            [name_of(table).as_string(self._leader)],
        )
        return total, toast

    def _stream(self, selection: Selection) -> Iterator[Rows]:
        """Row by row over one connection: rows of any width, in any order."""
        query = sql.SQL("copy (select {} from {} t {}) to stdout {}").format(
            line_of(selection.table), _chosen(selection), _ordering(selection), _COPY_OPTIONS
        )
        pending: list[bytes] = []
        size = 0
        with (
            self._leader.transaction(),
            self._leader.cursor() as cursor,
            cursor.copy(query) as rows,
        ):
            for row in rows:
                line = bytes(row)[:-1]
                pending.append(line)
                size += len(line)
                if size >= _CHUNK_BYTES:
                    yield Rows(b",\n".join(pending), len(pending))
                    pending, size = [], 0
        if pending:
            yield Rows(b",\n".join(pending), len(pending))


def _lockable(table: Table) -> Lockable:
    return Lockable(table.schema_name, table.name, table.partitioned)


def _condition(selection: Selection) -> sql.Composable:
    if selection.since is None or selection.policy.time_column is None:
        return sql.SQL("true")
    return sql.SQL("t.{} >= {}").format(
        sql.Identifier(selection.policy.time_column), sql.Literal(selection.since.isoformat())
    )


def _chosen(selection: Selection) -> sql.Composable:
    """The rows of the policy, as something that `t` can be an alias of."""
    order_by = selection.policy.order_by
    if order_by is None:
        return sql.SQL("(select * from {} t where {})").format(
            rows_of(selection.table), _condition(selection)
        )
    newest = sql.SQL("t.{} desc nulls last").format(sql.Identifier(order_by))
    key = [sql.SQL("t.{} desc").format(sql.Identifier(k)) for k in selection.table.primary_key]
    return sql.SQL("(select * from {} t order by {} limit {})").format(
        rows_of(selection.table),
        sql.SQL(", ").join([newest, *key]),
        sql.Literal(selection.policy.last_rows),
    )


def _ordering(selection: Selection) -> sql.Composable:
    key = selection.table.primary_key
    return sql.SQL("order by {}").format(columns_of(key, "t")) if key else sql.SQL("")
