"""What a second look at a table after the restore says of the rows that were written."""

from __future__ import annotations

from typing import Any

from supakeep.domain.restore import RestoredTable
from supakeep.domain.row_changes import RowChanges


def a_table(**counts: Any) -> RestoredTable:
    return RestoredTable(name="public.posts", rows_in_backup=5, **counts)


def seen_again(*live: bytes | None) -> RowChanges:
    changes = RowChanges()
    changes.altered = len(live)
    for row in live:
        changes.sample_altered(["id"], b'{"id":1,"n":2}', row)
    return changes


def test_rows_that_differ_or_are_gone_are_altered() -> None:
    table = a_table(inserted=5).compared(seen_again(b'{"id":1,"n":4}', None))

    assert table.altered == 2
    assert [row.columns for row in table.altered_rows] == [{"n": ("2", "4")}, {}]
    assert table.altered_rows[1].key == {"id": "1"}


def test_rows_that_are_deleted_last_join_those_of_the_table() -> None:
    changes = RowChanges()
    changes.deleted = 3
    changes.sample_deleted(["id"], b'{"id":1,"n":2}', ["id", "n"])

    table = a_table(inserted=5).with_deleted(changes)

    assert (table.inserted, table.deleted) == (5, 3)
    assert [(row.key, row.columns) for row in table.deleted_rows] == [({"id": "1"}, {"n": "2"})]


def test_what_was_altered_when_it_was_written_stays_so() -> None:
    table = a_table(updated=5, altered=5).compared(seen_again())

    assert table.altered == 5
