"""Whether a table lost so many rows that a backup must not count as good."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from supakeep.domain.manifest import Manifest, Shrinkage, TableEntry, TableStatus
from supakeep.domain.plan import Selection, selects
from supakeep.domain.policy import BackupPolicy, TablePolicy, matches_any
from supakeep.domain.schema import Table


@dataclass(frozen=True)
class FormerTable:
    """A table as the newest backup holds it that has all of its rows."""

    entry: TableEntry
    manifest: Manifest

    def selection(self, table: Table) -> Selection:
        """The rows of `table` that were in that backup, as far as they are still there; newer ones too.

        A window of days begins where it began then: what only grew old is not lost.
        """
        days = self.entry.policy.last_days
        since = self.manifest.started_at - dt.timedelta(days=days) if days else None
        return Selection(table, self.entry.policy, since)


def former_tables(newest_first: Iterable[Manifest]) -> dict[str, FormerTable]:
    """By their names the tables to compare with. Looks no further back than the newest good backup:
    a table that it lacks was not the policy's then.
    """
    tables: dict[str, FormerTable] = {}
    for manifest in newest_first:
        shrunk = {shrinkage.table for shrinkage in manifest.shrinkage}
        for entry in manifest.tables:
            if entry.status is TableStatus.COMPLETE and entry.name not in shrunk:
                tables.setdefault(entry.name, FormerTable(entry, manifest))
        if manifest.is_good:
            break
    return tables


def has_shrunk(rows: int, before: int, share: float) -> bool:
    """Whether all of the rows before are gone, or more than this share of them."""
    return before > 0 and (rows == 0 or before - rows > before * Decimal(str(share)))


def expected_rows(former: FormerTable, policy: TablePolicy) -> int:
    """How many rows `policy` takes where none was lost; a narrower window than before takes fewer."""
    rows = former.entry.rows
    return rows if policy.last_rows is None else min(rows, policy.last_rows)


def needs_recount(former: FormerTable, policy: TablePolicy) -> bool:
    """Whether rows may be missing from the window that `policy` takes, and still be in the table."""
    return former.entry.policy != policy or policy.last_days is not None


def vanished_tables(
    policy: BackupPolicy, former: Mapping[str, FormerTable], entries: Mapping[str, TableEntry]
) -> list[FormerTable]:
    """The tables that had rows, that the policy still takes, and that no longer exist."""
    return [
        table
        for name, table in former.items()
        if name not in entries and table.entry.rows and _is_taken(policy, table.entry.table)
    ]


def renamed_to(gone: FormerTable, entries: Sequence[TableEntry], share: float) -> TableEntry | None:
    """The table of these, unknown before, that has the columns and the rows of the one that is gone."""
    return next(
        (
            entry
            for entry in entries
            if entry.status is TableStatus.COMPLETE
            and gone.manifest.entry(entry.name) is None
            and entry.columns_fingerprint == gone.entry.columns_fingerprint
            and entry.primary_key == gone.entry.primary_key
            and not has_shrunk(entry.rows, gone.entry.rows, share)
        ),
        None,
    )


def is_named(table: Table, patterns: Sequence[str]) -> bool:
    """Whether the table, with or without its schema, matches one of these shell patterns."""
    names = {table.name, f"{table.schema_name}.{table.name}", table.qualified_name}
    return matches_any(names, patterns)


def shrinkage_of(former: FormerTable, rows: int | None) -> Shrinkage:
    """Why a backup does not count as good; `rows` are those that are left, None of a table that is
    gone.
    """
    name, before = former.entry.name, former.manifest.backup
    return Shrinkage(
        message=f"{name} {_now(rows)}, and had {former.entry.rows:,} rows in {before}",
        hint=f"Is that right? Then run `supakeep backup --accept-shrink {shlex.quote(name)}` (or send "
        "accept_shrink with POST /api/admin/backup); a table that does so often belongs in "
        f"may_shrink of [alarms] in supakeep.toml. If it is not right, restore it from {before}. "
        "Until then nothing is pruned.",
        table=name,
        rows=rows or 0,
        rows_before=former.entry.rows,
        before=before,
    )


def _now(rows: int | None) -> str:
    if rows is None:
        return "is gone"
    return f"has {rows:,} {'row' if rows == 1 else 'rows'}" if rows else "is empty"


def _is_taken(policy: BackupPolicy, table: Table) -> bool:
    return selects(policy, table.schema_name, table.name)
