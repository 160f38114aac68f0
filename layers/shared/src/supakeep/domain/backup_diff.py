"""What changed between two backups, or between a backup and the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from supakeep.domain.json_text import shortened
from supakeep.domain.row_changes import changed_columns, tokens_of
from supakeep.domain.schema import Column


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class DiffStatus(StrEnum):
    """How a table was compared. `counted`: only its rows were counted, since it has no primary key to
    match them by. `failed`: it could not be read; its notes say why.
    """

    SAME = "same"
    CHANGED = "changed"
    COUNTED = "counted"
    ADDED = "added"
    REMOVED = "removed"
    FAILED = "failed"


class RowDifference(_Value):
    """One row: its key, and for each column that differs the value before and after, as JSON text.
    A row that was added has no value before, one that was removed none after. Long values are cut.
    """

    change: Literal["added", "removed", "changed"]
    key: dict[str, str]
    columns: dict[str, tuple[str | None, str | None]]

    @classmethod
    def between(cls, key: Sequence[str], before: bytes | None, after: bytes | None) -> Self:
        """Of a row's two texts; one of them may be None."""
        old = tokens_of(before) if before is not None else {}
        new = tokens_of(after) if after is not None else {}
        names = [name for name in {**old, **new} if name]
        if before is not None and after is not None:
            different = changed_columns(before, after)
            names = [name for name in names if name in different]
            change: Literal["added", "removed", "changed"] = "changed"
        else:
            names = [name for name in names if name not in key]
            change = "added" if before is None else "removed"
        return cls(
            change=change,
            key={name: shortened((new or old).get(name, "null")) for name in key},
            columns={name: (_shown(old.get(name)), _shown(new.get(name))) for name in names},
        )


class TableDiff(_Value):
    """One table. A count is None where it is not known; `rows` are the first few differences."""

    table: str
    status: DiffStatus
    rows_before: int | None = None
    rows_after: int | None = None
    added: int | None = None
    removed: int | None = None
    changed: int | None = None
    notes: tuple[str, ...] = ()
    rows: tuple[RowDifference, ...] = ()


class DiffReport(_Value):
    """`after` is the name of a backup, or the database as a restore is confirmed with it."""

    before: str
    after: str
    after_is_database: bool
    tables: tuple[TableDiff, ...]
    warnings: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every table could be read."""
        return all(table.status is not DiffStatus.FAILED for table in self.tables)


def column_notes(
    before: Sequence[Column], after: Sequence[Column], withheld: Collection[str] = ()
) -> list[str]:
    """A sentence for each column that only one side has, or that has another type. The policy of one side
    keeps the values of those `withheld` out of it.
    """
    old, new = (
        {column.name: column.type for column in side if column.name not in withheld}
        for side in (before, after)
    )
    return [
        *(f"column {name} is left out or masked; it is not compared" for name in sorted(withheld)),
        *(f"column {name} was removed; it is not compared" for name in old if name not in new),
        *(f"column {name} was added; it is not compared" for name in new if name not in old),
        *(
            f"column {name} was {old[name]} and is {new[name]}"
            for name in old
            if name in new and old[name] != new[name]
        ),
    ]


def _shown(token: str | None) -> str | None:
    return None if token is None else shortened(token)
