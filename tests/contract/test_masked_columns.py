"""Masked columns with every engine: what a backup holds of them, and what a restore leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from supakeep.archive.reader import BackupReader
from supakeep.domain.policy import BackupPolicy, Mask, NamedTablePolicy
from supakeep.domain.schema import Table
from supakeep.usecases.diff_backups import DiffBackups
from supakeep.usecases.diff_sides import database_side
from tests.builders.backups import back_up, document_of, restore, tables_in
from tests.builders.manifests import PROJECT
from tests.builders.signing import KEYRING
from tests.contract.exporting import table, upserted
from tests.contract.workbench import Workbench
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress

ADA = {"id": 1, "email": "ada@example.com", "phone": "+49 30 1", "note": "first"}
HER_TWIN = {
    "id": 2,
    "email": "ada@example.com",
    "phone": None,
    "note": '\u00fcn\u00ef "quoted", {[,\n]}',
}
NOBODY = {"id": 3, "email": None, "phone": "+49 30 3", "note": None}


@pytest.fixture
def people(bench: Workbench) -> Table:
    described = table(bench, "people", "email text", "phone text", "note text")
    return bench.create(described, [ADA, HER_TWIN, NOBODY])


def masking(people: Table, **fields: Any) -> BackupPolicy:
    masks: dict[str, Mask] = {"email": "hash", "phone": "null"}
    entry = NamedTablePolicy(name=people.qualified_name, mask=masks, **fields)
    return BackupPolicy(table=[entry])


@pytest.mark.parametrize("window", [{}, {"last_rows": 3, "order_by": "id"}])
def test_a_backup_holds_masks_and_no_value(
    bench: Workbench, people: Table, window: dict[str, Any]
) -> None:
    store = InMemoryObjectStore()

    manifest = back_up(bench.adapter, store, policy=masking(people, **window), keyring=KEYRING)

    (stored,) = tables_in(store, manifest).values()
    ada, twin, nobody = sorted(stored["rows"], key=lambda row: int(row["id"]))
    assert len(ada["email"]) == 64
    assert (twin["email"], nobody["email"]) == (ada["email"], None)
    assert [row["phone"] for row in (ada, twin, nobody)] == [None] * 3
    assert [row["note"] for row in (ada, twin, nobody)] == ["first", HER_TWIN["note"], None]
    assert b"ada@" not in document_of(store, manifest)
    assert b"+49" not in document_of(store, manifest)
    assert [column.name for column in manifest.tables[0].columns] == ["id", "note"]


def test_a_restore_leaves_the_values_of_masked_columns_alone(
    bench: Workbench, people: Table
) -> None:
    store = InMemoryObjectStore()
    manifest = back_up(bench.adapter, store, policy=masking(people), keyring=KEYRING)
    upserted(bench, people, {**ADA, "email": "ada@example.org", "note": "broken"})

    (report,) = restore(bench.adapter, store, manifest).tables

    assert (report.updated, report.unchanged, report.inserted) == (1, 2, 0)
    assert bench.rows(people) == [{**ADA, "email": "ada@example.org"}, HER_TWIN, NOBODY]


def test_a_row_that_a_restore_inserts_gets_defaults_and_no_mask(
    bench: Workbench, people: Table
) -> None:
    store = InMemoryObjectStore()
    manifest = back_up(bench.adapter, store, policy=masking(people), keyring=KEYRING)
    bench.drop(people)
    bench.create(people)

    (report,) = restore(bench.adapter, store, manifest).tables

    assert report.inserted == 3
    without = {"email": None, "phone": None}
    assert bench.rows(people) == [{**row, **without} for row in (ADA, HER_TWIN, NOBODY)]


@pytest.mark.parametrize("withheld", ["mask", "exclude_columns"])
def test_a_comparison_with_the_database_reads_no_withheld_column(
    bench: Workbench, people: Table, withheld: str
) -> None:
    store = InMemoryObjectStore()
    excluding = NamedTablePolicy(name=people.qualified_name, exclude_columns=("email", "phone"))
    policy = masking(people) if withheld == "mask" else BackupPolicy(table=[excluding])
    manifest = back_up(bench.adapter, store, policy=policy, keyring=KEYRING)
    upserted(bench, people, {**ADA, "email": "ada@example.org"}, {**HER_TWIN, "note": "other"})

    with database_side(bench.adapter, PROJECT, manifest) as side:
        report = DiffBackups(InMemoryProgress(), 5)(BackupReader(manifest, [store]), side)

    found = next(diff for diff in report.tables if diff.table == people.qualified_name)
    assert (found.added, found.removed, found.changed) == (0, 0, 1)
    assert list(found.rows[0].columns) == ["note"]
