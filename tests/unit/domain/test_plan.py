from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest

from supakeep.domain.engine import POSTGRES, REST, Engine
from supakeep.domain.objections import permission_denied
from supakeep.domain.plan import BackupPlan, plan_backup
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.schema import Catalog, ForeignKey, Table
from supakeep.errors import DatabasePermissionError, ExportError
from tests.builders.tables import a_catalog, a_table
from tests.fakes.time import NOON


def planned(
    policy: str,
    *tables: Table,
    engine: Engine = REST,
    left_out: Mapping[str, str] | None = None,
) -> BackupPlan:
    catalog = a_catalog(*tables)
    return plan_backup(BackupPolicy.parse(policy), catalog, NOON, engine, left_out or {})


def refusals(plan: BackupPlan) -> dict[str, str]:
    return {refused.name: refused.error.message for refused in plan.refused}


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


def test_tables_that_the_policy_passes_over_are_reported() -> None:
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


def test_a_schema_without_tables_is_refused_by_name() -> None:
    plan = planned('[backup]\ntables = "*"\nschemas = ["public", "shpo"]', a_table("orders"))

    assert refusals(plan) == {"shpo.*": "Schema shpo does not exist, or has no tables"}
    assert [selection.table.name for selection in plan.selections] == ["orders"]


def test_a_schema_that_is_known_to_be_empty_is_not() -> None:
    policy = BackupPolicy.parse('[backup]\ntables = "*"\nschemas = ["public", "new"]')
    catalog = Catalog.of("17.6", [a_table("orders")], schemas=["public", "new"])

    assert plan_backup(policy, catalog, NOON, POSTGRES, {}).refused == ()


@pytest.mark.parametrize(
    ("pattern", "name", "message"),
    [
        ("ordrs", "public.ordrs", "No table is named ordrs in the schemas public, app"),
        ("app.ordrs", "app.ordrs", "Table app.ordrs does not exist"),
        ("auth.users", "auth.users", "Table auth.users is in a schema that [backup] does not have"),
        ("report", "public.report", "public.report is a view: its rows are those of other tables"),
    ],
)
def test_a_plain_name_that_matches_nothing_is_refused(
    pattern: str, name: str, message: str
) -> None:
    plan = planned(
        f'[backup]\ntables = ["orders", "{pattern}"]\nschemas = ["public", "app"]',
        a_table("orders"),
        a_table("carts", schema="app"),
        a_table("users", schema="auth"),
        left_out={"public.report": "a view: its rows are those of other tables"},
    )

    assert refusals(plan) == {name: message}
    assert [selection.table.name for selection in plan.selections] == ["orders"]


@pytest.mark.parametrize(
    "tables", ['["orders", "tmp_*"]', '["public.orders"]', '["orders", "old"]']
)
def test_a_pattern_may_match_nothing_and_a_name_be_excluded(tables: str) -> None:
    plan = planned(
        f'[backup]\ntables = {tables}\nexclude = ["old"]', a_table("orders"), a_table("old")
    )

    assert plan.refused == ()
    assert [selection.table.name for selection in plan.selections] == ["orders"]


def test_a_view_that_is_named_as_a_table_has_a_hint_of_its_own() -> None:
    plan = planned(
        "[[table]]\nname = 'report'",
        a_table("orders"),
        left_out={"public.report": "a view: its rows are those of other tables"},
    )

    [refused] = plan.refused
    assert refused.error.message == "public.report is a view: its rows are those of other tables"
    assert refused.error.hint == "Remove it from supakeep.toml: only tables are backed up."


@pytest.mark.parametrize(
    "type_",
    [
        "date",
        "timestamp with time zone",
        "timestamp without time zone",
        "timestamp(3) with time zone",
    ],
)
def test_the_last_days_go_by_a_date_or_a_timestamp(type_: str) -> None:
    window = "[[table]]\nname = 't'\nlast_days = 5\ntime_column = 'at'"

    assert planned(window, a_table("t", f"at {type_}")).refused == ()


@pytest.mark.parametrize(("base", "refused"), [("timestamp with time zone", 0), ("text", 1)])
def test_of_a_domain_the_type_below_it_counts(base: str, refused: int) -> None:
    window = "[[table]]\nname = 't'\nlast_days = 5\ntime_column = 'at'"
    table = a_table("t", "at public.moment").model_copy(update={"base_types": {"at": base}})

    assert len(planned(window, table).refused) == refused


@pytest.mark.parametrize("type_", ["text", "bigint", "time with time zone", "date[]", "interval"])
def test_the_last_days_cannot_go_by_anything_else(type_: str) -> None:
    window = "[[table]]\nname = 't'\nlast_days = 5\ntime_column = 'at'"
    [refused] = planned(window, a_table("t", f"at {type_}", "made date")).refused

    assert refused.error.message == (
        f"Column at of public.t is of type {type_}, so it does not say which rows are of the last days"
    )
    assert (refused.error.hint or "").endswith("This table has: made.")


def test_the_grant_names_the_role_that_asked() -> None:
    catalog = Catalog.of("17.6", [a_table("secret", readable=False)], role="Backup Reader")
    policy = BackupPolicy.parse("[[table]]\nname = 'secret'")

    [refused] = plan_backup(policy, catalog, NOON, POSTGRES, {}).refused

    assert 'GRANT SELECT ON "public"."secret" TO "Backup Reader";' in (refused.error.hint or "")


def test_two_tables_of_one_name_are_both_backed_up() -> None:
    twins = a_table("b.c", schema="a"), a_table("c", schema="a.b")
    plan = planned('[backup]\ntables = "*"\nschemas = ["a", "a.b"]', *twins)

    assert [selection.table.qualified_name for selection in plan.selections] == [
        '"a.b"."c"',
        '"a"."b.c"',
    ]


def test_a_name_that_two_tables_share_is_refused_where_one_is_meant() -> None:
    twins = a_table("b.c", schema="a"), a_table("c", schema="a.b")
    [refused] = planned("[[table]]\nname = 'a.b.c'", *twins).refused
    one = planned("""[[table]]\nname = '"a"."b.c"'""", *twins)

    assert refused.error.message == 'a.b.c is the name of 2 tables: "a"."b.c", "a.b"."c"'
    assert [selection.table.schema_name for selection in one.selections] == ["a"]
    assert one.refused == ()
    assert one.uncovered == ()


PEOPLE = a_table("people", "email text", "name text")


def test_an_excluded_column_is_not_selected_and_the_policy_says_so() -> None:
    plan = planned('[[table]]\nname = "people"\nexclude_columns = ["email"]', PEOPLE)

    (selection,) = plan.selections

    assert selection.table.column_names == ("id", "name")
    assert str(selection.policy) == "all, without email"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("id", "Column id is in the primary key of public.people, so it cannot be left out"),
        ("emial", "Table public.people has no column emial, which supakeep.toml names"),
    ],
)
def test_a_column_that_cannot_be_excluded_fails_the_table(column: str, message: str) -> None:
    plan = planned(f'[[table]]\nname = "people"\nexclude_columns = ["{column}"]', PEOPLE)

    assert refusals(plan) == {"public.people": message}
    assert plan.selections == ()


def test_a_column_that_is_stored_as_null_is_not_read_and_a_hashed_one_is() -> None:
    masks = '{ email = "hash", name = "null" }'
    (selection,) = planned(f'[[table]]\nname = "people"\nmask = {masks}', PEOPLE).selections

    assert selection.table.column_names == ("id", "email")
    assert selection.recorded.column_names == ("id",)


MEMBERS = a_table(
    "members",
    "born date",
    "mail address",
    "nick character varying(20)",
    "team text",
    references=("public.teams",),
).model_copy(
    update={
        "foreign_keys": (
            ForeignKey(
                name="team",
                columns=("team",),
                parent="public.teams",
                parent_schema="public",
                parent_name="teams",
                parent_columns=("name",),
            ),
        ),
    }
)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ('id = "hash"', "Column id is in the primary key of public.members, so it cannot be masked"),
        ('id = "null"', "Column id is in the primary key of public.members, so it cannot be masked"),
        ('team = "null"', "Column team is in a foreign key of public.members, so it cannot be masked with null"),
        ('nick = "null"', "Column nick of public.members is NOT NULL, so it cannot be masked with null"),
        ('born = "hash"', "Column born of public.members is of type date, so it cannot be hashed"),
        ('nick = "hash"', "Column nick of public.members is of type character varying(20), so it cannot be hashed"),
        ('mail = "hash"', "Column mail of public.members is of type address, so it cannot be hashed"),
        ('bron = "hash"', "Table public.members has no column bron, which supakeep.toml names"),
    ],
)  # fmt: skip
def test_a_column_that_cannot_be_masked_fails_the_table(mask: str, message: str) -> None:
    columns = tuple(
        c.model_copy(update={"nullable": c.name != "nick" and c.nullable}) for c in MEMBERS.columns
    )
    members = MEMBERS.model_copy(update={"columns": columns})

    plan = planned(f'[[table]]\nname = "members"\nmask = {{ {mask} }}', members)

    assert refusals(plan)["public.members"] == message


@pytest.mark.parametrize("type_", ["text", "character varying", "character varying(64)"])
def test_text_that_can_hold_a_hash_is_hashed(type_: str) -> None:
    people = a_table("people", f"email {type_}")

    plan = planned('[[table]]\nname = "people"\nmask = { email = "hash" }', people)

    assert plan.refused == ()
