"""Columns that were generated in the project, and are plain ones in tables that were made for a backup."""

from __future__ import annotations

from supakeep.domain.manifest import TableEntry
from supakeep.domain.schema import Table


def plain_as_in(live: Table | None, entry: TableEntry) -> TableEntry:
    """The table so that a restore writes the values of all columns that `live` does not generate; of all columns where
    there is none. Only for a table without rows of anybody: the values that are there would be lost.
    """
    generated = {column.name for column in live.columns if column.generated} if live else set()
    columns = tuple(
        column.model_copy(update={"generated": column.name in generated})
        for column in entry.columns
    )
    return entry.model_copy(update={"columns": columns})
