"""A dry run shows some of the rows of each kind of change, with either engine."""

from __future__ import annotations

import pytest

from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.restore import RestoredTable
from supakeep.domain.row_changes import RestoreMode, WholeRow
from tests.builders.backups import back_up, restore
from tests.builders.postgres_project import PostgresProject
from tests.contract.workbench import ServerWorkbench
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = pytest.mark.integration

REPLACE = RestoreMode.REPLACE
LONG = 1_000_000
KINDS = """
create table {schema}.t (
  a int, b text, n numeric, big bigint, f float8, raw bytea, doc json, docb jsonb, list int[],
  doubled int generated always as (a * 2) stored, note text, primary key (a, b)
);
insert into {schema}.t values
  (1, 'x', 'NaN', 9007199254740993, 'infinity', '\\x00ff', '{{"a":  1.0, "a": 2}}', '{{"b": 1.10}}',
   '{{1,null}}', default, 'line' || chr(10) || 'break'),
  (1, 'y', 12345678901234567890.123456789000, null, 1e300, null, 'null', 'null', '[2:3]={{7,8}}',
   default, null)
"""
# without the generated column: the database makes its value
SHOWN = [
    {
        "n": '"NaN"',
        "big": "9007199254740993",
        "f": '"Infinity"',
        "raw": r'"\\x00ff"',
        "doc": '{"a":  1.0, "a": 2}',
        "docb": '{"b": 1.10}',
        "list": "[1,null]",
        "note": r'"line\nbreak"',
    },
    {
        "n": "12345678901234567890.123456789000",
        "big": "null",
        "f": "1e+300",
        "raw": "null",
        "doc": "null",
        "docb": "null",
        "list": '"[2:3]={7,8}"',
        "note": "null",
    },
]
KEYS = [{"a": "1", "b": '"x"'}, {"a": "1", "b": '"y"'}]


@pytest.fixture(params=["supabase", "postgres"])
def server(request: pytest.FixtureRequest) -> ServerWorkbench:
    """A real database behind either engine."""
    workbench: ServerWorkbench = request.getfixturevalue(request.param)
    return workbench


class Kept:
    """A backup of the table `t` of a server."""

    def __init__(self, server: ServerWorkbench) -> None:
        self._server = server
        self._store = InMemoryObjectStore(piece_bytes=1024 * 1024)
        only = BackupPolicy.parse(f'[[table]]\nname = "{server.schema}.t"')
        self._manifest: Manifest = back_up(server.adapter, self._store, policy=only)

    def restored(self, *, dry_run: bool) -> RestoredTable:
        [table] = restore(self._server.adapter, self._store, self._manifest, dry_run=dry_run).tables
        return table


def kept(server: ServerWorkbench, statement: str) -> Kept:
    server.made(statement)
    return Kept(server)


def test_rows_to_insert_are_shown_with_their_keys_and_exact_values(
    server: ServerWorkbench,
) -> None:
    backup = kept(server, KINDS)
    server.execute("delete from {schema}.t")

    table = backup.restored(dry_run=True)

    assert [row.key for row in table.inserted_rows] == KEYS
    assert [row.columns for row in table.inserted_rows] == SHOWN
    assert (table.updated_rows, table.deleted_rows) == ((), ())
    assert backup.restored(dry_run=False).inserted_rows == ()


def test_five_rows_of_each_kind_are_shown_in_the_order_of_the_key(server: ServerWorkbench) -> None:
    backup = kept(
        server,
        "create table {schema}.t (id int primary key, n int);"
        "insert into {schema}.t select i, i from generate_series(1, 4000) i",
    )
    server.execute("delete from {schema}.t where id % 2 = 0")
    server.execute("update {schema}.t set n = -n where id % 4 = 1")

    table = backup.restored(dry_run=True)

    assert (table.inserted, table.updated) == (2000, 1000)
    assert table.inserted_rows == tuple(
        WholeRow(key={"id": str(i)}, columns={"n": str(i)}) for i in (2, 4, 6, 8, 10)
    )
    assert [row.columns["n"] for row in table.updated_rows] == [
        (str(-i), str(i)) for i in (1, 5, 9, 13, 17)
    ]


def test_a_table_of_which_only_the_key_is_left_to_show(server: ServerWorkbench) -> None:
    backup = kept(
        server,
        "create table {schema}.t (a int, b int, primary key (a, b));"
        "insert into {schema}.t values (1, 2)",
    )
    server.execute("delete from {schema}.t")

    [row] = backup.restored(dry_run=True).inserted_rows

    assert row == WholeRow(key={"a": "1", "b": "2"}, columns={})


def test_wide_rows_to_insert_are_cut(server: ServerWorkbench) -> None:
    columns = ", ".join(f"c{i} text default repeat('x', 300)" for i in range(200))
    backup = kept(
        server,
        f"create table {{schema}}.t (id int primary key, {columns});"
        f"insert into {{schema}}.t select i, repeat('é', {LONG // 10}) from generate_series(1, 9) i",
    )
    server.execute("delete from {schema}.t")

    rows = backup.restored(dry_run=True).inserted_rows

    assert [row.key["id"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[0].columns["c0"].endswith("é… (100,002 characters)")
    assert all(len(value) < 250 for row in rows for value in row.columns.values())
    assert all(len(row.columns) == 200 for row in rows)


def shown(rows: tuple[WholeRow, ...]) -> list[tuple[dict[str, str], dict[str, str]]]:
    return [(row.key, row.columns) for row in rows]


def test_rows_to_delete_are_shown_with_all_their_values(project: PostgresProject) -> None:
    project.sql(KINDS.format(schema="public"))
    project.sql("create table kept as table t; delete from t")
    backup = project.back_up(policy='[[table]]\nname = "public.t"')
    project.sql(
        "alter table t add added text default 'new';"
        "insert into t (a, b, n, big, f, raw, doc, docb, list, note)"
        " select a, b, n, big, f, raw, doc, docb, list, note from kept"
    )

    [table] = project.restore(backup, mode=REPLACE, dry_run=True).tables

    assert (table.deleted, table.inserted_rows, table.updated_rows) == (2, (), ())
    values = [row | {"doubled": "2", "added": '"new"'} for row in SHOWN]
    assert shown(table.deleted_rows) == list(zip(KEYS, values, strict=True))


@pytest.mark.parametrize("key", ["int", "text", "numeric"])
def test_five_rows_to_delete_are_shown_wherever_they_stand(
    project: PostgresProject, key: str
) -> None:
    project.sql(
        f"create table t (id {key} primary key, n int);"
        "insert into t select i, i from generate_series(1000, 8000) i where i % 1000 <> 7"
    )
    backup = project.back_up()
    project.sql(
        "insert into t select i, i from generate_series(1000, 9000) i on conflict do nothing"
    )
    ids = [f'"{i}"' if key == "text" else str(i) for i in (1007, 2007, 3007, 4007, 5007)]

    dry, done = (
        project.restore(backup, mode=REPLACE, dry_run=dry_run).tables[0]
        for dry_run in (True, False)
    )

    assert (dry.deleted, done.deleted) == (1007, 1007)
    assert [row.key["id"] for row in dry.deleted_rows] == ids
    assert done.deleted_rows == ()


def test_rows_without_a_key_are_shown_by_their_values(project: PostgresProject) -> None:
    project.sql("create table t (n numeric, j json); insert into t values (1.0, '[1.0]')")
    backup = project.back_up()
    project.sql("update t set n = 1.00; insert into t values (null, 'null')")

    [table] = project.restore(backup, mode=REPLACE, dry_run=True).tables

    assert shown(table.inserted_rows) == [({}, {"n": "1.0", "j": "[1.0]"})]
    assert shown(table.deleted_rows) == [
        ({}, {"n": "1.00", "j": "[1.0]"}),
        ({}, {"n": "null", "j": "null"}),
    ]


def test_rows_that_are_deleted_after_all_tables_are_shown_too(project: PostgresProject) -> None:
    """Where foreign keys are enforced, they go last."""
    project.sql("create table t (id int primary key, up int references t, note text)")
    backup = project.back_up()
    project.sql("insert into t values (1, null, 'top'), (2, 1, 'below')")

    with project.weak_role() as role:
        [table] = project.restore(backup, mode=REPLACE, dry_run=True, user=role).tables

    assert table.deleted == 2
    assert shown(table.deleted_rows) == [
        ({"id": "1"}, {"up": "null", "note": '"top"'}),
        ({"id": "2"}, {"up": "1", "note": '"below"'}),
    ]
