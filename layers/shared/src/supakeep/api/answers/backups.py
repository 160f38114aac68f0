"""Backups as the API answers them."""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self

from supakeep.api.answers.answer import Answer
from supakeep.domain.manifest import Manifest, TableEntry
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.pin import holding
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.proof import Proofs
from supakeep.domain.restore_choice import is_of_policy
from supakeep.domain.retention import CopyVerdict, StoredBackup
from supakeep.domain.summary import BackupSummary, TableSummary
from supakeep.domain.untrusted import Untrusted
from supakeep.errors import BackupNotFoundError, IntegrityError, StorageError


class ListedBackup(Answer, BackupSummary):
    """A backup with retention's verdict on each copy, the primary one first."""

    retention: tuple[CopyVerdict, ...]

    @classmethod
    def judged(
        cls,
        found: StoredBackup,
        retention: tuple[CopyVerdict, ...],
        proofs: Proofs,
        now: dt.datetime,
    ) -> Self:
        pins = holding(found.pins, now)
        summary = BackupSummary.of(
            found.manifest, found.stores, pins=pins, proof=proofs.proof_of(found.manifest)
        )
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


class StoredCopy(Answer):
    """What a store holds of the backup now, by its manifest and the sizes of its objects; no row is read.
    `state` is `whole`, `missing`, `unreachable` or what is wrong with it. `signature` is `verified`,
    `unchecked` where there is no SIGNING_KEY to check it with, or `none`; null where no manifest could
    be believed. `key_id` names the key that signed.
    """

    store: str
    state: Literal["whole", "missing", "unreachable", "damaged", "unsigned", "forged", "differing"]
    signature: Literal["verified", "unchecked", "none"] | None = None
    key_id: str | None = None
    problem: Problem | None = None

    @classmethod
    def of_manifest(
        cls, store: str, manifest: Manifest, damage: str | None, *, checks_signatures: bool
    ) -> Self:
        """`damage` is what its objects lack, None where they are all there."""
        signed = manifest.signature
        return cls(
            store=store,
            state="whole" if damage is None else "damaged",
            signature="none"
            if signed is None
            else ("verified" if checks_signatures else "unchecked"),
            key_id=None if signed is None else signed.key_id,
            problem=None if damage is None else Problem(message=damage),
        )

    @classmethod
    def of_failure(
        cls, store: str, error: StorageError | IntegrityError | BackupNotFoundError
    ) -> Self:
        if isinstance(error, BackupNotFoundError):
            return cls(store=store, state="missing")
        problem = Problem.from_error(error)
        if isinstance(error, StorageError):
            return cls(store=store, state="unreachable", problem=problem)
        return cls(store=store, state=Untrusted.of(error).state.value, problem=problem)


class BackupDetail(Answer, BackupSummary):
    """GET /api/admin/backups/{name}. `compared_with` is the good backup before, None for the first.
    `missing_tables` are tables of that one which this one lacks. `stored` is what each store holds now.
    """

    tables: tuple[TableDetail, ...] = ()
    retention: tuple[CopyVerdict, ...]
    compared_with: str | None
    missing_tables: tuple[str, ...]
    stored: tuple[StoredCopy, ...]

    @classmethod
    def compared_to(
        cls,
        before: Manifest | None,
        manifest: Manifest,
        summary: BackupSummary,
        retention: tuple[CopyVerdict, ...],
        policy: BackupPolicy,
        stored: tuple[StoredCopy, ...],
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
            stored=stored,
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
