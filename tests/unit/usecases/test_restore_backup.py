from __future__ import annotations

from collections.abc import Sequence

import pytest

from supakeep.databases.data_api.writer import UpsertCounts
from supakeep.domain.manifest import Manifest
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Column, Table
from supakeep.errors import (
    ChecksumError,
    DatabaseError,
    DatabasePermissionError,
    DatabaseUnavailableError,
    DeadlineExceededError,
    InvalidRequestError,
    RestoreError,
    StatementTimeoutError,
    SupakeepError,
    UnsafeOperationError,
)
from tests.builders.backups import (
    CUSTOMERS,
    ITEMS,
    NAME,
    ORDERS,
    a_shop,
    back_up,
    emptied,
    restore,
)
from tests.builders.manifests import PROJECT
from tests.builders.tables import a_table
from tests.fakes.database import FailingExportDatabase, InMemoryDatabase, UntouchedDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import ExpiringDeadline
from tests.unit.usecases.conftest import Backup


def test_an_empty_database_holds_afterwards_what_was_backed_up(backup: Backup) -> None:
    shop, store, manifest = backup
    target = emptied(shop)

    report = restore(target, store, manifest)

    assert target.everything() == shop.everything()
    assert report.is_whole
    assert [(t.name, t.rows_in_backup, t.inserted, t.rows_in_database) for t in report.tables] == [
        (CUSTOMERS, 5, 5, 5),
        (ORDERS, 5, 5, 5),
        (ITEMS, 5, 5, 5),
    ]


def test_wrong_rows_are_overwritten_missing_ones_inserted_and_others_left_alone(
    backup: Backup,
) -> None:
    shop, store, manifest = backup
    before = shop.everything()
    shop.insert(CUSTOMERS, {"id": 1, "name": "wrong", "balance": 0})
    shop.delete(ITEMS, id=2)
    shop.insert(CUSTOMERS, {"id": 99, "name": "new since", "balance": 1})

    report = restore(shop, store, manifest)

    new = b'{"id":99,"name":"new since","balance":1}'
    assert shop.everything() == {**before, CUSTOMERS: [*before[CUSTOMERS], new]}
    counts = {t.name: (t.inserted, t.updated, t.unchanged, t.refused) for t in report.tables}
    assert counts == {CUSTOMERS: (0, 1, 4, 0), ORDERS: (0, 0, 5, 0), ITEMS: (1, 0, 4, 0)}
    assert [table.written for table in report.tables] == [1, 0, 1]
    assert report.tables[0].rows_in_database == 6


def test_only_chosen_tables_are_restored(backup: Backup) -> None:
    shop, store, manifest = backup
    target = emptied(shop)

    report = restore(target, store, manifest, "customers")

    assert [table.name for table in report.tables] == [CUSTOMERS]
    assert target.texts(CUSTOMERS) == shop.texts(CUSTOMERS)
    assert target.texts(ORDERS) == []


def test_a_dry_run_tells_what_would_happen_and_writes_nothing(backup: Backup) -> None:
    shop, store, manifest = backup
    shop.insert(CUSTOMERS, {"id": 1, "name": "wrong", "balance": 0})
    shop.delete(ITEMS, id=2)
    before = shop.everything()

    report = restore(shop, store, manifest, confirm=None, dry_run=True)

    assert shop.everything() == before
    assert report.dry_run
    counts = {t.name: (t.inserted, t.updated, t.unchanged) for t in report.tables}
    assert counts == {CUSTOMERS: (0, 1, 4), ORDERS: (0, 0, 5), ITEMS: (1, 0, 4)}


def test_a_dry_run_moves_no_sequence() -> None:
    target, store, manifest = a_table_with_a_sequence()
    target.insert("public.log", {"id": 41})

    restore(target, store, manifest, dry_run=True)

    assert target.sequence("public.log") == 0


def test_sequences_are_moved_past_the_restored_rows() -> None:
    target, store, manifest = a_table_with_a_sequence()

    report = restore(target, store, manifest)

    assert target.sequence("public.log") == 41
    assert report.warnings == ()


def a_table_with_a_sequence() -> tuple[InMemoryDatabase, InMemoryObjectStore, Manifest]:
    identity = Column(name="id", type="bigint", identity="by default")
    table = a_table("log").model_copy(update={"columns": (identity,)})
    source, target, store = InMemoryDatabase(), InMemoryDatabase(), InMemoryObjectStore()
    source.add_table(table, [{"id": 41}])
    target.add_table(table)
    return target, store, back_up(source, store)


def test_sequences_stay_where_nothing_is_written(backup: Backup) -> None:
    class UnmovableDatabase(InMemoryDatabase):
        def advance_sequences(self, table: object) -> list[str]:
            raise AssertionError(table)

    _, store, manifest = backup

    report = restore(a_shop(UnmovableDatabase()), store, manifest)

    assert [table.unchanged for table in report.tables] == [5, 5, 5]


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (DatabasePermissionError, "Permission denied", "GRANT it."),
        (StatementTimeoutError, "Finding the highest value took too long", "Run select setval(…)."),
    ],
)
def test_a_sequence_that_cannot_be_moved_is_reported_with_the_fix(
    error: type[SupakeepError], message: str, hint: str
) -> None:
    class SequencelessDatabase(InMemoryDatabase):
        def advance_sequences(self, table: object) -> list[str]:  # noqa: ARG002
            raise error(message, operation="restore", hint=hint)

    store, target = InMemoryObjectStore(), SequencelessDatabase()
    source = InMemoryDatabase()
    source.add_table(a_table("log"), [{"id": 1}])
    target.add_table(a_table("log"))

    report = restore(target, store, back_up(source, store))

    assert report.warnings == (f"public.log: its sequences were not advanced: {message}. {hint}",)


@pytest.mark.parametrize("confirm", [None, "yes", "other-project"])
def test_an_unconfirmed_restore_writes_nothing(backup: Backup, confirm: str | None) -> None:
    shop, store, manifest = backup
    target = emptied(shop)
    before = target.everything()

    with pytest.raises(UnsafeOperationError, match=r"You confirmed|must be confirmed"):
        restore(target, store, manifest, confirm=confirm)

    assert target.everything() == before


def test_another_projects_backup_writes_nothing_without_consent(backup: Backup) -> None:
    shop, store, manifest = backup
    target = emptied(shop)

    with pytest.raises(UnsafeOperationError, match="is a backup of project jewelshot"):
        restore(target, store, manifest, project="live", confirm="live")
    assert target.texts(CUSTOMERS) == []

    restore(target, store, manifest, project="live", confirm="live", allow_other_project=True)
    assert target.everything() == shop.everything()


def test_an_unknown_table_writes_nothing(backup: Backup) -> None:
    shop, store, manifest = backup
    target = emptied(shop)

    with pytest.raises(InvalidRequestError, match=f"{NAME} has no table public.ghost"):
        restore(target, store, manifest, "customers", "ghost")

    assert target.texts(CUSTOMERS) == []


def test_a_restore_ends_when_the_time_runs_out(backup: Backup) -> None:
    shop, store, manifest = backup

    with pytest.raises(DeadlineExceededError):
        restore(emptied(shop), store, manifest, deadline=ExpiringDeadline(2))


def test_a_partial_backup_restores_its_whole_tables_and_says_what_it_lacks() -> None:
    error = DatabaseError("The export failed", operation="export")
    shop = FailingExportDatabase({ITEMS: (1, error)})
    a_shop(shop)
    store = InMemoryObjectStore()
    manifest = back_up(shop, store)
    target = emptied(shop)

    report = restore(target, store, manifest)

    assert target.texts(ORDERS) == shop.texts(ORDERS)
    assert target.texts(ITEMS) == []
    assert report.warnings == (f"{ITEMS} is incomplete in {NAME} and was left out",)


def test_a_chosen_table_that_is_incomplete_is_refused() -> None:
    shop = FailingExportDatabase({ITEMS: (1, DatabaseError("no", operation="export"))})
    a_shop(shop)
    store = InMemoryObjectStore()
    manifest = back_up(shop, store)

    with pytest.raises(RestoreError, match=r"Table public\.items is incomplete"):
        restore(emptied(shop), store, manifest, "items")


def test_a_table_that_may_not_be_written_is_named_with_the_grant(backup: Backup) -> None:
    shop, store, manifest = backup
    target = emptied(shop)
    target.read_only.add(ORDERS)

    with pytest.raises(DatabasePermissionError) as refused:
        restore(target, store, manifest)

    assert refused.value.message == "Permission denied for table public.orders"
    assert refused.value.hint is not None
    assert 'GRANT SELECT, INSERT, UPDATE ON "public"."orders" TO service_role;' in (
        refused.value.hint
    )


def with_orders_that_may_not_be_written(shop: InMemoryDatabase) -> InMemoryDatabase:
    target = emptied(shop)
    target.add_table(shop.catalog().tables[ORDERS].model_copy(update={"writable": False}))
    return target


def test_a_table_that_may_not_be_written_is_refused_before_anything_is_written(
    backup: Backup,
) -> None:
    shop, store, manifest = backup
    target = with_orders_that_may_not_be_written(shop)
    progress = InMemoryProgress()

    with pytest.raises(DatabasePermissionError, match=r"for table public\.orders$") as refused:
        restore(target, store, manifest, progress=progress)

    assert (refused.value.hint or "").count('GRANT SELECT, INSERT, UPDATE ON "public"."orders"')
    assert progress.tables == {}
    assert set(map(len, target.everything().values())) == {0}


def test_a_dry_run_compares_the_other_tables_and_says_what_stops_the_restore(
    backup: Backup,
) -> None:
    shop, store, manifest = backup
    target = with_orders_that_may_not_be_written(shop)

    report = restore(target, store, manifest, dry_run=True)

    assert ORDERS not in {table.name for table in report.tables}
    assert {table.inserted == table.rows_in_backup for table in report.tables} == {True}
    (objection,) = report.objections
    assert objection.message.endswith(f"for table {ORDERS}")
    assert 'GRANT SELECT, INSERT, UPDATE ON "public"."orders"' in str(objection.hint)
    assert not report.is_whole


def test_a_count_that_fails_after_the_last_write_costs_no_more_than_a_warning(
    backup: Backup,
) -> None:
    class UncountableDatabase(InMemoryDatabase):
        def count_table(self, table: Table) -> int:
            if table.qualified_name == ORDERS:
                raise DatabaseUnavailableError("The database did not answer", operation="count")
            return super().count_table(table)

    shop, store, manifest = backup
    target = UncountableDatabase()
    for table in shop.catalog().tables.values():
        target.add_table(table)

    report = restore(target, store, manifest)

    assert report.is_whole
    assert report.warnings == (f"{ORDERS}: could not be counted: The database did not answer",)
    assert [table.rows_in_database for table in report.tables] == [5, None, 5]
    assert target.everything() == shop.everything()


def test_a_column_that_is_new_in_the_database_keeps_its_values(backup: Backup) -> None:
    _, store, manifest = backup
    target = InMemoryDatabase()
    target.add_table(
        a_table("customers", "name text", "balance numeric", "email text"),
        [{"id": 1, "name": "wrong", "balance": 0, "email": "kept@example.com"}],
    )

    restore(target, store, manifest, "customers")

    rows = target.rows(CUSTOMERS)
    assert (rows[0]["name"], rows[0]["email"]) == ("customer 1", "kept@example.com")
    assert rows[1]["email"] is None


def test_progress_ends_with_the_rows_of_each_table(backup: Backup) -> None:
    shop, store, manifest = backup
    progress = InMemoryProgress()

    restore(emptied(shop), store, manifest, progress=progress)

    assert progress.tables == dict.fromkeys((CUSTOMERS, ORDERS, ITEMS), (5, "complete"))


def test_a_table_is_named_before_its_first_batch_whose_answer_may_be_lost(backup: Backup) -> None:
    class AnswerLost(InMemoryDatabase):
        def upsert(
            self, table: Table, columns: Sequence[str], rows: Sequence[bytes], *, dry_run: bool
        ) -> UpsertCounts:
            super().upsert(table, columns, rows, dry_run=dry_run)
            raise DatabaseUnavailableError("The database did not answer", operation="restore")

    _, store, manifest = backup
    target, progress = emptied(a_shop(), AnswerLost()), InMemoryProgress()

    with pytest.raises(DatabaseUnavailableError):
        restore(target, store, manifest, progress=progress)

    assert len(target.rows(CUSTOMERS)) == 5
    assert progress.tables == {CUSTOMERS: (0, "running")}


def test_progress_names_the_steps_of_a_restore(backup: Backup) -> None:
    shop, store, manifest = backup
    plain, guarded = InMemoryProgress(), InMemoryProgress()

    restore(emptied(shop), store, manifest, progress=plain)
    restore(emptied(shop), store, manifest, progress=guarded, safeguard=lambda _: manifest)

    assert plain.phases == ["checking the backup", "restoring"]
    assert guarded.phases == ["checking the backup", "keeping an undo copy", "restoring"]


def test_a_condition_that_no_row_meets_is_reported_and_the_restore_is_not_whole(
    backup: Backup,
) -> None:
    shop, store, manifest = backup
    target = emptied(shop)

    some = restore(target, store, manifest, "customers", "orders", where={"id": "3"})
    none = restore(target, store, manifest, "customers", where={"name": "nobody"})

    assert (some.is_whole, some.warnings) == (True, ())
    assert not none.is_whole
    assert none.warnings == (f"{CUSTOMERS}: no row of the backup has name = nobody",)


@pytest.mark.parametrize("rows", [0, 4, 6])
def test_a_backup_with_other_rows_than_its_manifest_says_is_refused(
    backup: Backup, rows: int
) -> None:
    shop, store, manifest = backup
    entry = manifest.tables[0].model_copy(update={"rows": rows})
    forged = manifest.model_copy(update={"tables": (entry,)})

    with pytest.raises(ChecksumError, match=f"holds 5 rows of {entry.name}, and .* says {rows}"):
        restore(emptied(shop), store, forged)


def test_the_report_says_where_the_backup_was_read(backup: Backup) -> None:
    shop, store, manifest = backup

    report = restore(emptied(shop), store, manifest)

    assert (report.backup, report.project, report.read_from) == (NAME.text, PROJECT, "primary")


@pytest.mark.parametrize("mode", [RestoreMode.REPLACE, RestoreMode.MISSING_ONLY])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_mode_that_the_engine_lacks_is_refused_before_the_database_is_touched(
    backup: Backup, mode: RestoreMode, dry_run: bool
) -> None:
    _, store, manifest = backup

    with pytest.raises(InvalidRequestError, match=f"The mode {mode} needs"):
        restore(UntouchedDatabase(), store, manifest, mode=mode, dry_run=dry_run)
