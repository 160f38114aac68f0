"""A backup straight from Postgres: one snapshot, however large, and never a short document."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from supakeep.databases.postgres.connection import Connection, connect_to_read
from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.databases.postgres.export import source
from supakeep.domain.policy import BackupPolicy
from supakeep.errors import DatabasePermissionError, DatabaseUnavailableError
from supakeep.ports import Rows
from tests.builders.backups import back_up, tables_in
from tests.builders.postgres_project import PostgresProject, all_counts
from tests.builders.tables import a_selection
from tests.fakes.interfering import Interfering
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = pytest.mark.integration

EVERYTHING = BackupPolicy.parse('[backup]\ntables = "*"')
# each more than the megabyte from which on a table is read in ranges
LARGE = {
    "bigint": (
        "create table t (id bigint primary key, filler text);"
        "insert into t select n * 3, repeat(md5(n::text), 3) from generate_series(1, 90000) n"
    ),
    "uuid": (
        "create table t (id uuid primary key, filler text);"
        "insert into t select md5(n::text)::uuid, repeat(md5(n::text), 3) from generate_series(1, 80000) n"
    ),
    "of several columns": (
        "create table t (a text, b int, c numeric, filler text, primary key (a, c, b));"
        "insert into t select chr(65 + n % 57), n / 57, n % 7 / 10.0, repeat(md5(n::text), 3)"
        " from generate_series(1, 80000) n"
    ),
    "with wide rows in the middle": (
        "create table t (id int primary key, filler text);"
        "insert into t select n, repeat(md5(n::text), case when n between 30000 and 31000 then 50 else 2 end)"
        " from generate_series(1, 90000) n;"
        "insert into t select -n, repeat(n::text, 100000) from generate_series(1, 3) n"
    ),
    "partitioned": (
        "create table t (id int, filler text, primary key (id)) partition by hash (id);"
        "create table t0 partition of t for values with (modulus 2, remainder 0);"
        "create table t1 partition of t for values with (modulus 2, remainder 1);"
        "insert into t select n, repeat(md5(n::text), 3) from generate_series(1, 80000) n"
    ),
}


@pytest.mark.parametrize(
    ("key", "connections"), [(k, 2) for k in LARGE] + [("uuid", 1), ("uuid", 4)]
)
def test_a_large_table_is_whole_and_in_the_order_of_its_key(
    project: PostgresProject, key: str, connections: int
) -> None:
    project.sql(LARGE[key])
    project.connections = connections
    with project.database.snapshot() as snapshot:
        [table] = snapshot.catalog().tables.values()
    keys = ", ".join(table.primary_key)
    expected = project.rows(
        f"select count(*), md5(string_agg(md5(row_to_json(t)::text), '' order by {keys})) from t"
    )

    portions = list(exported(project, "t"))

    lines = b",\n".join(portion.lines for portion in portions).split(b",\n")
    assert len(lines) == sum(portion.count for portion in portions)
    assert len(portions) > 2
    assert [fingerprint(project, lines)] == expected


def fingerprint(project: PostgresProject, lines: list[bytes]) -> tuple[int, str]:
    query = (
        "select count(*), md5(string_agg(md5(line), '' order by n))"
        " from unnest(%s::text[]) with ordinality u(line, n)"
    )
    row = project.owner.execute(query, [[line.decode() for line in lines]]).fetchone()
    assert row
    return row[0], row[1]


def exported(project: PostgresProject, name: str) -> Iterator[Rows]:
    with project.database.snapshot() as snapshot:
        table = snapshot.catalog().tables[f"public.{name}"]
        yield from snapshot.export(a_selection(table))


class TardyPool(ThreadPoolExecutor):
    """Its threads wait after each task, so that the next one has not begun when one has ended."""

    def submit(self, *arguments: Any, **named: Any) -> Future[Any]:
        submitted = super().submit(*arguments, **named)
        submitted.add_done_callback(lambda _: time.sleep(0.02))
        return submitted


def test_the_count_of_a_table_is_there_though_it_begins_after_the_last_rows(
    project: PostgresProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.sql(LARGE["uuid"])
    monkeypatch.setattr(source, "ThreadPoolExecutor", TardyPool)
    project.connections = 1

    with project.database.snapshot() as snapshot:
        table = snapshot.catalog().tables["public.t"]
        rows = sum(portion.count for portion in snapshot.export(a_selection(table)))
        assert snapshot.count(a_selection(table)) == rows


def test_a_row_of_many_columns_is_what_row_to_json_makes_of_it(project: PostgresProject) -> None:
    names = [f'Column {n} "é\\' for n in range(250)]
    columns = ", ".join('"{}" int'.format(name.replace('"', '""')) for name in names)
    project.sql(f"create table t ({columns}); insert into t default values")

    [portion] = exported(project, "t")

    assert [(portion.lines.decode(),)] == project.rows("select row_to_json(t)::text from t")


def test_portions_shrink_where_rows_grow_wide(project: PostgresProject) -> None:
    """Compressed within the row, so that nothing tells of their width before they are read."""
    project.sql(
        "create table t (id int primary key, note text);"
        "insert into t select n, repeat(md5(n::text), 4) from generate_series(1, 9000) n;"
        "insert into t select n, repeat('x', 20000) from generate_series(9001, 12000) n"
    )

    portions = list(exported(project, "t"))

    lines = b",\n".join(portion.lines for portion in portions).split(b",\n")
    assert [json.loads(line)["id"] for line in lines] == list(range(1, 12_001))
    assert max(len(portion.lines) for portion in portions) < 2_000_000


def test_nulls_of_a_column_that_forbids_only_new_ones_are_kept(project: PostgresProject) -> None:
    if project.owner.info.server_version < 180000:
        pytest.skip("PostgreSQL 18 brought NOT NULL constraints that are not valid")
    project.sql(
        "create table t (id int primary key, value jsonb, other int);"
        "insert into t values (1, null, null), (2, 'null', 2);"
        "alter table t add not null value not valid, add not null other not valid"
    )

    [portion] = exported(project, "t")

    assert [json.loads(line) for line in portion.lines.split(b",\n")] == [
        {"id": 1, "value": None, "other": None},
        {"id": 2, "value": None, "other": 2, "": {"null": ["value"]}},
    ]


def test_everything_in_a_backup_is_of_one_moment(project: PostgresProject) -> None:
    project.sql(
        "create table a_parents (id int primary key, n int);"
        "create table children (id int primary key, parent int references a_parents);"
        "insert into a_parents select n, 0 from generate_series(1, 1000) n;"
        "insert into children select n, n from generate_series(1, 1000) n"
    )

    def interfere() -> None:
        project.sql(
            "insert into a_parents values (2000, 0); insert into children values (2000, 2000);"
            "update a_parents set n = 1; update children set id = id + 5000 where id < 100;"
            "delete from children where id = 500; delete from a_parents where id = 500"
        )

    store = InMemoryObjectStore()
    manifest = back_up(project.database, store, policy=EVERYTHING, progress=Interfering(interfere))

    found = tables_in(store, manifest)
    parents, children = (found[f"public.{name}"]["rows"] for name in ("a_parents", "children"))
    assert [int(row["id"]) for row in parents] == list(range(1, 1001))
    assert {int(row["n"]) for row in parents} == {0}
    assert [(int(row["id"]), int(row["parent"])) for row in children] == [
        (n, n) for n in range(1, 1001)
    ]
    assert manifest.consistency == "snapshot"
    assert manifest.wal_position
    assert manifest.warnings == ()


def test_updates_while_a_large_table_is_read_neither_lose_nor_double_rows(
    project: PostgresProject,
) -> None:
    project.sql(LARGE["bigint"])
    project.sql("alter table t add n int default 0")
    stop = threading.Event()

    def update() -> None:
        with psycopg.connect(project.url(), autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("update t set id = -id, n = n + 1 where random() < 0.02")
                connection.execute("insert into t select max(id) + 1, 'new', 1 from t")

    writer = threading.Thread(target=update)
    rows: list[bytes] = []
    try:
        with project.database.snapshot() as snapshot:
            table = snapshot.catalog().tables["public.t"]
            writer.start()
            for portion in snapshot.export(a_selection(table)):
                rows += portion.lines.split(b",\n")
            assert snapshot.count(a_selection(table)) == len(rows)
    finally:
        stop.set()
        writer.join()

    found = [json.loads(row) for row in rows]
    assert [row["id"] for row in found] == [n * 3 for n in range(1, 90001)]
    assert {row["n"] for row in found} == {0}


@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("size", ["in ranges", "in one stream"])
def test_a_connection_that_is_lost_on_the_way_leaves_no_backup(
    project: PostgresProject, connections: int, size: str
) -> None:
    project.sql(LARGE["bigint"])
    if size == "in one stream":
        project.sql("alter table t drop constraint t_pkey")
    project.connections = connections
    project.sql("create table zz_first (id int primary key); insert into zz_first values (1)")
    project.sql("alter table zz_first add t bigint")
    store = InMemoryObjectStore()

    def terminate() -> None:
        project.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'supakeep' and datname = current_database()"
        )

    with pytest.raises(DatabaseUnavailableError) as lost:
        back_up(project.database, store, policy=EVERYTHING, progress=Interfering(terminate))

    assert "did not answer" in lost.value.message
    assert store.objects == {}
    assert leaves_no_connection(project)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("lost", ["all", "all but one"])
def test_connections_that_are_lost_between_two_tables_end_the_export(
    project: PostgresProject, lost: str
) -> None:
    project.sql(LARGE["bigint"])
    survivors = "1" if lost == "all but one" else "0"
    with project.database.snapshot() as snapshot:
        table = snapshot.catalog().tables["public.t"]
        project.superuser(
            "select pg_terminate_backend(pid) from (select pid from pg_stat_activity"
            " where application_name = 'supakeep' and datname = current_database()"
            f" order by backend_start offset {survivors}) lost"
        )
        with pytest.raises(DatabaseUnavailableError):
            list(snapshot.export(a_selection(table)))


def leaves_no_connection(project: PostgresProject) -> bool:
    """A server notices a little later that a client has gone."""
    query = (
        "select count(*) from pg_stat_activity"
        " where application_name = 'supakeep' and datname = current_database()"
    )
    give_up_at = time.monotonic() + 10
    while project.rows(query) != [(0,)]:
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True


def test_timeouts_of_the_role_and_the_database_do_not_hit(project: PostgresProject) -> None:
    project.sql(
        "create table t (id int primary key, n json);"
        r"""insert into t values (1, '"\u00e9"')"""
    )
    project.sql("create table u (id int primary key); insert into u values (1)")
    for setting in (
        "statement_timeout = '100ms'",
        "idle_in_transaction_session_timeout = '100ms'",
        "transaction_timeout = '100ms'",
        "datestyle = 'German'",
        "intervalstyle = 'iso_8601'",
        "bytea_output = 'escape'",
        "extra_float_digits = -10",
        "timezone = 'Asia/Tokyo'",
        "search_path = 'pg_temp'",
        "row_security = on",
        "standard_conforming_strings = off",
        "quote_all_identifiers = on",
    ):
        project.superuser(f"alter database {project.name} set {setting}")

    with project.database.snapshot() as snapshot:
        catalog = snapshot.catalog()
        found = list(snapshot.export(a_selection(catalog.tables["public.t"])))
        threading.Event().wait(0.3)
        found += snapshot.export(a_selection(catalog.tables["public.u"]))
    backup = project.back_up()
    project.sql("delete from public.t")

    report = project.restore(backup)

    assert [portion.count for portion in found] == [1, 1]
    assert all_counts(report) == {"public.t": (1, 0, 0, 0), "public.u": (0, 0, 0, 1)}


def test_a_role_without_rights_is_told_which_table_and_the_others_are_backed_up(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table a (id int primary key); create table hidden (id int primary key, me text);"
        "create table z (id int primary key); insert into z values (1); insert into hidden values (1, 'x');"
        "alter table hidden enable row level security; create policy few on hidden using (id > 1);"
        "create table forbidden (id int primary key)"
    )
    role = f"{project.name}_reader"
    project.superuser(f"create role {role} login; grant select on a, hidden, z to {role}")
    store = InMemoryObjectStore()

    try:
        manifest = back_up(PostgresDatabase(project.url(role)), store, policy=EVERYTHING)
    finally:
        project.superuser(f"drop owned by {role}; drop role {role}")

    told = {table.name: table.error.message for table in manifest.tables if table.error}
    assert told == {
        "public.forbidden": "Permission denied for table public.forbidden",
        "public.hidden": "Permission denied for table public.hidden",
    }
    assert {table.name: table.rows for table in manifest.tables if not table.error} == {
        "public.a": 0,
        "public.z": 1,
    }


def test_a_database_that_cannot_be_reached_is_reported_without_the_password() -> None:
    database = PostgresDatabase("postgresql://someone:sesame@127.0.0.1:1/postgres")

    with pytest.raises(DatabaseUnavailableError) as failed, database.snapshot():
        pass

    assert "sesame" not in f"{failed.value.message} {failed.value.hint}"


def test_a_wrong_password_is_no_secret_in_the_error(project: PostgresProject) -> None:
    database = PostgresDatabase(project.url("nobody:sesame"))

    with (
        pytest.raises((DatabaseUnavailableError, DatabasePermissionError)) as failed,
        database.snapshot(),
    ):
        pass

    assert "nobody" in failed.value.message
    assert "sesame" not in f"{failed.value.message} {failed.value.hint}"


def test_a_column_that_a_primary_key_merely_includes_is_no_part_of_it(
    project: PostgresProject,
) -> None:
    """The included values come in another order, repeat, and may be null."""
    project.sql(
        "create table t (id int, note text, filler text, primary key (id) include (note));"
        "insert into t select n, nullif(md5((n / 3)::text), md5('7')), repeat('x', 100)"
        " from generate_series(1, 20000) n"
    )
    with project.database.snapshot() as snapshot:
        table = snapshot.catalog().tables["public.t"]

    lines = b",\n".join(portion.lines for portion in exported(project, "t")).split(b",\n")

    assert table.primary_key == ("id",)
    assert [json.loads(line)["id"] for line in lines] == list(range(1, 20_001))
    assert [json.loads(line)["id"] for line in lines if b'"note":null' in line] == [21, 22, 23]


def test_an_array_that_a_primary_key_merely_includes_is_not_given_as_text(
    project: PostgresProject,
) -> None:
    project.sql("create table t (id int, tags int[], primary key (id) include (tags))")

    with project.database.snapshot() as snapshot:
        assert snapshot.catalog().tables["public.t"].text_columns == ()


def test_the_connections_of_a_backup_are_made_at_the_same_time(
    project: PostgresProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(3, timeout=10)

    def connect(url: str) -> Connection:
        together.wait()  # raises where one waits for another
        return connect_to_read(url)

    monkeypatch.setattr(source, "connect_to_read", connect)

    with PostgresDatabase(project.url(), connections=3).snapshot() as snapshot:
        assert snapshot.catalog().server_version


def test_a_connection_that_is_refused_leaves_no_other_one_open(
    project: PostgresProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers, made = itertools.count(), list[Connection]()

    def connect(url: str) -> Connection:
        if next(numbers) == 1:
            raise DatabaseUnavailableError("too many connections", operation="connect")
        made.append(connect_to_read(url))
        return made[-1]

    monkeypatch.setattr(source, "connect_to_read", connect)

    with (
        pytest.raises(DatabaseUnavailableError, match="too many connections"),
        PostgresDatabase(project.url(), connections=3).snapshot(),
    ):
        pass

    assert [connection.closed for connection in made] == [True, True]


def test_few_rows_at_a_time_are_one_where_a_few_are_too_many(project: PostgresProject) -> None:
    # compressed, they lie within the bounds of a table that is read in ranges
    project.sql(
        "create table t (id int primary key, v text);"
        "insert into t select n, repeat('x', 30) from generate_series(1, 20000) n;"
        "insert into t select n, repeat('x', 5000000) from generate_series(20001, 20010) n;"
        "insert into t select n, 'last' from generate_series(20011, 20060) n"
    )

    portions = [(rows.count, len(rows.lines)) for rows in exported(project, "t")]

    assert sum(count for count, _ in portions) == 20060
    assert max(size for _, size in portions) < 8 * 1024 * 1024
