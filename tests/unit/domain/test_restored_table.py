"""What a second look at a table after the restore says of the rows that were written."""

from __future__ import annotations

from typing import Any

from supakeep.domain.restore import RestoredTable
from supakeep.domain.row_changes import RowChanges


def a_table(**counts: Any) -> RestoredTable:
    return RestoredTable(name="public.posts", rows_in_backup=5, **counts)


def seen_again(*, inserted: int = 0, updated: int = 0) -> RowChanges:
    changes = RowChanges()
    changes.inserted, changes.updated = inserted, updated
    if updated:
        changes.sample(["id"], b'{"id":1,"n":4}', b'{"id":1,"n":2}')
    return changes


def test_rows_that_would_be_written_again_are_altered() -> None:
    table = a_table(inserted=5).compared(seen_again(inserted=1, updated=2))

    assert table.altered == 3
    assert table.altered_rows[0].columns == {"n": ("2", "4")}


def test_refused_rows_would_be_written_again_and_are_not_altered() -> None:
    assert a_table(inserted=3, refused=2).compared(seen_again(inserted=2)).altered == 0


def test_what_was_altered_when_it_was_written_stays_so() -> None:
    table = a_table(updated=5, altered=5).compared(seen_again())

    assert table.altered == 5
