"""A backup comes back into tables that have changed since, or it is said exactly why it cannot."""

from __future__ import annotations

import re

import pytest

from supakeep.domain.row_changes import RestoreMode
from supakeep.errors import ConstraintViolationError
from tests.builders.postgres_project import PostgresProject, all_counts

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

NARROWED = "drop type mood; create type mood as enum ('fine')"
# what happened to a column since, and what is said of the value that it cannot hold
REFUSED = {
    "another type": (
        "amount numeric", "12.5", "alter amount type integer using 0",
        "12.5", "invalid input syntax for type integer",
    ),
    "text that is no number": (
        "amount text", "'twelve'", "alter amount type numeric using 0",
        '"twelve"', "invalid input syntax for type numeric",
    ),
    "a smaller type": (
        "amount bigint", "70000", "alter amount type smallint using 0",
        "70000", 'value "70000" is out of range for type smallint',
    ),
    "fewer digits": (
        "amount numeric", "1234.5", "alter amount type numeric(4,2) using 0",
        "1234.5", "numeric field overflow (A field with precision 4, scale 2 must round to",
    ),
    "a shorter text": (
        "amount text", "'four'", "alter amount type varchar(3) using ''",
        '"four"', "value too long for type character varying(3)",
    ),
    "an array of others": (
        "amount text[]", "'{1,x}'", "alter amount type int[] using '{}'",
        '["1","x"]', 'invalid input syntax for type integer: "x"',
    ),
    "no null": (
        "amount int", "null", "alter amount set not null",
        "null", "it must have a value now",
    ),
    "fewer names": (
        "amount mood", "'sad'",
        "alter amount type text; " + NARROWED + "; alter table ledger alter amount type mood using 'fine'",
        '"sad"', "invalid input value for enum mood",
    ),
    "a stricter domain": (
        "amount price", "-1",
        "alter amount set default 0; alter domain price add check (value > 0)",
        "-1", 'value for domain price violates check constraint "price_check"',
    ),
}  # fmt: skip


def make_ledger(project: PostgresProject, column: str, value: str) -> None:
    """Rows that any column holds, but for number 1,207."""
    project.sql(
        "create type mood as enum ('fine', 'sad'); create domain price as int;"
        f"create table ledger (id int primary key, note text, {column});"
        f"insert into ledger values (1207, 'n', {value})"
    )


@pytest.mark.parametrize("change", REFUSED)
def test_a_value_that_a_column_cannot_hold_is_named_and_nothing_is_written(
    any_project: PostgresProject, change: str
) -> None:
    column, value, changed, shown, reason = REFUSED[change]
    make_ledger(any_project, column, value)
    any_project.sql("create table a_log (id int primary key); insert into a_log values (1)")
    backup = any_project.back_up()
    any_project.sql(f"truncate ledger, a_log; alter table ledger {changed}")

    for dry_run in (True, False):
        with pytest.raises(ConstraintViolationError) as refused:
            any_project.restore(backup, dry_run=dry_run)

        assert refused.value.in_full.startswith(
            f'public.ledger.amount cannot hold {shown} (row {{"id": 1207}}): {reason}'
        )
        hint = str(refused.value.hint)
        assert hint.startswith("Nothing was written. ")
        assert ("it was text and is numeric now" in hint) == (shown == '"twelve"')
        assert any_project.rows("select from ledger union all select from a_log") == []


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("mode", [RestoreMode.MERGE, RestoreMode.REPLACE])
def test_the_one_row_among_thousands_is_found_and_the_others_stay_as_they_are(
    project: PostgresProject, mode: RestoreMode, dry_run: bool
) -> None:
    project.sql(
        "create table ledger (id int primary key, a text, b text, c text);"
        "insert into ledger select n, n, n, n from generate_series(1, 3500) n;"
        "update ledger set b = 'odd' where id = 2718"
    )
    backup = project.back_up()
    project.sql(
        "update ledger set a = 0, b = 0; delete from ledger where id % 7 = 0;"
        "alter table ledger alter a type bigint using a::bigint, alter b type int using b::int"
    )
    before = project.dump()

    with pytest.raises(ConstraintViolationError) as refused:
        project.restore(backup, mode=mode, dry_run=dry_run)

    assert re.search(r'ledger\.b cannot hold "odd" .*2718', refused.value.in_full)

    assert project.dump() == before


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_key_that_a_column_cannot_hold_is_named(project: PostgresProject, dry_run: bool) -> None:
    project.sql(
        "create table items (id text primary key, n int);"
        "insert into items values ('1', 1), ('2', 2), ('abc', 3)"
    )
    backup = project.back_up()
    project.sql(
        "delete from items where id = 'abc';alter table items alter id type int using id::int"
    )

    with pytest.raises(ConstraintViolationError) as refused:
        project.restore(backup, dry_run=dry_run)

    assert refused.value.in_full == (
        'public.items.id cannot hold "abc" (row {"id": "abc"}): '
        "invalid input syntax for type integer"
    )


@pytest.mark.parametrize("dry_run", [False, True])
def test_values_that_can_be_converted_are(project: PostgresProject, dry_run: bool) -> None:
    make_ledger(project, "amount numeric", "12")
    backup = project.back_up()
    project.sql("truncate ledger; alter table ledger alter amount type text")

    report = project.restore(backup, dry_run=dry_run)

    assert all_counts(report) == {"public.ledger": (1, 0, 0, 0)}
    assert project.rows("select amount from ledger") == ([] if dry_run else [("12",)])
    assert "was numeric and is text now" in report.warnings[0]


def test_a_row_that_is_not_written_need_not_fit(project: PostgresProject) -> None:
    make_ledger(project, "amount text", "'12.5'")
    backup = project.back_up()
    project.sql("update ledger set amount = 3; alter table ledger alter amount type int using 3")

    for dry_run in (True, False):
        report = project.restore(backup, mode=RestoreMode.MISSING_ONLY, dry_run=dry_run)

        assert all_counts(report) == {"public.ledger": (0, 0, 0, 1)}


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_long_value_is_cut_and_a_row_without_a_key_shown(
    project: PostgresProject, dry_run: bool
) -> None:
    project.sql("create table log (n text); insert into log values (repeat('x', 100000))")
    backup = project.back_up()
    project.sql("truncate log; alter table log alter n type int using 0")

    with pytest.raises(ConstraintViolationError) as refused:
        project.restore(backup, mode=RestoreMode.REPLACE, dry_run=dry_run)

    assert 'public.log.n cannot hold "xxx' in refused.value.in_full
    assert '(row {"n":"xxx' in refused.value.in_full
    assert len(refused.value.in_full) < 500


def test_a_column_that_is_new_and_must_have_a_value_is_named(project: PostgresProject) -> None:
    make_ledger(project, "amount int", "1")
    backup = project.back_up()
    project.sql("truncate ledger; alter table ledger add owner text not null")

    with pytest.raises(ConstraintViolationError) as refused:
        project.restore(backup)

    assert refused.value.in_full == (
        'public.ledger.owner cannot hold null (row {"id": 1207}): it must have a value now'
    )
    assert refused.value.hint is not None
    assert "give it a default" in refused.value.hint


@pytest.mark.parametrize("type_", ["json", "jsonb"])
def test_jsons_null_is_a_value_where_null_is_none(project: PostgresProject, type_: str) -> None:
    make_ledger(project, f"amount {type_}", "'null'")
    backup = project.back_up()
    project.sql("truncate ledger; alter table ledger alter amount set not null")

    for dry_run in (True, False):
        report = project.restore(backup, dry_run=dry_run)

        assert all_counts(report) == {"public.ledger": (1, 0, 0, 0)}
    assert project.rows("select amount::text from ledger") == [("null",)]


def test_a_check_of_the_whole_row_is_reported_in_postgres_words(project: PostgresProject) -> None:
    make_ledger(project, "amount int", "7")
    backup = project.back_up()
    project.sql("truncate ledger; alter table ledger add constraint never check (id < amount)")

    with pytest.raises(ConstraintViolationError) as refused:
        project.restore(backup)

    assert re.search(r'check constraint "never".*1207', refused.value.in_full)

    assert project.rows("select from ledger") == []


KEYS = {"plain": "n", "spelled in several ways": "n::numeric / 10"}


@pytest.mark.parametrize("mode", RestoreMode)
@pytest.mark.parametrize("key", KEYS)
def test_rows_are_compared_without_the_columns_that_were_dropped(
    project: PostgresProject, key: str, mode: RestoreMode
) -> None:
    project.sql(
        "create table items (first int, id numeric, middle jsonb, note text, other json, last int,"
        " twice int generated always as (last * 2) stored);"
        f"alter table items alter id type {'int' if key == 'plain' else 'numeric'};"
        f"insert into items select n, {KEYS[key]}, (case n % 3 when 0 then 'null' when 1 then '[1]' end)::jsonb,"
        " 'note ' || n, (case n % 5 when 0 then 'null' when 1 then '{\"a\": 1}' end)::json, n"
        " from generate_series(1, 2500) n; alter table items add primary key (id)"
    )
    backup = project.back_up()
    project.sql("alter table items drop first, drop middle, drop twice, drop last")
    before = project.dump()
    project.sql("update items set note = 'changed' where id in (1, 2, 3)")
    project.sql("delete from items where id = 5; create table seen (xid xid8)")
    project.sql("insert into seen values (pg_current_xact_id())")

    updated = 0 if mode is RestoreMode.MISSING_ONLY else 3

    def restored(*, dry_run: bool) -> object:
        report = project.restore(
            backup, "items", mode=mode, dry_run=dry_run, ignore_dropped_columns=True
        )
        shown = {tuple(sample.columns) for sample in report.tables[0].updated_rows}
        assert shown == ({("note",)} if updated else set())
        return all_counts(report)

    counts = {"public.items": (1, updated, 0, 2499 - updated)}
    assert restored(dry_run=True) == counts
    assert restored(dry_run=False) == counts
    written = "select count(*) from items, seen where items.xmin::text::bigint > xid::text::bigint"
    assert project.rows(written) == [(1 + updated,)]
    if updated:
        project.sql("drop table seen")
        assert project.dump() == before


def test_a_generated_column_that_was_dropped_makes_no_row_differ(project: PostgresProject) -> None:
    project.sql(
        "create table items (id int primary key, twice int generated always as (id * 2) stored);"
        "insert into items values (1), (2)"
    )
    backup = project.back_up()
    project.sql("alter table items drop twice")

    assert all_counts(project.restore(backup)) == {"public.items": (0, 0, 0, 2)}
