"""What changed about the tables since the backup before, as far as the manifests know."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from supakeep.domain.manifest import ChangeKind, Manifest, SchemaChange, TableEntry, TableStatus
from supakeep.domain.shrinkage import FormerTable


@dataclass(frozen=True)
class SchemaNow:
    """What a backup found: the tables that it took, the names of all that there are, and of those that
    its policy does not name.
    """

    entries: Sequence[TableEntry]
    existing: Collection[str]
    uncovered: Collection[str]


def schema_changes(former: Mapping[str, FormerTable], now: SchemaNow) -> list[SchemaChange]:
    """By table; none for the first backup. `former` are the tables to compare with, by their names."""
    if not former:
        return []
    newest = max((table.manifest for table in former.values()), key=lambda m: m.started_at)
    changes = [*_of_tables(former, now), *_of_new_tables(former, newest, now)]
    return sorted(changes, key=lambda change: change.table)


def _of_tables(former: Mapping[str, FormerTable], now: SchemaNow) -> Iterator[SchemaChange]:
    taken = {entry.name: entry for entry in now.entries}
    for name, before in former.items():
        if name in taken:
            if taken[name].status is TableStatus.COMPLETE:
                yield from _of_columns(before, taken[name])
        elif name in now.existing:
            why = f"{name} is in {before.manifest.backup}, and the policy leaves it out now"
            yield _change(ChangeKind.TABLE_LEFT_OUT, before.manifest, name, why)
        else:
            why = f"{name} is gone; {before.manifest.backup} has it"
            yield _change(ChangeKind.TABLE_GONE, before.manifest, name, why)


def _of_new_tables(
    former: Mapping[str, FormerTable], newest: Manifest, now: SchemaNow
) -> Iterator[SchemaChange]:
    for entry in now.entries:
        if entry.name not in former and newest.entry(entry.name) is None:
            why = f"{entry.name} is in a backup for the first time"
            yield _change(ChangeKind.TABLE_NEW, newest, entry.name, why)
    for name in now.uncovered:
        if name not in former and name not in newest.uncovered_tables:
            why = f"{name} is new since {newest.backup}, and the policy does not name it"
            yield _change(ChangeKind.TABLE_NOT_COVERED, newest, name, why)


def _of_columns(former: FormerTable, entry: TableEntry) -> Iterator[SchemaChange]:
    name, manifest, backup = entry.name, former.manifest, former.manifest.backup
    chosen = {*former.entry.policy.withheld, *entry.policy.withheld}
    before = {c.name: c.type for c in former.entry.columns if c.name not in chosen}
    now = {c.name: c.type for c in entry.columns if c.name not in chosen}
    for column, type_name in before.items():
        if column not in now:
            why = f"The column {column} of {name} is gone; {backup} has it"
            yield _change(ChangeKind.COLUMN_GONE, manifest, name, why, column)
        elif now[column] != type_name:
            why = f"The column {column} of {name} is {now[column]} now, and {type_name} in {backup}"
            yield _change(ChangeKind.COLUMN_RETYPED, manifest, name, why, column)
    for column in now.keys() - before.keys():
        why = f"The column {column} of {name} is new since {backup}"
        yield _change(ChangeKind.COLUMN_NEW, manifest, name, why, column)
    if former.entry.primary_key != entry.primary_key:
        why = (
            f"The primary key of {name} is {_key(entry)} now, and {_key(former.entry)} in {backup}"
        )
        yield _change(ChangeKind.KEY_CHANGED, manifest, name, why)


def _key(entry: TableEntry) -> str:
    return f"({', '.join(entry.primary_key)})" if entry.primary_key else "none"


def _change(
    kind: ChangeKind, before: Manifest, table: str, message: str, column: str | None = None
) -> SchemaChange:
    return SchemaChange(
        kind=kind, table=table, column=column, message=message, before=before.backup
    )
