"""Rows that are deleted or moved between two pages, and what the backup says of their table."""

from __future__ import annotations

from typing import Any

import pytest

from supakeep.errors import ExportError
from supakeep.usecases.completeness import require_complete
from tests.builders.tables import a_selection
from tests.contract.workbench import SupabaseWorkbench

pytestmark = pytest.mark.integration

TABLE = (
    "create table {schema}.t (id int primary key, at timestamptz);"
    "insert into {schema}.t select n, now() + n * interval '1 s' from generate_series(1, %d) n"
)
WINDOWS: dict[str, dict[str, Any]] = {
    "whole": {},
    "last rows": {"last_rows": 11_000, "order_by": "at"},
    "last days": {"last_days": 40_000, "time_column": "at"},
}


def completeness(
    bench: SupabaseWorkbench, meanwhile: str, *, rows: int = 12_000, window: str = "whole"
) -> list[str]:
    """What is said of a table on which statements run after its first page."""
    selection = a_selection(bench.made(TABLE % rows), **WINDOWS[window])
    with bench.database.snapshot() as snapshot:
        portions = snapshot.export(selection)
        exported = next(portions).count
        bench.execute(meanwhile)
        exported += sum(portion.count for portion in portions)
        return require_complete(snapshot, selection, exported)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(
    "meanwhile",
    [
        "delete from {schema}.t",
        "delete from {schema}.t where id > 5",
        "delete from {schema}.t; insert into {schema}.t values (20000, now())",
        "update {schema}.t set id = id - 100000 where id > 5000",
        "update {schema}.t set id = -id where id > 9000",
    ],
)
def test_a_table_many_of_whose_rows_go_between_two_pages_fails(
    supabase: SupabaseWorkbench, meanwhile: str, window: str
) -> None:
    with pytest.raises(
        ExportError, match=r"Many rows of .* were written or deleted while it was backed up"
    ):
        completeness(supabase, meanwhile, window=window)


@pytest.mark.parametrize(
    ("rows", "deleted"), [(12_000, "id % 10 = 0"), (12_000, "id > 11000"), (900, "true")]
)
def test_some_rows_may_be_deleted_and_all_of_a_table_that_one_page_had_in_full(
    supabase: SupabaseWorkbench, rows: int, deleted: str
) -> None:
    said = completeness(supabase, "delete from {schema}.t where " + deleted, rows=rows)

    assert all("rows were written meanwhile" in sentence for sentence in said)
