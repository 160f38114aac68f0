from __future__ import annotations

from typing import Any

import pytest

from supakeep.domain.manifest import Manifest, TableStatus
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.policy import TablePolicy
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.restore_choice import choose_tables
from supakeep.domain.restore_plan import (
    TableRestore,
    check_confirmation,
    check_undo,
    plan_restore,
)
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Catalog, Column
from supakeep.errors import (
    DatabasePermissionError,
    InvalidRequestError,
    RestoreError,
    UnsafeOperationError,
)
from tests.builders.backups import EVERYTHING
from tests.builders.manifests import PROJECT, a_manifest, an_entry
from tests.builders.tables import a_catalog, a_table

CUSTOMERS = a_table("customers", "name text")
ORDERS = a_table("orders", "customer_id", references=("public.customers",))
LIVE = a_catalog(CUSTOMERS, ORDERS)
BACKUP = a_manifest(tables=(an_entry(ORDERS), an_entry(CUSTOMERS)))


def request(**fields: Any) -> RestoreRequest:
    return RestoreRequest(name=BACKUP.backup, **fields)


def plan(manifest: Manifest, request: RestoreRequest, catalog: Catalog) -> list[TableRestore]:
    entries = choose_tables(manifest, request, EVERYTHING).entries
    return list(plan_restore(entries, request, catalog).tables)


def planned(*tables: str, manifest: Manifest = BACKUP, catalog: Catalog = LIVE) -> list[str]:
    planned = plan(manifest, request(tables=tables or None), catalog)
    return [restore.entry.name for restore in planned]


def test_a_restore_must_be_confirmed_with_the_projects_ref() -> None:
    check_confirmation(request(confirm=PROJECT), BACKUP, PROJECT)

    for wrong in (None, "", "yes", PROJECT.upper(), f"{PROJECT} "):
        why = f"You confirmed {wrong}; this writes to {PROJECT}" if wrong else "must be confirmed"
        with pytest.raises(UnsafeOperationError, match=why) as refused:
            check_confirmation(request(confirm=wrong), BACKUP, PROJECT)
        assert refused.value.hint is not None
        assert f'"confirm": "{PROJECT}"' in refused.value.hint


def test_a_database_that_shows_no_ref_must_be_confirmed_by_host_and_name() -> None:
    database = "db.example.com/postgres"
    check_confirmation(request(confirm=database), BACKUP, PROJECT, database)
    check_confirmation(
        request(confirm=f"{database}/old", into_schema="old"), BACKUP, PROJECT, database
    )

    for wrong in (None, PROJECT, "postgres"):
        with pytest.raises(UnsafeOperationError, match=database) as refused:
            check_confirmation(request(confirm=wrong), BACKUP, PROJECT, database)
        assert f"--confirm {database}" in str(refused.value.hint)


def test_a_dry_run_needs_no_confirmation() -> None:
    check_confirmation(request(dry_run=True), BACKUP, PROJECT)


def test_another_projects_backup_needs_consent_even_for_a_dry_run() -> None:
    for fields in ({"confirm": "live"}, {"dry_run": True}):
        with pytest.raises(UnsafeOperationError) as refused:
            check_confirmation(request(**fields), BACKUP, "live")
        assert refused.value.message == (
            f"{BACKUP.backup} is a backup of project {PROJECT}, not of live"
        )

    check_confirmation(request(confirm="live", allow_other_project=True), BACKUP, "live")


def test_consent_to_another_project_does_not_confirm_the_restore() -> None:
    with pytest.raises(UnsafeOperationError, match="this writes to live"):
        check_confirmation(request(confirm=PROJECT, allow_other_project=True), BACKUP, "live")


def test_all_tables_are_restored_parents_first() -> None:
    assert planned() == ["public.customers", "public.orders"]


def test_chosen_tables_may_be_named_without_public_and_twice() -> None:
    assert planned("orders", "public.orders", "customers") == ["public.customers", "public.orders"]


def test_a_foreign_key_that_is_new_in_the_database_counts_for_the_order() -> None:
    before = a_manifest(tables=(an_entry(a_table("a")), an_entry(a_table("b"))))
    now = a_catalog(a_table("a", references=("public.b",)), a_table("b"))

    assert planned(manifest=before, catalog=now) == ["public.b", "public.a"]


def test_a_table_that_the_backup_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(InvalidRequestError, match=r"has no table public\.ghost") as refused:
        planned("orders", "ghost")

    assert refused.value.hint == "It has: public.orders, public.customers."


@pytest.mark.parametrize("name", ["order", "oders", "public.ordres"])
def test_a_misspelt_table_is_refused_with_the_one_that_is_meant(name: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        planned(name)

    hint = "Did you mean public.orders? It has: public.orders, public.customers."
    assert refused.value.hint == hint


def test_an_incomplete_table_is_left_out_and_refused_where_it_is_asked_for() -> None:
    partial = a_manifest(tables=(an_entry(CUSTOMERS), an_entry(ORDERS, status=TableStatus.FAILED)))

    assert planned(manifest=partial) == ["public.customers"]
    with pytest.raises(RestoreError, match=r"Table public\.orders is incomplete in"):
        planned("orders", manifest=partial)


def test_a_table_that_the_database_does_not_have_is_refused() -> None:
    with pytest.raises(RestoreError, match=r"Table public\.orders does not exist in the database"):
        planned(catalog=a_catalog(CUSTOMERS))


def test_a_table_that_may_not_be_written_is_refused_with_the_grant() -> None:
    locked = a_catalog(CUSTOMERS, ORDERS.model_copy(update={"readable": False}))

    with pytest.raises(DatabasePermissionError) as refused:
        planned(catalog=locked)

    assert refused.value.hint is not None
    assert 'GRANT SELECT, INSERT, UPDATE ON "public"."orders"' in refused.value.hint


def test_a_table_that_lost_its_primary_key_is_refused() -> None:
    keyless = a_catalog(CUSTOMERS, ORDERS.model_copy(update={"primary_key": ()}))

    with pytest.raises(RestoreError, match=r"public\.orders has no primary key") as refused:
        planned(catalog=keyless)

    assert refused.value.hint is not None
    assert "replace, which needs SUPABASE_DB_URL" in refused.value.hint


def test_all_tables_that_lost_their_primary_keys_are_named_at_once() -> None:
    keyless = a_catalog(
        *(table.model_copy(update={"primary_key": ()}) for table in (CUSTOMERS, ORDERS))
    )

    with pytest.raises(RestoreError) as refused:
        planned(catalog=keyless)

    assert refused.value.message.startswith("2 tables cannot be restored: ")
    assert "public.customers" in refused.value.message
    assert "public.orders" in refused.value.message


def test_a_dry_run_goes_on_with_the_tables_that_fit_and_says_why_others_do_not() -> None:
    keyless = a_catalog(CUSTOMERS, ORDERS.model_copy(update={"primary_key": ()}))

    planned = plan_restore(BACKUP.tables, request(dry_run=True), keyless)

    assert [restore.entry.name for restore in planned.tables] == ["public.customers"]
    assert ["public.orders has no primary key" in o.message for o in planned.objections] == [True]


def test_a_dry_run_is_refused_where_no_table_fits() -> None:
    with pytest.raises(RestoreError, match=r"orders does not exist.*; .*customers does not exist"):
        plan_restore(BACKUP.tables, request(dry_run=True), a_catalog())


def test_the_fixes_of_tables_that_do_not_fit_are_said_once() -> None:
    with pytest.raises(RestoreError) as refused:
        plan_restore(BACKUP.tables, request(), a_catalog())

    assert str(refused.value.hint).count("migrations") == 1


def test_a_column_that_the_database_lost_is_refused_by_name() -> None:
    changed = a_catalog(a_table("customers"), ORDERS)

    with pytest.raises(RestoreError, match=r"Column name of public\.customers is in the backup"):
        planned(catalog=changed)


def test_a_column_that_is_new_in_the_database_does_no_harm() -> None:
    changed = a_catalog(a_table("customers", "name text", "email text"), ORDERS)

    assert planned(catalog=changed) == ["public.customers", "public.orders"]


def test_a_generated_column_may_have_gone() -> None:
    total = Column(name="total", type="numeric", generated=True)
    with_total = CUSTOMERS.model_copy(update={"columns": (*CUSTOMERS.columns, total)})
    backup = a_manifest(tables=(an_entry(with_total),))

    assert planned(manifest=backup) == ["public.customers"]


def test_a_column_that_must_have_a_value_since_is_reported() -> None:
    strict = CUSTOMERS.model_copy(
        update={
            "columns": tuple(c.model_copy(update={"nullable": False}) for c in CUSTOMERS.columns)
        }
    )
    backup = a_manifest(tables=(an_entry(CUSTOMERS),))

    [planned] = plan(backup, request(), a_catalog(strict))

    assert planned.notes == (
        "public.customers.name must have a value now: a row without one stops the restore",
    )


def test_an_undo_holds_every_table_that_is_written_or_nothing_is() -> None:
    kept = a_manifest(tables=(an_entry(ORDERS), an_entry(CUSTOMERS, status=TableStatus.FAILED)))

    assert check_undo(kept, [ORDERS]) == []
    for tables, why in (
        ([ORDERS, CUSTOMERS], "public.customers could not be kept for an undo: The export failed"),
        (
            [a_table("other")],
            "public.other could not be kept for an undo: it is not in that backup",
        ),
    ):
        with pytest.raises(RestoreError) as refused:
            check_undo(kept, tables)
        assert refused.value.message == f"Nothing was written, because {why}"
        assert "--no-undo" in str(refused.value.hint)


def test_a_mirror_that_lacks_the_undo_is_reported_and_stops_nothing() -> None:
    kept = a_manifest(copy_problem=Problem(message="The copy in mirror failed: no answer"))

    assert check_undo(kept, [a_table()]) == [f"{kept.backup}: The copy in mirror failed: no answer"]


@pytest.mark.parametrize("fields", [{"tables": ()}, {"where": {}}])
def test_an_empty_choice_is_refused_and_is_not_everything(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match="No "):
        choose_tables(BACKUP, request(**fields), EVERYTHING)


def test_a_column_that_the_policy_excluded_is_said_to_keep_its_value() -> None:
    excluding = TablePolicy(exclude_columns=("name",))
    entry = an_entry(CUSTOMERS.without(["name"])).model_copy(update={"policy": excluding})
    backup = a_manifest(tables=(entry,))

    (restore,) = plan(backup, request(), LIVE)

    (note,) = restore.notes
    assert note == (
        "public.customers.name is not in the backup (exclude_columns): inserted rows get its default, "
        "others keep their value"
    )
    assert check_undo(backup, [CUSTOMERS]) == [
        "The undo copy does not hold public.customers.name (exclude_columns, mask)"
    ]


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ({"exclude_columns": ("name",)}, "is not in the backup (exclude_columns)"),
        ({"mask": {"name": "hash"}}, "is masked in the backup, and no mask is restored"),
    ],
)
def test_where_rows_cannot_be_matched_a_withheld_value_is_said_to_be_lost(
    policy: dict[str, Any], why: str
) -> None:
    keyless = CUSTOMERS.model_copy(update={"primary_key": ()})
    entry = an_entry(keyless.without(["name"])).model_copy(
        update={"policy": TablePolicy.model_validate(policy)}
    )

    (restore,) = plan(
        a_manifest(tables=(entry,)), request(mode=RestoreMode.REPLACE), a_catalog(keyless)
    )

    (note,) = restore.notes
    assert note == (
        f"public.customers.name {why}: the table is emptied and filled again, so every row gets its default "
        "and the values there are lost"
    )
