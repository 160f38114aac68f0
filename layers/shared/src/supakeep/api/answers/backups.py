"""Backups as the API answers them."""

from __future__ import annotations

import datetime as dt
from typing import Self

from supakeep.api.answers.answer import Answer
from supakeep.domain.manifest import Manifest, Problem, TableEntry
from supakeep.domain.pin import holding
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.restore_choice import is_of_policy
from supakeep.domain.retention import CopyVerdict, StoredBackup
from supakeep.domain.summary import BackupSummary, TableSummary
from supakeep.domain.untrusted import Untrusted


class ListedBackup(Answer, BackupSummary):
    """A backup with retention's verdict on each copy, the primary one first."""

    retention: tuple[CopyVerdict, ...]

    @classmethod
    def judged(
        cls, found: StoredBackup, retention: tuple[CopyVerdict, ...], now: dt.datetime
    ) -> Self:
        pins = holding(found.pins, now)
        summary = BackupSummary.of(found.manifest, found.stores, pins=pins)
        return cls(**dict(summary), retention=retention)


class Change(Answer):
    """How many rows and bytes more, or less, a table has than in the backup before."""

    rows: int
    bytes: int

    @classmethod
    def between(cls, before: TableEntry, now: TableEntry) -> Self:
        return cls(rows=now.rows - before.rows, bytes=now.bytes - before.bytes)


class ColumnAnswer(Answer):
    """One column; `type` as Postgres names it."""

    name: str
    type: str


class TableDetail(Answer, TableSummary):
    """A table with what a restore needs to know of it; `references` are the tables that its foreign
    keys point to. `change` is None where there is nothing to compare with. Without `in_policy`, a
    restore takes the table only if it is named.
    """

    columns: tuple[ColumnAnswer, ...]
    primary_key: tuple[str, ...]
    references: tuple[str, ...]
    change: Change | None
    in_policy: bool

    @classmethod
    def compared(
        cls,
        summary: TableSummary,
        entry: TableEntry,
        before: TableEntry | None,
        policy: BackupPolicy,
    ) -> Self:
        """`before` is the table in the backup before."""
        return cls(
            **dict(summary),
            columns=tuple(ColumnAnswer(name=c.name, type=c.type) for c in entry.columns),
            primary_key=entry.primary_key,
            references=entry.references,
            change=None if before is None else Change.between(before, entry),
            in_policy=is_of_policy(entry, policy),
        )


class BackupDetail(Answer, BackupSummary):
    """GET /api/admin/backups/{name}. `compared_with` is the good backup before, None for the first.
    `missing_tables` are tables of that one which this one lacks.
    """

    tables: tuple[TableDetail, ...] = ()
    retention: tuple[CopyVerdict, ...]
    compared_with: str | None
    missing_tables: tuple[str, ...]

    @classmethod
    def compared_to(
        cls,
        before: Manifest | None,
        manifest: Manifest,
        summary: BackupSummary,
        retention: tuple[CopyVerdict, ...],
        policy: BackupPolicy,
    ) -> Self:
        """`summary` is that of `manifest`; `before` is the good backup before it."""
        entries = {entry.name: entry for entry in manifest.tables}
        earlier = {entry.name: entry for entry in before.tables} if before else {}
        tables = tuple(
            TableDetail.compared(table, entries[table.name], earlier.get(table.name), policy)
            for table in summary.tables
        )
        return cls(
            **{**dict(summary), "tables": tables},
            retention=retention,
            compared_with=None if before is None else before.backup,
            missing_tables=tuple(sorted(earlier.keys() - entries.keys())),
        )


class BackupList(Answer):
    """GET /api/admin/backups. `next` is what to pass as `before` for the page that follows, None on
    the last one. `untrusted` are backups whose manifest cannot be trusted, `problems` stores that could
    not be listed; every page has all of both.
    """

    backups: list[ListedBackup]
    next: str | None
    untrusted: dict[str, Untrusted]
    problems: dict[str, Problem]


class DownloadLink(Answer):
    """One object; the volumes, joined in this order, are the document."""

    key: str
    bytes: int | None
    sha256: str | None
    url: str


class Download(Answer):
    """GET /api/admin/backups/{name}/download."""

    name: str
    read_from: str
    expires_in_seconds: int
    objects: list[DownloadLink]
