"""Sequences after a restore straight into Postgres: past what was written, and never back."""

from __future__ import annotations

import threading

import psycopg
import pytest

from supakeep.errors import ConstraintViolationError
from tests.builders.postgres_project import PostgresProject, all_counts

pytestmark = pytest.mark.integration


def next_value(project: PostgresProject, sequence: str = "t_id_seq") -> int:
    [(value,)] = project.rows(f"select nextval('{sequence}')")
    return int(value)


def test_a_restore_that_writes_nothing_moves_no_sequence(project: PostgresProject) -> None:
    project.sql(
        "create table t (id serial primary key, n int); insert into t (n) values (1), (2);"
        "insert into t values (2147483647, 3), (500, 4)"
    )
    backup = project.back_up()

    assert all_counts(project.restore(backup)) == {"public.t": (0, 0, 0, 4)}
    assert next_value(project) == 3


def test_a_sequence_passes_the_rows_that_were_written_and_no_others(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table t (id serial primary key, n int); insert into t (n) select 1 from generate_series(1, 9);"
        "insert into t values (500, 4)"
    )
    backup = project.back_up()
    project.sql("delete from t where id = 7; alter sequence t_id_seq restart with 3")

    project.restore(backup)

    assert next_value(project) == 8


def test_a_value_at_the_very_end_leaves_numbers_for_later_rows(project: PostgresProject) -> None:
    project.sql(
        "create table t (id serial primary key); insert into t values (2147483647), (4);"
        "create table d (id int generated always as identity (increment -2 minvalue -100 start -1) primary key);"
        "insert into d overriding system value values (-100), (-9)"
    )
    backup = project.back_up()
    project.sql("truncate t, d restart identity")

    project.restore(backup)

    assert next_value(project) == 5
    assert next_value(project, "d_id_seq") == -11


def test_a_failed_restore_moves_no_sequence(project: PostgresProject) -> None:
    project.sql(
        "create table t (id serial primary key, n int); insert into t (n) select 5 from generate_series(1, 9);"
    )
    backup = project.back_up()
    project.sql(
        "truncate t restart identity; alter table t add unique (n) deferrable initially deferred"
    )
    changed = project.dump()

    with pytest.raises(ConstraintViolationError, match=r"public\.t.*t_n_key") as refused:
        project.restore(backup)

    assert refused.value.in_full.endswith("for example 5")
    assert project.dump() == changed


def test_a_sequence_far_behind_is_moved_at_once(project: PostgresProject) -> None:
    project.sql("create table t (id bigserial primary key); insert into t values (3000000000), (7)")
    backup = project.back_up()
    project.sql("truncate t restart identity")

    project.restore(backup)

    assert next_value(project) == 3_000_000_001


def test_a_sequence_far_behind_is_moved_by_a_role_that_does_not_own_it(
    project: PostgresProject,
) -> None:
    project.sql("create table t (id bigserial primary key); insert into t values (3000000000)")
    backup = project.back_up()
    project.sql("truncate t restart identity")
    role = f"{project.name}_rows"
    project.superuser(
        f"create role {role} login; grant all on t, t_id_seq to {role};"
        f"grant set on parameter session_replication_role to {role}"
    )

    try:
        report = project.restore(backup, user=role)
    finally:
        project.superuser(f"drop owned by {role}; drop role {role}")

    assert report.warnings == ()
    assert next_value(project) == 3_000_000_001


@pytest.mark.parametrize("first", [1, 4_000_001])
def test_numbers_that_others_draw_meanwhile_are_never_given_out_twice(
    project: PostgresProject, first: int
) -> None:
    project.sql(
        "create sequence shared; create table t (id bigint default nextval('shared') primary key);"
        f"insert into t select n from generate_series({first}, {first + 4999}) n"
    )
    backup = project.back_up()
    project.sql("truncate t; alter sequence shared restart")
    drawn: list[int] = []
    end = threading.Event()

    def draw() -> None:
        with psycopg.connect(project.url(), autocommit=True) as connection:
            while not end.is_set():
                rows = connection.execute(
                    "select nextval('shared') from generate_series(1, 50)"
                ).fetchall()
                drawn.extend(value for (value,) in rows)

    drawing = threading.Thread(target=draw)
    drawing.start()
    try:
        for _ in range(5):
            project.restore(backup)
            project.sql("truncate t")
    finally:
        end.set()
        drawing.join()

    assert len(drawn) == len(set(drawn))
    assert next_value(project, "shared") > max(first + 4999, *drawn)
