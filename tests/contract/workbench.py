"""Makes the same tables in a database in memory and in a real Supabase project."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

import psycopg
from psycopg import sql

from devstack.supabase.postgres import Postgres
from supakeep import ports
from supakeep.databases.data_api.writer import UpsertCounts
from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.domain.plan import Selection
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Catalog, Column, Table
from supakeep.errors import ConstraintViolationError
from supakeep.ports import Rows
from tests.builders.rest_calls import RestCalls
from tests.fakes.database import ForeignKey, InMemoryDatabase

Row = Mapping[str, object]


class Database(Protocol):
    """What the contracts ask of every database, each call by itself."""

    def catalog(self) -> Catalog: ...

    def export(self, selection: Selection) -> Iterator[Rows]: ...

    def count(self, selection: Selection) -> int: ...

    def count_untouched(self, selection: Selection) -> int: ...

    def read_at_once(self, selection: Selection) -> bool: ...

    def count_table(self, table: Table) -> int: ...

    def upsert(
        self, table: Table, columns: Sequence[str], rows: Sequence[bytes], *, dry_run: bool
    ) -> UpsertCounts: ...

    def advance_sequences(self, table: Table) -> Sequence[str]: ...


class Workbench(Protocol):
    """A database under test, with a schema of the test's own."""

    @property
    def database(self) -> Database: ...

    @property
    def adapter(self) -> ports.Database:
        """The adapter itself, whose calls `database` makes."""
        ...

    schema: str

    def create(
        self, table: Table, rows: Sequence[Row] = (), foreign_keys: Sequence[ForeignKey] = ()
    ) -> Table:
        """The table as the database's catalog has it; the secret key may use it."""
        ...

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """What is in it, by primary key; numbers are Decimals."""
        ...

    def forbid(self, table: Table, right: str) -> None:
        """Takes `select` or `insert` away from the secret key."""
        ...

    def drop(self, table: Table) -> None: ...


class InMemoryWorkbench:
    def __init__(self) -> None:
        self.database = self.adapter = InMemoryDatabase(portion_rows=100)
        self.schema = "bench"

    def create(
        self, table: Table, rows: Sequence[Row] = (), foreign_keys: Sequence[ForeignKey] = ()
    ) -> Table:
        self.database.add_table(table, rows, foreign_keys=foreign_keys)
        return table

    def rows(self, table: Table) -> list[dict[str, Any]]:
        return self.database.rows(table.qualified_name)

    def forbid(self, table: Table, right: str) -> None:
        if right == "select":
            self.create(table.model_copy(update={"readable": False}))
        else:
            self.database.read_only.add(table.qualified_name)

    def drop(self, table: Table) -> None:
        self.database.drop_table(table.qualified_name)


class ServerWorkbench:
    """Tables in a real database; `service_role` is granted what the adapter needs."""

    adapter: ports.Database

    def __init__(self, owner: psycopg.Connection, schema: str) -> None:
        self.owner = owner
        self.schema = schema
        self.execute("create schema {schema}")
        self.execute("grant usage on schema {schema} to service_role")

    @property
    def database(self) -> Database:
        raise NotImplementedError

    def execute(
        self, statement: str, *, connection: psycopg.Connection | None = None, **names: str
    ) -> None:
        """Runs SQL with `{schema}` and other names quoted into it, as the owner or another."""
        identifiers = {name: sql.Identifier(text) for name, text in names.items()}
        quoted = sql.SQL(statement).format(schema=sql.Identifier(self.schema), **identifiers)
        (connection or self.owner).execute(quoted)

    def made(self, statement: str) -> Table:
        """Runs the SQL that makes the table `t`, and reads that from the catalog."""
        self.execute(statement)
        return self.created("t")

    def created(self, name: str) -> Table:
        """Lets the secret key use a table that SQL made, and reads it from the catalog."""
        self.execute("grant select, insert, update on {schema}.{table} to service_role", table=name)
        self.execute("grant all on all sequences in schema {schema} to service_role")
        return self.database.catalog().tables[f"{self.schema}.{name}"]

    def create(
        self, table: Table, rows: Sequence[Row] = (), foreign_keys: Sequence[ForeignKey] = ()
    ) -> Table:
        parts: list[sql.Composable] = [_definition(column) for column in table.columns]
        key = sql.SQL(", ").join(map(sql.Identifier, table.primary_key))
        parts.append(sql.SQL("primary key ({})").format(key))
        parts += map(_reference, foreign_keys)
        name = sql.Identifier(table.schema_name, table.name)
        self.owner.execute(sql.SQL("create table {} ({})").format(name, sql.SQL(", ").join(parts)))
        insert = sql.SQL(
            "insert into {0} overriding system value select * from json_populate_recordset(null::{0}, %s)"
        ).format(name)
        self.owner.execute(insert, [json.dumps(list(rows))])
        return self.created(table.name)

    def rows(self, table: Table) -> list[dict[str, Any]]:
        key = sql.SQL(", ").join(map(sql.Identifier, table.primary_key))
        name = sql.Identifier(table.schema_name, table.name)
        query = sql.SQL("select row_to_json(t.*)::text from {} t order by {}").format(name, key)
        lines = [line for (line,) in self.owner.execute(query)]
        return [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in lines]

    def forbid(self, table: Table, right: str) -> None:
        self.execute(f"revoke {right} on {{schema}}.{{table}} from service_role", table=table.name)

    def drop(self, table: Table) -> None:
        self.execute("drop table {schema}.{table}", table=table.name)


class SupabaseWorkbench(ServerWorkbench):
    """The `rest` engine's."""

    def __init__(self, owner: psycopg.Connection, database: RestCalls, schema: str) -> None:
        super().__init__(owner, schema)
        self._database = database
        self.adapter = database.adapter

    @property
    def database(self) -> RestCalls:
        return self._database


class PostgresWorkbench(ServerWorkbench):
    """The `postgres` engine's, which logs in with no more rights than service_role has."""

    ROLE = "bench_engine"

    def __init__(self, owner: psycopg.Connection, server: Postgres, schema: str) -> None:
        super().__init__(owner, schema)
        with psycopg.connect(server.url("supabase_admin"), autocommit=True) as superuser:
            if not superuser.execute(
                "select from pg_roles where rolname = %s", [self.ROLE]
            ).rowcount:
                superuser.execute("create role bench_engine login bypassrls in role service_role")
                superuser.execute("grant set on parameter session_replication_role to bench_engine")
        self.adapter = PostgresDatabase(server.url(self.ROLE))
        self._database = OneByOne(self.adapter)

    @property
    def database(self) -> Database:
        return self._database


class OneByOne:
    """The postgres engine's calls, each in a snapshot or a transaction of its own."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._moved: dict[str, Sequence[str]] = {}

    def catalog(self) -> Catalog:
        with self._database.snapshot() as snapshot:
            return snapshot.catalog()

    def export(self, selection: Selection) -> Iterator[Rows]:
        with self._database.snapshot() as snapshot:
            yield from snapshot.export(selection)

    def count(self, selection: Selection) -> int:
        with self._database.snapshot() as snapshot:
            return snapshot.count(selection)

    def count_untouched(self, selection: Selection) -> int:
        with self._database.snapshot() as snapshot:
            return snapshot.count_untouched(selection)

    def read_at_once(self, selection: Selection) -> bool:
        with self._database.snapshot() as snapshot:
            return snapshot.read_at_once(selection)

    def count_table(self, table: Table) -> int:
        with self._database.transaction(dry_run=True) as transaction:
            return transaction.count_table(table)

    def upsert(
        self, table: Table, columns: Sequence[str], rows: Sequence[bytes], *, dry_run: bool
    ) -> UpsertCounts:
        given = tuple(column for column in table.columns if column.name in columns)
        backed_up = table.model_copy(update={"columns": given})
        with self._database.transaction(dry_run=dry_run) as transaction:
            catalog = transaction.catalog()
            writer = transaction.writer(table, backed_up, RestoreMode.MERGE)
            writer.write(rows)
            assert not writer.finish()
            live = catalog.tables[table.qualified_name]
            if not dry_run:
                self._moved[live.qualified_name] = transaction.advance_sequences(live)
            violations = transaction.foreign_key_violations([live], catalog, deleted=False)
            if violations and not dry_run:
                raise ConstraintViolationError(
                    violations[0].constraint, operation="restore", key=violations[0].table
                )
        changes = writer.changes
        return UpsertCounts(changes.inserted, changes.updated, changes.unchanged)

    def advance_sequences(self, table: Table) -> Sequence[str]:
        """Those that the last upsert moved: a sequence moves only past rows that were written."""
        return self._moved.pop(table.qualified_name, [])


def _definition(column: Column) -> sql.Composable:
    identity = f" generated {column.identity} as identity" if column.identity else ""
    required = "" if column.nullable else " not null"
    return sql.SQL("{} " + column.type + identity + required).format(sql.Identifier(column.name))


def _reference(foreign_key: ForeignKey) -> sql.Composable:
    schema, _, name = foreign_key.parent.partition(".")
    return sql.SQL("foreign key ({}) references {} ({})").format(
        sql.Identifier(foreign_key.column),
        sql.Identifier(schema, name),
        sql.Identifier(foreign_key.parent_column),
    )
