"""A restore into tables whose unique values changed places, and into keys that no upsert can name."""

from __future__ import annotations

import pytest

from supakeep.domain.row_changes import RestoreMode
from supakeep.errors import ConstraintViolationError
from tests.builders.postgres_project import PostgresProject, all_counts

pytestmark = pytest.mark.integration

OVERWRITING = [RestoreMode.MERGE, RestoreMode.REPLACE]
USERS = (
    "create table users (id int primary key, email text not null, n int, unique (email));"
    "create table posts (id int primary key, author int references users on delete cascade);"
    "insert into users select n, n || '@example.com', n from generate_series(1, 3000) n;"
    "insert into posts select n, n from generate_series(1, 3000) n;"
)


@pytest.mark.parametrize("mode", OVERWRITING)
@pytest.mark.parametrize("distance", [1, 2500])
def test_swapped_unique_values_are_swapped_back(
    project: PostgresProject, mode: RestoreMode, distance: int
) -> None:
    """In one batch, and in two that are far apart. The rows' children stay."""
    project.sql(USERS)
    before, backup = project.dump(), project.back_up()
    other = 7 + distance
    project.sql(
        f"update users set email = 'free' where id = 7; update users set email = '7@example.com' "
        f"where id = {other}; update users set email = '{other}@example.com' where id = 7;"
        "update users set n = 0 where id = 20"
    )

    dry = project.restore(backup, mode=mode, dry_run=True)
    done = project.restore(backup, mode=mode)

    assert all_counts(done) == {
        "public.users": (0, 3, 0, 2997),
        "public.posts": (0, 0, 0, 3000),
    }
    assert all_counts(dry) == all_counts(done)
    assert dry.tables[0].updated_rows == done.tables[0].updated_rows
    assert project.dump() == before


def test_all_unique_values_may_move_by_one_and_a_row_more_have_one(
    project: PostgresProject,
) -> None:
    project.sql(USERS)
    before, backup = project.dump(), project.back_up()
    project.sql(
        "update users set email = 'x' || id; insert into users values (4000, '3000@example.com', 1);"
        "update users set email = (id - 1) || '@example.com' where id between 2 and 3000"
    )

    done = project.restore(backup, mode=RestoreMode.REPLACE)

    assert all_counts(done)["public.users"] == (0, 3000, 1, 0)
    assert project.dump() == before


def test_a_partial_index_on_an_expression_is_no_obstacle(project: PostgresProject) -> None:
    project.sql(
        "create table t (id int primary key, name text, active bool);"
        "create unique index on t (lower(name)) where active;"
        "insert into t values (1, 'Ann', true), (2, 'ANN', false), (3, 'Bob', true)"
    )
    before, backup = project.dump(), project.back_up()
    project.sql("update t set active = false where id = 1; update t set active = true where id = 2")

    assert all_counts(project.restore(backup)) == {"public.t": (0, 2, 0, 1)}
    assert project.dump() == before


@pytest.mark.parametrize("mode", OVERWRITING)
def test_ranges_that_exclude_each_other_move_back(
    project: PostgresProject, mode: RestoreMode
) -> None:
    project.sql(
        "create table rooms (id int primary key, during int4range, exclude using gist (during with &&));"
        "insert into rooms select n, int4range(n * 10, n * 10 + 10) from generate_series(1, 2500) n"
    )
    before, backup = project.dump(), project.back_up()
    project.sql(
        "update rooms set during = int4range(id * 10 + 100000, id * 10 + 100010);"
        "update rooms set during = int4range(id * 10 + 5, id * 10 + 15)"
    )

    assert all_counts(project.restore(backup, mode=mode)) == {"public.rooms": (0, 2500, 0, 0)}
    assert project.dump() == before


KINDS = {
    "on a generated column": "create table t (id int primary key, email text,"
    " low text generated always as (lower(email)) stored unique)",
    "excluding by equality": "create table t (id int primary key, email text,"
    " exclude using btree (email with =))",
    "nulls not distinct": "create table t (id int primary key, email text unique nulls not distinct)",
    "deferred": "create table t (id int primary key, email text unique deferrable initially deferred)",
    "deferrable": "create table t (id int primary key, email text unique deferrable)",
    "with included columns": "create table t (id int primary key, email text);"
    "create unique index on t (email) include (id)",
    "of a partition": "create table t (id int primary key, email text) partition by range (id);"
    "create table t1 partition of t for values from (0) to (5000);"
    "create unique index on t1 (email)",
    "of a tree": "create table t (id int primary key, email text unique references t (email))",
    "with an identity": "create table t (id int primary key, email text unique,"
    " n int generated always as identity unique)",
}


@pytest.mark.parametrize("mode", OVERWRITING)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_unique_value_can_be_swapped_back(
    project: PostgresProject, kind: str, mode: RestoreMode
) -> None:
    project.sql(f"{KINDS[kind]};")
    project.sql("insert into t (id, email) select n, 'E' || n from generate_series(1, 2500) n")
    before, backup = project.dump(), project.back_up()
    project.superuser(
        "set session_replication_role = replica; update t set email = null where id = 3;"
        "update t set email = 'E3' where id = 2400; update t set email = 'E2400' where id = 3;"
        "update t set email = 'e7' where id = 7"
    )

    dry = project.restore(backup, mode=mode, dry_run=True)
    done = project.restore(backup, mode=mode)

    assert all_counts(done) == {"public.t": (0, 3, 0, 2497)}
    assert all_counts(dry) == all_counts(done)
    assert project.dump() == before


def test_an_always_trigger_makes_no_difference_to_the_counts(project: PostgresProject) -> None:
    """Without readers of the state before, the rows that were set aside are not seen again."""
    project.sql(USERS)
    before, backup = project.dump(), project.back_up()
    project.sql(
        "update users set email = 'free' where id = 1; update users set email = '1@example.com' "
        "where id = 2; update users set email = '2@example.com' where id = 1;"
        "create function nothing() returns trigger language plpgsql as $$ begin return new; end $$;"
        "create trigger nothing before insert or update on users for each row execute function nothing();"
        "alter table users enable always trigger nothing"
    )

    dry = project.restore(backup, dry_run=True)
    done = project.restore(backup)

    assert all_counts(done)["public.users"] == (0, 2, 0, 2998)
    assert done.tables[0].updated_rows == dry.tables[0].updated_rows
    assert project.dump() == before


def test_a_swap_is_undone_by_the_state_before(project: PostgresProject) -> None:
    """What an undo does: a replace with the state before the restore."""
    project.sql(USERS)
    older = project.back_up()
    project.sql(
        "update users set email = 'free' where id = 1; update users set email = '1@example.com' "
        "where id = 2; update users set email = '2@example.com' where id = 1"
    )
    before, undo = project.dump(), project.back_up()

    project.restore(older)
    project.restore(undo, mode=RestoreMode.REPLACE)

    assert project.dump() == before


@pytest.mark.parametrize(
    "change",
    [
        "alter table users add added text; update users set added = 'kept'",
        "alter table users alter added drop expression; update users set added = 'kept'",
    ],
)
def test_a_value_that_the_backup_lacks_is_never_lost(project: PostgresProject, change: str) -> None:
    project.sql(USERS)
    if "drop expression" in change:
        project.sql("alter table users add added text generated always as ('x') stored")
    backup = project.back_up()
    project.sql(f"{change}; update users set email = 'x' || id;")
    project.sql("update users set email = (id - 1) || '@example.com' where id > 1")
    changed = project.dump()

    with pytest.raises(ConstraintViolationError, match=r"public\.users.*set aside") as refused:
        project.restore(backup)

    assert "column added" in (refused.value.hint or "")
    assert project.dump() == changed


def test_a_role_that_cannot_switch_foreign_keys_off_is_told_before_and_writes_nothing(
    project: PostgresProject,
) -> None:
    project.sql(USERS)
    backup = project.back_up()
    project.sql(
        "update users set email = 'free' where id = 1; update users set email = '1@example.com' "
        "where id = 2; update users set email = '2@example.com' where id = 1"
    )
    changed = project.dump()

    with project.weak_role() as role:
        dry = project.restore(backup, user=role, dry_run=True)
        with pytest.raises(ConstraintViolationError, match=r"public\.users.*set aside"):
            project.restore(backup, user=role)

    assert any("unique values (email) that changed places" in text for text in dry.warnings)
    assert project.dump() == changed


def test_such_a_role_swaps_values_of_a_table_that_nothing_refers_to(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table t (id int primary key, n int unique); insert into t values (1, 1), (2, 2)"
    )
    before, backup = project.dump(), project.back_up()
    project.sql("update t set n = 3 where id = 1; update t set n = 1 where id = 2;")
    project.sql("update t set n = 2 where id = 1")

    with project.weak_role() as role:
        done = project.restore(backup, user=role)

    assert all_counts(done) == {"public.t": (0, 2, 0, 0)}
    assert project.dump() == before


@pytest.mark.parametrize("mode", OVERWRITING)
def test_keys_without_overlaps_are_overwritten(project: PostgresProject, mode: RestoreMode) -> None:
    if project.owner.info.server_version < 180000:
        pytest.skip("keys WITHOUT OVERLAPS need PostgreSQL 18; this server is older")
    project.sql(
        "create table t (id int4range, during int4range, note text,"
        " primary key (id, during without overlaps));"
        "insert into t select int4range(n % 50, n % 50 + 1), int4range(n * 10, n * 10 + 10), 'old'"
        " from generate_series(1, 2500) n"
    )
    before, backup = project.dump(), project.back_up()
    project.sql(
        "update t set note = 'new' where lower(during) % 100 = 0;"
        "delete from t where lower(during) = 550; delete from t where lower(during) = 1050;"
        "update t set during = int4range(lower(during), upper(during) + 5) where lower(during) = 600"
    )
    if mode is RestoreMode.MERGE:
        project.sql("delete from t where upper(during) - lower(during) = 15")

    dry = project.restore(backup, mode=mode, dry_run=True)
    done = project.restore(backup, mode=mode)

    assert all_counts(done) == all_counts(dry)
    assert done.tables[0].updated == 249
    assert project.dump() == before


def test_a_unique_value_of_a_row_that_replace_deletes_is_free_for_such_a_role(
    project: PostgresProject,
) -> None:
    project.sql("create table t (id int primary key, n int unique); insert into t values (1, 2)")
    backup = project.back_up()
    project.sql("update t set n = 1; insert into t values (2, 2), (3, 3)")

    with project.weak_role() as role:
        dry = project.restore(backup, mode=RestoreMode.REPLACE, user=role, dry_run=True)
        done = project.restore(backup, mode=RestoreMode.REPLACE, user=role)

    assert all_counts(dry) == all_counts(done) == {"public.t": (0, 1, 2, 0)}
    assert project.rows("select * from t") == [(1, 2)]
