"""The order in which rows of a table that refers to itself are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from supakeep.domain.row_changes import tokens_of
from supakeep.domain.schema import ForeignKey, Table

Values = tuple[str | None, ...]


def parents_first(rows: Sequence[bytes], table: Table) -> Sequence[bytes]:
    """The rows so ordered that each stands after those of them that it refers to.

    Rows that refer to each other stay close together. Rows of a table that does not refer to itself
    stay as they are.
    """
    keys = [key for key in table.foreign_keys if key.parent == table.qualified_name]
    if not keys:
        return rows
    return [rows[number] for number in _lineages(_parents(rows, keys))]


def _parents(rows: Sequence[bytes], keys: Sequence[ForeignKey]) -> list[set[int]]:
    """For each row the numbers of the rows that it refers to."""
    wanted = sorted({name for key in keys for name in (*key.columns, *key.parent_columns)})
    tokens = [tokens_of(row, wanted) for row in rows]
    parents: list[set[int]] = [set() for _ in rows]
    for key in keys:
        numbers = {_values(row, key.parent_columns): number for number, row in enumerate(tokens)}
        for number, row in enumerate(tokens):
            parent = numbers.get(_values(row, key.columns))
            if parent is not None:
                parents[number].add(parent)
    return parents


def _values(row: dict[str, str], columns: Sequence[str]) -> Values:
    return tuple(row.get(name) for name in columns)


def _lineages(parents: Sequence[set[int]]) -> Iterator[int]:
    """Every row once, after its parents; in a cycle after those that do not lead back to it."""
    entered: set[int] = set()
    for start in range(len(parents)):
        path = [] if start in entered else [start]
        while path:
            entered.add(path[-1])
            ahead = next((parent for parent in parents[path[-1]] if parent not in entered), None)
            if ahead is None:
                yield path.pop()
            else:
                path.append(ahead)
