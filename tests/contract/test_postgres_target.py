"""A restore straight into Postgres: modes, a dry run that is a diff, all or nothing."""

from __future__ import annotations

import psycopg
import pytest

from supakeep.databases.postgres.restore.target import TRIGGERS_FIRE
from supakeep.domain.row_changes import RestoreMode
from supakeep.errors import (
    ConstraintViolationError,
    DatabaseError,
    DatabasePermissionError,
    DatabaseUnavailableError,
    RestoreError,
)
from tests.builders.postgres_project import PostgresProject, all_counts
from tests.contract.caseless import CASELESS, LOSSY_JSON

pytestmark = pytest.mark.integration

KEYS = {
    "bigint": "n",
    "uuid": "md5(n::text)::uuid",
    "text": "'k' || (n * 7919 % 5000)",
    "numeric": "n / 10.0",
    'text collate "C"': "chr(64 + n % 60) || n",
    "int[]": "array[n % 10, n]",
    "jsonb": "to_jsonb(n::text)",
    "interval": "n * interval '7 hours'",
}


def items(key: str, value: str) -> str:
    return f"create table items (id {key} primary key, n int, note text);" + fill("items", value)


def fill(table: str, key: str, first: int = 1, last: int = 3000) -> str:
    return (
        f"insert into {table} select {key}, n, 'note ' || n from generate_series({first}, {last}) n"
    )


@pytest.mark.parametrize("mode", RestoreMode)
@pytest.mark.parametrize("key", KEYS)
def test_a_mode_does_what_its_name_says_and_its_dry_run_foretells_it(
    project: PostgresProject, key: str, mode: RestoreMode
) -> None:
    project.sql(items(key, KEYS[key]))
    before = project.dump()
    backup = project.back_up()
    project.sql("delete from items where n % 100 = 0")
    project.sql("update items set note = 'changed' where n % 100 = 1")
    project.sql(fill("items", KEYS[key], -500, 0))
    project.sql(fill("items", KEYS[key], 3001, 3010))
    changed = project.dump()

    foretold = project.restore(backup, mode=mode, dry_run=True)
    after_dry_run = project.dump()
    done = project.restore(backup, mode=mode)

    assert after_dry_run == changed
    overwritten, gone = (0 if mode is RestoreMode.MISSING_ONLY else 30), 511
    removed = gone if mode is RestoreMode.REPLACE else 0
    assert all_counts(done) == {"public.items": (30, overwritten, removed, 2970 - overwritten)}
    assert all_counts(foretold) == all_counts(done)
    assert foretold.tables[0].updated_rows == done.tables[0].updated_rows
    assert done.tables[0].rows_in_database == 3000 + gone - removed
    notes = project.rows("select count(*) from items where note = 'changed'")
    assert notes == [(30 - overwritten,)]
    if mode is RestoreMode.REPLACE:
        assert project.dump() == before


def test_a_sample_shows_key_and_changed_columns_old_and_new(project: PostgresProject) -> None:
    project.sql(
        "create table items (id int primary key, n numeric, j json, k text);"
        """insert into items values (1, 1.10, '{"a":  [1.0]}', 'same')"""
    )
    backup = project.back_up()
    project.sql("update items set n = 2, j = null")

    [table] = project.restore(backup, dry_run=True).tables

    [sample] = table.updated_rows
    assert sample.key == {"id": "1"}
    assert sample.columns == {"n": ("2", "1.10"), "j": ("null", '{"a":  [1.0]}')}


def test_equal_keys_that_are_spelled_differently_are_one_row(project: PostgresProject) -> None:
    project.sql(
        "create table items (id numeric primary key, note text);"
        "insert into items values (1.0, 'one'), (2.00, 'two'), (3, 'three')"
    )
    before = project.dump()
    backup = project.back_up()
    for mode in (RestoreMode.MERGE, RestoreMode.REPLACE):
        project.sql("update items set id = 1.000, note = 'other' where id = 1")

        dry = project.restore(backup, mode=mode, dry_run=True)
        done = project.restore(backup, mode=mode)

        assert all_counts(dry) == all_counts(done) == {"public.items": (0, 1, 0, 2)}
        assert project.dump() == before


def test_replace_refuses_to_guess_where_keys_sort_otherwise_now(project: PostgresProject) -> None:
    project.sql(
        "create type size as enum ('small', 'medium', 'large');"
        "create table items (id size primary key, note text);"
        "insert into items values ('small', 'a'), ('medium', 'b'), ('large', 'c')"
    )
    backup = project.back_up()
    project.sql(
        "update items set note = 'changed' where id <> 'medium'; alter type size rename to old;"
        "create type size as enum ('large', 'small', 'medium');"
        "alter table items alter id type size using id::text::size"
    )
    changed = project.dump()

    with pytest.raises(RestoreError, match="sorts otherwise"):
        project.restore(backup, mode=RestoreMode.REPLACE)

    assert project.dump() == changed
    assert all_counts(project.restore(backup)) == {"public.items": (0, 2, 0, 1)}


def test_replace_frees_a_unique_value_before_it_gives_it_back(project: PostgresProject) -> None:
    project.sql(
        "create table users (id int primary key, email text unique);"
        "insert into users select n, n || '@example.com' from generate_series(1, 2500) n"
    )
    before = project.dump()
    backup = project.back_up()
    project.sql("delete from users where id = 5; insert into users values (2600, '5@example.com')")

    dry = project.restore(backup, mode=RestoreMode.REPLACE, dry_run=True)
    done = project.restore(backup, mode=RestoreMode.REPLACE)

    assert all_counts(dry) == all_counts(done) == {"public.users": (1, 0, 1, 2499)}
    assert project.dump() == before


def test_a_unique_value_that_another_row_has_is_refused_and_named(project: PostgresProject) -> None:
    project.sql(
        "create table a_log (id int primary key); insert into a_log values (1);"
        "create table users (id int primary key, email text unique);"
        "insert into users values (1, 'anna@example.com')"
    )
    backup = project.back_up()
    project.sql("delete from a_log; update users set id = 2")
    changed = project.dump()

    with pytest.raises(ConstraintViolationError, match="users_email_key") as refused:
        project.restore(backup)

    assert "anna@example.com" in refused.value.in_full
    assert project.dump() == changed


def test_a_foreign_key_that_would_be_violated_is_named_and_nothing_is_written(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table parents (id int primary key, note text);"
        "create table children (id int primary key, parent int constraint has_parent references parents);"
        "insert into parents values (1, 'a'), (2, 'b'); insert into children values (1, 1), (2, 2), (3, null)"
    )
    backup = project.back_up()
    project.sql("delete from children; delete from parents where id = 2")
    changed = project.dump()

    with pytest.raises(RestoreError) as refused:
        project.restore(backup, "children")

    assert "public.children: 1 rows refer by has_parent" in refused.value.message
    assert ", for example 2" in refused.value.in_full
    assert project.dump() == changed
    project.restore(backup)
    assert project.rows("select count(*) from children") == [(3,)]


def test_rows_of_users_that_are_gone_come_with_a_hint_that_fits(project: PostgresProject) -> None:
    project.sql(
        "create schema auth; create table auth.users (id int primary key);"
        "create table profiles (id int primary key references auth.users);"
        "insert into auth.users values (1), (2); insert into profiles values (1), (2)"
    )
    backup = project.back_up(policy='[backup]\ntables = "*"\nauth = false')
    project.sql("delete from profiles; delete from auth.users where id = 2")

    with pytest.raises(
        RestoreError, match=r"profiles: 1 rows refer .* auth\.users lacks"
    ) as refused:
        project.restore(backup)

    assert "no longer exist in Supabase Auth" in (refused.value.hint or "")


def test_replace_does_not_leave_children_of_deleted_parents(project: PostgresProject) -> None:
    project.sql(
        "create table parents (id int primary key);"
        "create table children (id int primary key, parent int references parents on delete cascade);"
        "insert into parents values (1)"
    )
    backup = project.back_up()
    project.sql("insert into parents values (2); insert into children values (1, 2)")
    changed = project.dump()

    with pytest.raises(RestoreError, match="children_parent_fkey"):
        project.restore(backup, "parents", mode=RestoreMode.REPLACE)

    assert project.dump() == changed
    project.restore(backup, mode=RestoreMode.REPLACE)
    assert project.rows("select count(*) from children") == [(0,)]


def test_a_key_to_a_table_with_heirs_means_only_the_table(project: PostgresProject) -> None:
    project.sql(
        "create table parents (id int primary key); create table heirs (primary key (id)) inherits (parents);"
        "create table children (id int primary key, parent int references parents);"
        "insert into parents values (1); insert into children values (1, 1)"
    )
    backup = project.back_up()
    project.sql("delete from children; delete from parents; insert into heirs values (1)")

    with pytest.raises(RestoreError, match="children_parent_fkey"):
        project.restore(backup, "children")


def test_a_failure_in_the_last_table_leaves_everything_as_it_was(project: PostgresProject) -> None:
    project.sql(
        "create table a (id serial primary key); create table b (id int primary key, a int references a, n int);"
        "insert into a select from generate_series(1, 3000);"
        "insert into b select n, n, n from generate_series(1, 3000) n"
    )
    backup = project.back_up()
    project.sql(
        "delete from b where id < 10; delete from a where id < 10; alter sequence a_id_seq restart;"
        "alter table b add check (n <> 7)"
    )
    changed = project.dump()

    with pytest.raises(ConstraintViolationError, match="b_n_check"):
        project.restore(backup)

    assert project.dump() == changed


def test_tables_without_a_key_are_replaced_and_never_merged(project: PostgresProject) -> None:
    project.sql("create table log (a int, b text); insert into log values (1, 'x'), (1, 'x')")
    before = project.dump()
    backup = project.back_up()
    project.sql("insert into log values (2, 'y'); delete from log where a = 1")

    with pytest.raises(RestoreError, match="no primary key"):
        project.restore(backup)
    dry = project.restore(backup, mode=RestoreMode.REPLACE, dry_run=True)
    done = project.restore(backup, mode=RestoreMode.REPLACE)

    assert all_counts(dry) == all_counts(done) == {"public.log": (2, 0, 1, 0)}
    assert project.dump() == before


def test_replace_empties_what_was_empty(project: PostgresProject) -> None:
    project.sql("create table a (id int primary key); create table b (n int)")
    backup = project.back_up()
    project.sql("insert into a values (1), (2); insert into b values (1)")

    report = project.restore(backup, mode=RestoreMode.REPLACE)

    assert all_counts(report) == {"public.a": (0, 0, 2, 0), "public.b": (0, 0, 1, 0)}


def test_sequences_go_on_after_the_last_value_and_never_back(project: PostgresProject) -> None:
    project.sql(
        "create table up (id serial primary key); insert into up select from generate_series(1, 5);"
        "create table down (id int generated always as identity (increment by -3 start -1) primary key);"
        "insert into down select from generate_series(1, 3);"
        "create sequence shared; create table a (id bigint default nextval('shared') primary key);"
        "create table b (id bigint default nextval('shared') primary key);"
        "insert into a default values; insert into b default values; insert into a default values;"
        "create table ahead (id serial primary key); insert into ahead values (3); select setval('ahead_id_seq', 90);"
        "create table untouched (id serial primary key); select setval('untouched_id_seq', 12);"
        "create table beyond (id int generated by default as identity (maxvalue 10) primary key);"
        "insert into beyond values (11);"
        "create sequence of_text; create table words (id int primary key, word text default nextval('of_text'));"
        "alter sequence of_text owned by words.word; insert into words values (1, 'x')"
    )
    backup = project.back_up()
    project.sql(
        "truncate up, down, a, b, ahead, words, beyond restart identity; alter sequence shared restart;"
        "select setval('ahead_id_seq', 95)"
    )

    project.restore(backup)

    assert project.rows(
        "select nextval('up_id_seq'), nextval('down_id_seq'), nextval('shared'), nextval('ahead_id_seq'),"
        " nextval('untouched_id_seq'), nextval('beyond_id_seq')"
    ) == [(6, -10, 4, 96, 13, 1)]


def test_a_role_that_cannot_silence_triggers_says_so_before(project: PostgresProject) -> None:
    project.sql("create table t (id int primary key, note text); insert into t values (1, 'old')")
    role = f"{project.name}_weak"
    project.superuser(f"create role {role} login bypassrls in role postgres")
    backup = project.back_up()
    project.sql(
        "update t set note = 'new'; create function shout() returns trigger language plpgsql as"
        " $$ begin new.note := upper(new.note); return new; end $$;"
        "create trigger shout before update on t for each row execute function shout()"
    )
    try:
        project.superuser("revoke set on parameter session_replication_role from postgres")
        report = project.restore(backup, user=role)
    finally:
        project.superuser("grant set on parameter session_replication_role to postgres")
        project.superuser(f"drop owned by {role}; drop role {role}")

    assert TRIGGERS_FIRE in report.warnings
    assert project.rows("select note from t") == [("OLD",)]


def test_a_role_without_rights_is_refused_before_anything_is_written(
    project: PostgresProject,
) -> None:
    project.sql("create table t (id int primary key); insert into t values (1)")
    backup = project.back_up()
    role = f"{project.name}_none"
    project.superuser(f"create role {role} login; grant select on t to {role}")
    project.sql("delete from t")

    try:
        with pytest.raises(DatabasePermissionError) as denied:
            project.restore(backup, user=role)
    finally:
        project.superuser(f"drop owned by {role}; drop role {role}")

    assert denied.value.message == "Permission denied for table public.t"


def test_what_is_written_before_the_lock_is_seen_and_nothing_is_written_after(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table t (id int primary key, n int);"
        "insert into t select n, n from generate_series(1, 10) n"
    )
    with project.database.transaction(dry_run=False) as transaction:
        table = transaction.catalog().tables["public.t"]
        project.sql("update t set n = 99 where id = 3")
        transaction.lock([table])
        writer = transaction.writer(table, table, RestoreMode.MERGE)
        project.sql("set lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            project.sql("update t set n = 98 where id = 4")
        writer.write([b'{"id":3,"n":3}', b'{"id":4,"n":4}'])
        assert not writer.finish()

    assert (writer.changes.updated, writer.changes.unchanged) == (1, 1)
    assert project.rows("select count(*) from t where id = n") == [(10,)]


def test_what_a_trigger_writes_is_compared_too_where_it_cannot_be_silenced(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table a_parents (id int primary key, n int);"
        "create table children (id int primary key, n int);"
        "insert into a_parents values (1, 1); insert into children values (1, 1)"
    )
    backup = project.back_up()
    project.sql(
        "update a_parents set n = 2;"
        "create function spread() returns trigger language plpgsql as "
        "$$ begin update public.children set n = 99; return new; end $$;"
        "create trigger spread after insert or update on a_parents for each row execute function spread();"
        "alter table a_parents enable always trigger spread"
    )

    report = project.restore(backup)

    assert all_counts(report) == {
        "public.a_parents": (0, 1, 0, 0),
        "public.children": (0, 1, 0, 0),
    }
    assert project.rows("select n from children") == [(1,)]


def test_a_trigger_of_a_partition_is_looked_for_too(project: PostgresProject) -> None:
    project.sql(
        "create table a (id int primary key, n int) partition by range (id);"
        "create table a1 partition of a for values from (1) to (100);"
        "create table b (id int primary key, n int);"
        "insert into a values (1, 1); insert into b values (1, 1)"
    )
    backup = project.back_up()
    project.sql(
        "delete from a;"
        "create function spread() returns trigger language plpgsql as "
        "$$ begin update public.b set n = 99; return new; end $$;"
        "create trigger spread after insert on a1 for each row execute function spread();"
        "alter table a1 enable always trigger spread"
    )

    report = project.restore(backup)

    assert all_counts(report)["public.b"] == (0, 1, 0, 0)
    assert project.rows("select n from b") == [(1,)]


def test_a_tree_is_written_in_one_statement_where_its_key_is_checked_at_each(
    project: PostgresProject,
) -> None:
    """Every row refers to the next one, and the role may not turn the checks off."""
    project.sql(
        "create table t (id int primary key, parent int references t);"
        "insert into t select n, nullif(n + 1, 3001) from generate_series(1, 3000) n"
    )
    backup = project.back_up()
    project.sql("delete from t where id < 3000")
    role = f"{project.name}_tree"
    project.superuser(
        f"create role {role} login bypassrls; grant all on t to {role};"
        f"grant usage on schema public to {role}"
    )
    try:
        report = project.restore(backup, user=role)
    finally:
        project.superuser(f"drop owned by {role}; drop role {role}")

    assert all_counts(report) == {"public.t": (2999, 0, 0, 1)}


def test_live_rows_that_are_far_wider_than_the_backups_are_compared_a_few_at_a_time(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table t (id int primary key, note text);"
        "insert into t select n, 'short' from generate_series(1, 1500) n"
    )
    backup = project.back_up()
    project.sql("update t set note = repeat('x', 1200000) where id % 2 = 0")

    report = project.restore(backup)

    assert all_counts(report) == {"public.t": (0, 750, 0, 750)}
    assert project.rows("select count(*) from t where note = 'short'") == [(1500,)]


def test_nothing_is_written_on_its_own_once_the_transaction_is_lost(
    project: PostgresProject,
) -> None:
    project.sql("create table t (id int primary key, n int)")
    with project.database.transaction(dry_run=False) as transaction:
        table = transaction.catalog().tables["public.t"]
        writer = transaction.writer(table, table, RestoreMode.MERGE)
        writer.write([b'{"id":1,"n":"none"}'])
        with pytest.raises(ConstraintViolationError):
            writer.finish()

        late = transaction.writer(table, table, RestoreMode.MERGE)
        late.write([b'{"id":2,"n":2}'])
        with pytest.raises(DatabaseError):
            late.finish()

    assert project.rows("select count(*) from t") == [(0,)]


def test_a_connection_that_reads_ahead_and_is_lost_undoes_the_restore(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table t (id int primary key, n int);"
        "insert into t select n, 0 from generate_series(1, 5000) n"
    )
    lines = [b'{"id":%d,"n":1}' % number for number in range(1, 5001)]

    def restore() -> None:
        with project.database.transaction(dry_run=False) as transaction:
            table = transaction.catalog().tables["public.t"]
            transaction.lock([table])
            writer = transaction.writer(table, table, RestoreMode.MERGE)
            writer.write(lines[:4000])
            project.superuser(
                "select pg_terminate_backend(pid) from pg_locks "
                "where relation = 't'::regclass and mode = 'AccessShareLock' and pid not in "
                "(select pid from pg_locks where mode = 'ShareRowExclusiveLock')"
            )
            for start in (4000, 4500):
                writer.write(lines[start : start + 500])
            writer.finish()

    with pytest.raises(DatabaseUnavailableError):
        restore()

    assert project.rows("select count(*) from t where n = 0") == [(5000,)]


def test_sequences_that_may_not_be_moved_are_a_warning_and_the_rows_are_there(
    project: PostgresProject,
) -> None:
    project.sql("create table t (id serial primary key); insert into t default values")
    backup = project.back_up()
    role = f"{project.name}_rows"
    project.superuser(
        f"create role {role} login; grant select, insert, update on t to {role};"
        f"grant set on parameter session_replication_role to {role}"
    )
    project.sql("truncate t restart identity")

    try:
        report = project.restore(backup, user=role)
    finally:
        project.superuser(f"drop owned by {role}; drop role {role}")

    assert any("public.t_id_seq" in warning for warning in report.warnings)
    assert project.rows("select id from t") == [(1,)]


def test_keys_of_an_extensions_type_are_told_apart_as_it_does(project: PostgresProject) -> None:
    project.superuser("create schema ext; grant usage on schema ext to postgres")
    project.superuser((CASELESS + LOSSY_JSON).replace("{schema}", "ext"))
    project.sql(
        "create table t (id ext.caseless primary key, n int);"
        "insert into t select case when n % 2 = 0 then upper(x) else x end::ext.caseless, n"
        " from (select n, 'key' || md5(n::text) as x from generate_series(1, 2500) n) s"
    )
    before = project.dump()
    backup = project.back_up()
    project.sql("update t set id = upper(id::text)::ext.caseless, n = -n where n % 100 < 2")
    project.sql("insert into t values ('zzz', 1)")

    merged = project.restore(backup, dry_run=True)
    replaced = project.restore(backup, mode=RestoreMode.REPLACE)

    assert all_counts(merged) == {"public.t": (0, 50, 0, 2450)}
    assert all_counts(replaced) == {"public.t": (0, 50, 1, 2450)}
    assert project.dump() == before
