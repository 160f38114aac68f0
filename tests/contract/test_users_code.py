"""Code of the database that runs while a restore writes: under the role's own settings."""

from __future__ import annotations

from datetime import date

import pytest

from supakeep.domain.row_changes import RestoreMode
from supakeep.errors import ConstraintViolationError
from tests.builders.postgres_project import PostgresProject, all_counts

pytestmark = pytest.mark.integration

# It calls functions without their schema, as code that people write does.
CODE = """
create function shout(t text) returns text language sql immutable as $$ select upper(t) $$;
create function is_fine(t text) returns bool language plpgsql immutable as
  $$ begin return length(shout(t)) < 100; end $$;
create function made(t text) returns text language plpgsql immutable as
  $$ begin return shout(t) || '!'; end $$;
create domain word as text check (is_fine(value));
create table t (
  id int primary key, w word, at timestamptz, day date,
  loud text generated always as (made(w)) stored, check (is_fine(w)));
create unique index on t (made(w));
create table log (id int generated always as identity primary key, what text);
create function note() returns trigger language plpgsql as $$ begin
  insert into log (what) values (shout(coalesce(new.w, old.w)));
  if tg_op = 'DELETE' then return old; end if;
  new.day := new.at::date;
  return new;
end $$;
create trigger note before insert or update or delete on t for each row execute function note();
alter table t enable always trigger note;
insert into t select n, 'word ' || n, '2026-01-01 23:30+00' from generate_series(1, 2500) n;
"""


@pytest.mark.parametrize("mode", [RestoreMode.MERGE, RestoreMode.REPLACE])
def test_code_with_unqualified_names_runs_as_it_does_for_the_role(
    project: PostgresProject, mode: RestoreMode
) -> None:
    project.sql(f"alter database {project.name} set timezone = 'Asia/Tokyo'")
    with project.reconnected():
        project.sql(CODE)
        backup = project.back_up()
        project.sql(
            "delete from t where id % 3 = 0; update t set w = 'x' || id where id % 5 = 0;"
            "insert into t values (3000, 'more')"
        )

        report = project.restore(backup, "t", mode=mode)

        deleted = int(mode is RestoreMode.REPLACE)
        assert all_counts(report) == {"public.t": (833, 334, deleted, 1333)}
        assert project.rows("select count(*) from t where loud = 'WORD ' || id || '!'") == [(2500,)]
        # 23:30 in London is the next morning in Tokyo
        assert project.rows("select distinct day from t where id <= 2500") == [(date(2026, 1, 2),)]


def test_functions_named_like_postgres_own_are_not_taken_for_them(
    project: PostgresProject,
) -> None:
    """A function that takes exactly these types would go before one that takes any."""
    project.sql(
        "create table t (id text, part text, n int unique, j json, primary key (id, part));"
        "insert into t select n::text, n::text, n, '{}' from generate_series(1, 2000) n;"
    )
    before, backup = project.dump(), project.back_up()
    project.sql(
        "delete from t where n % 7 = 0; update t set n = n + 10000 where n % 5 = 0;"
        "insert into t values ('more', 'x', -1, null);"
        "create function unnest(text[]) returns setof text language sql as 'select null::text';"
        "create function json_populate_recordset(t, json) returns setof t language sql as $$ select null::t $$;"
        "create function json_array_elements(json) returns setof json language sql as $$ select null::json $$;"
    )

    report = project.restore(backup, mode=RestoreMode.REPLACE)

    assert all_counts(report) == {"public.t": (285, 343, 1, 1372)}
    project.sql(
        "drop function public.unnest(text[]), public.json_populate_recordset(t, json),"
        " public.json_array_elements(json)"
    )
    assert project.dump() == before


@pytest.mark.parametrize("always", [True, False])
def test_rows_that_a_trigger_altered_are_reported(project: PostgresProject, always: bool) -> None:
    """With a role that cannot switch triggers off, or a trigger that always fires."""
    project.sql(
        "create table t (id int primary key, note text, price numeric);"
        "insert into t select n, 'note ' || n, 1.50 from generate_series(1, 1500) n"
    )
    backup = project.back_up()
    project.sql(
        "delete from t where id < 10; update t set note = 'x' where id > 1400;"
        "alter table t alter price type numeric(9, 4);"
        "create function shout() returns trigger language plpgsql as"
        " $$ begin if new.id % 2 = 0 then new.note := upper(new.note); end if; return new; end $$;"
        "create trigger shout before insert or update on t for each row execute function shout();"
    )
    if always:
        project.sql("alter table t enable always trigger shout")

    with project.strong_role() if always else project.weak_role() as role:
        report = project.restore(backup, user=role)

    [table] = report.tables
    assert (table.inserted, table.updated, table.unchanged) == (9, 1491, 0)
    assert not report.is_whole
    assert table.altered == 750
    assert table.altered_rows[0].key == {"id": "2"}
    assert table.altered_rows[0].columns["note"] == ('"note 2"', '"NOTE 2"')


def test_a_domain_that_refuses_a_value_is_named_though_its_check_calls_functions(
    project: PostgresProject,
) -> None:
    project.sql(
        "create function is_short(t text) returns bool language sql immutable as $$ select length(t) < 9 $$;"
        "create function is_fine(t text) returns bool language plpgsql immutable as"
        " $$ begin return is_short(t); end $$;"
        "create domain word as text; create table t (id int primary key, w word);"
        "insert into t values (1, 'short'), (2, 'far too long')"
    )
    backup = project.back_up()
    project.sql("delete from t; alter domain word add check (is_fine(value))")

    for dry_run in (True, False):
        with pytest.raises(ConstraintViolationError, match=r"t\.w cannot hold") as refused:
            project.restore(backup, dry_run=dry_run)
        assert "far too long" in refused.value.in_full


def test_a_check_that_is_not_valid_is_reported_before_and_named_when_it_stops_the_restore(
    project: PostgresProject,
) -> None:
    project.sql("create table t (id int primary key, n int); insert into t values (1, -1), (2, 2)")
    backup = project.back_up()
    project.sql("alter table t add constraint positive check (n > 0) not valid")

    unchanged = project.restore(backup)
    project.sql("delete from t where id = 1")
    with pytest.raises(ConstraintViolationError) as refused:
        project.restore(backup)

    assert "public.t: the check positive is NOT VALID" in unchanged.warnings[0]
    assert all_counts(unchanged) == {"public.t": (0, 0, 0, 2)}
    assert refused.value.message.startswith(
        "public.t: a row violates the check positive, which is NOT VALID"
    )
    assert "add it back NOT VALID" in (refused.value.hint or "")


@pytest.mark.parametrize("dry_run", [True, False])
def test_columns_that_keep_their_value_are_not_reported_as_updated(
    project: PostgresProject, dry_run: bool
) -> None:
    project.sql(
        "create table t (id int primary key, n int generated always as identity, note text,"
        " made int generated always as (id * 2) stored);"
        "insert into t (id, note) values (1, 'a'), (2, 'b'), (3, 'c')"
    )
    backup = project.back_up()
    project.sql(
        "update t set n = default where id > 1; update t set note = 'changed' where id = 3;"
        "alter table t drop made; alter table t add made int generated always as (id * 3) stored"
    )

    report = project.restore(backup, dry_run=dry_run)

    assert all_counts(report) == {"public.t": (0, 1, 0, 2)}
    assert [set(sample.columns) for sample in report.tables[0].updated_rows] == [{"note"}]
    assert "public.t.n keeps its value in 2 rows: the database generates it" in report.warnings
    assert "public.t.made keeps its value in 3 rows: the database generates it" in report.warnings


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_generated_column_that_is_computed_anew_does_not_keep_its_value(
    project: PostgresProject, dry_run: bool
) -> None:
    project.sql(
        "create table t (id int primary key, n int, note text,"
        " twice int generated always as (n * 2) stored);"
        "insert into t (id, n) values (1, 1), (2, 2)"
    )
    before, backup = project.dump(), project.back_up()
    project.sql("update t set n = 5 where id = 1; update t set note = 'x' where id = 2")

    report = project.restore(backup, dry_run=dry_run)

    assert all_counts(report) == {"public.t": (0, 2, 0, 0)}
    assert not [warning for warning in report.warnings if "keeps its value" in warning]
    assert dry_run or project.dump() == before


def test_an_identity_that_is_inserted_anew_does_not_keep_its_value(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table t (id int primary key, n int generated always as identity, code text unique);"
        "insert into t (id, code) values (1, 'a'), (2, 'b')"
    )
    backup = project.back_up()
    project.sql(
        "update t set code = 'x' where id = 1; update t set code = 'a', n = default where id = 2;"
        "update t set code = 'b', n = default where id = 1"
    )

    report = project.restore(backup)

    assert not [warning for warning in report.warnings if "keeps its value" in warning]
    assert project.rows("select * from t order by id") == [(1, 1, "a"), (2, 2, "b")]
