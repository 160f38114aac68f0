from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.engine import POSTGRES, REST, Engine
from supakeep.domain.plan import BackupPlan, permission_denied, plan_backup
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.schema import Table
from supakeep.errors import DatabasePermissionError, ExportError
from tests.builders.tables import a_catalog, a_table
from tests.fakes.time import NOON


def planned(policy: str, *tables: Table, engine: Engine = REST) -> BackupPlan:
    return plan_backup(BackupPolicy.parse(policy), a_catalog(*tables), NOON, engine)


def test_children_are_exported_first_and_parents_last() -> None:
    plan = planned(
        '[backup]\ntables = "*"',
        a_table("customers"),
        a_table("items", references=("public.orders",)),
        a_table("orders", references=("public.customers",)),
    )

    order = [selection.table.name for selection in plan.selections]
    assert order == ["items", "orders", "customers"]


def test_an_entry_of_its_own_sets_the_window_of_a_table_that_a_pattern_takes() -> None:
    plan = planned(
        '[[table]]\nname = "log"\nlast_days = 30\ntime_column = "at"\n[backup]\ntables = "*"',
        a_table("log", "at timestamptz"),
        a_table("orders"),
    )

    windows = {s.table.name: (str(s.policy), s.since) for s in plan.selections}
    assert windows == {
        "log": ("last 30 days by at", NOON - dt.timedelta(days=30)),
        "orders": ("all", None),
    }


def test_tables_that_the_policy_passes_over_are_told() -> None:
    plan = planned(
        '[[table]]\nname = "orders"\n[backup]\nexclude = ["tmp_*"]',
        a_table("orders"),
        a_table("forgotten"),
        a_table("tmp_import"),
        a_table("users", schema="auth"),
    )

    assert plan.uncovered == ("public.forgotten",)


def test_a_table_that_may_not_be_read_is_refused_with_the_exact_grant() -> None:
    plan = planned('[[table]]\nname = "secret"', a_table("secret", readable=False))

    [refused] = plan.refused
    assert isinstance(refused.error, DatabasePermissionError)
    assert refused.error.message == "Permission denied for table public.secret"
    assert refused.error.hint is not None
    assert (
        'GRANT USAGE ON SCHEMA "public" TO service_role; '
        'GRANT SELECT ON "public"."secret" TO service_role;' in refused.error.hint
    )
    assert plan.selections == ()


def test_the_grant_quotes_names_as_sql_does() -> None:
    hint = permission_denied("my schema", 'odd"name').hint

    assert hint is not None
    assert 'GRANT SELECT ON "my schema"."odd""name" TO service_role;' in hint


def test_the_grant_for_a_restore_gives_the_right_to_write() -> None:
    hint = permission_denied("public", "t", writing=True).hint

    assert hint is not None
    assert 'GRANT SELECT, INSERT, UPDATE ON "public"."t" TO service_role;' in hint


def test_a_table_that_does_not_exist_is_refused() -> None:
    [refused] = planned('[[table]]\nname = "ghost"', a_table("orders")).refused

    assert isinstance(refused.error, ExportError)
    assert refused.error.message == "Table public.ghost does not exist"


def test_a_table_whose_rows_the_key_cannot_all_see_is_refused() -> None:
    [refused] = planned('[[table]]\nname = "t"', a_table("t", rows_hidden=True)).refused

    assert isinstance(refused.error, DatabasePermissionError)
    assert refused.error.message == "Row-level security hides rows of public.t from this key"


def test_a_table_without_a_primary_key_is_refused() -> None:
    table = a_table("log", "id", primary_key=())

    [refused] = planned('[backup]\ntables = "*"', table).refused

    assert isinstance(refused.error, ExportError)
    assert refused.error.message == (
        "Table public.log has no primary key, so it can neither be paged through nor upserted"
    )


@pytest.mark.parametrize(
    "window", ["last_rows = 5\norder_by = 'gone'", "last_days = 5\ntime_column = 'gone'"]
)
def test_a_window_over_a_column_that_does_not_exist_is_refused(window: str) -> None:
    [refused] = planned(f"[[table]]\nname = 't'\n{window}", a_table("t", "at")).refused

    assert refused.error.message == "Table public.t has no column gone, which supakeep.toml names"
    assert refused.error.hint == "Its columns are: id, at."


def test_a_refused_table_does_not_keep_the_others_out() -> None:
    plan = planned(
        '[backup]\ntables = "*"',
        a_table("good", references=("public.bad",)),
        a_table("bad", readable=False),
    )

    assert [selection.table.name for selection in plan.selections] == ["good"]
    assert [refused.name for refused in plan.refused] == ["public.bad"]


def test_a_table_without_a_primary_key_is_backed_up_by_an_engine_that_needs_none() -> None:
    plan = planned('[backup]\ntables = "*"', a_table("log", "id", primary_key=()), engine=POSTGRES)

    assert [s.table.name for s in plan.selections] == ["log"]
    assert plan.refused == ()
