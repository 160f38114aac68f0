"""A restore straight into Postgres where the database works against it."""

from __future__ import annotations

import threading

import psycopg
import pytest

from supakeep.domain.row_changes import RestoreMode
from supakeep.errors import ConstraintViolationError, RestoreError
from tests.builders.postgres_project import PostgresProject, all_counts
from tests.fakes.runs import InMemoryProgress

pytestmark = pytest.mark.integration


class WritingMeanwhile(InMemoryProgress):
    """Commits a row after the restore's transaction has read the catalog, and before it locks."""

    def __init__(self, project: PostgresProject) -> None:
        super().__init__()
        self._project = project

    def phase(self, name: str) -> None:
        if name == "checking the backup":
            self._project.sql("insert into t values (2)")


def test_a_row_that_was_committed_before_the_lock_does_not_survive_a_replace(
    project: PostgresProject,
) -> None:
    """Not even where the database's transactions are of one moment by default."""
    project.sql("create table t (id int primary key); insert into t values (1)")
    _, manifest = backup = project.back_up()
    project.sql(
        f"alter database {project.name} set default_transaction_isolation = 'repeatable read';"
        f"alter database {project.name} set default_transaction_read_only = on"
    )

    report = project.restore(backup, mode=RestoreMode.REPLACE, progress=WritingMeanwhile(project))

    assert manifest.tables[0].rows == 1
    assert all_counts(report) == {"public.t": (0, 0, 1, 1)}
    assert project.rows("select id from t") == [(1,)]


@pytest.mark.parametrize(
    "rule", ["do instead nothing", "do instead insert into kept values (new.id)"]
)
@pytest.mark.parametrize("mode", [RestoreMode.REPLACE, RestoreMode.MERGE])
def test_rows_that_a_rule_swallows_undo_the_restore(
    project: PostgresProject, rule: str, mode: RestoreMode
) -> None:
    project.sql("create table t (id int primary key); insert into t values (1), (2)")
    backup = project.back_up()
    project.sql(
        "delete from t; create table kept (id int);"
        f"create rule swallow as on insert to t {rule}; alter table t enable always rule swallow"
    )
    changed = project.dump()

    with pytest.raises(RestoreError, match=r"public\.t"):
        project.restore(backup, "t", mode=mode)

    assert project.dump() == changed


def test_rows_that_a_trigger_keeps_back_undo_the_restore(project: PostgresProject) -> None:
    project.sql("create table t (id int primary key, n int); insert into t values (1, 1), (2, 2)")
    backup = project.back_up()
    project.sql(
        "update t set n = 0;"
        "create function keep() returns trigger language plpgsql as $$ begin return null; end $$;"
        "create trigger keep before update on t for each row execute function keep();"
        "alter table t enable always trigger keep"
    )

    with pytest.raises(RestoreError, match=r"public\.t.*0 of 2 rows"):
        project.restore(backup)

    assert project.rows("select id, n from t order by id") == [(1, 0), (2, 0)]


TEXT_VALUES = (
    r"""{"id":%d,"j":"{\"a\\u0000\": \n \"\\ud800\"}","b":"[1, null]","n":null,"""
    r""""a":"{NULL,\"null\"}","":{"null":["n"],"text":["j","b","a"]}}"""
)


def test_values_given_as_text_come_back_as_they_were(project: PostgresProject) -> None:
    """Among them what jsonb cannot hold, and what JSON cannot tell apart."""
    project.sql(
        "create domain words as json;"
        "create table t (id int primary key, j words, b jsonb, n json, a jsonb[])"
    )
    with project.database.transaction(dry_run=False) as transaction:
        table = transaction.catalog().tables["public.t"]
        writer = transaction.writer(table, table, RestoreMode.MERGE)
        writer.write([(TEXT_VALUES % number).encode() for number in (1, 2)])
        assert not writer.finish()

    [first, second] = project.rows("select j::text, b::text, n::text, a::text from t")
    assert first == second
    assert first == (r'{"a\u0000": ' + "\n" + r' "\ud800"}', "[1, null]", "null", '{NULL,"null"}')


def test_a_json_null_in_the_form_of_an_older_backup_is_the_same_value(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table t (id int primary key, j jsonb); insert into t values (1, 'null'), (2, null)"
    )

    for nulls in ('["j"]', '{"null":["j"]}'):
        with project.database.transaction(dry_run=False) as transaction:
            table = transaction.catalog().tables["public.t"]
            writer = transaction.writer(table, table, RestoreMode.MERGE)
            writer.write([f'{{"id":1,"j":null,"":{nulls}}}'.encode(), b'{"id":2,"j":null}'])
            writer.finish()
        assert (writer.changes.updated, writer.changes.unchanged) == (0, 2)


@pytest.mark.parametrize("mode", [RestoreMode.MERGE, RestoreMode.REPLACE])
def test_what_was_committed_while_the_restore_waited_for_its_lock_is_compared_too(
    project: PostgresProject, mode: RestoreMode
) -> None:
    project.sql(
        "create table t (id int primary key, v text);insert into t values (1, 'a'), (2, 'b')"
    )
    backup = project.back_up()

    with psycopg.connect(project.url()) as other:
        other.execute("update t set v = 'wrong' where id = 1")
        committing = threading.Timer(1, other.commit)
        committing.start()
        report = project.restore(backup, mode=mode)
        committing.join()

    assert all_counts(report) == {"public.t": (0, 1, 0, 1)}
    assert project.rows("select id, v from t order by id") == [(1, "a"), (2, "b")]


def test_a_merge_may_not_take_away_what_others_refer_to_beside_the_primary_key(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table parents (id int primary key, slug text unique);"
        "create table children (id int primary key,"
        " slug text references parents (slug) on update cascade);"
        "insert into parents values (1, 'a'); insert into children values (1, 'a')"
    )
    backup = project.back_up()
    project.sql("update parents set slug = 'b'")

    with pytest.raises(RestoreError, match="foreign keys would be violated"):
        project.restore(backup, "parents")

    assert project.rows("select slug from parents") == [("b",)]


def test_a_key_that_one_partition_has_is_checked(project: PostgresProject) -> None:
    project.sql(
        "create table parents (id int primary key); insert into parents values (1), (2);"
        "create table events (id int, at date, parent int, primary key (id, at)) partition by range (at);"
        "create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');"
        "alter table events_2024 add constraint own foreign key (parent) references parents;"
        "insert into events values (1, '2024-05-05', 1)"
    )
    backup = project.back_up()
    project.sql("delete from events; delete from parents where id = 1")

    with pytest.raises(RestoreError, match=r"public\.events_2024: 1 rows refer by own"):
        project.restore(backup, "events")

    assert project.rows("select * from events") == []


def test_a_key_that_refers_to_one_partition_is_checked(project: PostgresProject) -> None:
    project.sql(
        "create table events (id int primary key) partition by range (id);"
        "create table events_all partition of events default;"
        "create table children (id int primary key, event int references events_all);"
        "insert into events values (1)"
    )
    backup = project.back_up()
    project.sql("insert into events values (2); insert into children values (9, 2)")

    with pytest.raises(RestoreError, match="foreign keys would be violated"):
        project.restore(backup, "events", mode=RestoreMode.REPLACE)

    assert project.rows("select id from events order by id") == [(1,), (2,)]


def test_a_deferrable_key_that_one_partition_has_is_checked(project: PostgresProject) -> None:
    project.sql(
        "create table t (id int primary key, code text) partition by range (id);"
        "create table t_low partition of t for values from (1) to (100);"
        "alter table t_low add constraint own unique (code) deferrable;"
        "insert into t values (1, 'a'), (2, 'b')"
    )
    backup = project.back_up()
    project.sql(
        "delete from t where id = 1; update t set code = 'x'; insert into t values (3, 'a')"
    )

    with pytest.raises(
        ConstraintViolationError, match=r"public\.t_low: 1 values of the unique constraint own"
    ):
        project.restore(backup)

    assert project.rows("select * from t order by id") == [(2, "x"), (3, "a")]


@pytest.mark.parametrize("partitioned", [False, True])
def test_a_key_match_full_allows_no_row_that_is_null_in_part(
    project: PostgresProject, partitioned: bool
) -> None:
    """Of a whole table, and of one partition only."""
    owner = "t_all" if partitioned else "t"
    project.sql(
        "create table parents (a int, b int, primary key (a, b)); insert into parents values (1, 1);"
        f"create table t (id int primary key, a int, b int){' partition by range (id)' * partitioned};"
        f"{'create table t_all partition of t default;' * partitioned}"
        "insert into t values (1, 1, null), (2, null, null), (3, 1, 1)"
    )
    backup = project.back_up()
    project.sql(
        "delete from t where id = 1;"
        f"alter table {owner} add constraint whole foreign key (a, b) references parents match full"
    )

    with pytest.raises(RestoreError, match=rf"public\.{owner}: 1 rows refer by whole"):
        project.restore(backup, "t")

    assert project.rows("select id from t order by id") == [(2,), (3,)]
