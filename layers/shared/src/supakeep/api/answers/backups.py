"""Backups as the API answers them."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel

from supakeep.domain.manifest import Problem
from supakeep.domain.summary import BackupSummary, TableSummary


class CopyVerdict(BaseModel):
    """What retention says of one copy. `goes_at` is the earliest time at which a prune may remove
    it; None as long as nothing else could take its place.
    """

    store: str
    keep: bool
    reason: str
    goes_at: dt.datetime | None


class ListedBackup(BackupSummary):
    """A backup with retention's verdict on each copy, the primary one first."""

    retention: tuple[CopyVerdict, ...]


class Change(BaseModel):
    """A table's rows and bytes against those in the backup before; None where it was not there."""

    rows: int
    bytes: int


class ColumnAnswer(BaseModel):
    """One column; `type` as Postgres names it."""

    name: str
    type: str


class TableDetail(TableSummary):
    """A table with what a restore needs to know of it; `references` are the tables that its foreign
    keys point to. `change` is None where there is nothing to compare with.
    """

    columns: tuple[ColumnAnswer, ...]
    primary_key: tuple[str, ...]
    references: tuple[str, ...]
    change: Change | None


class BackupDetail(BackupSummary):
    """GET /api/admin/backups/{name}. `compared_with` is the good backup before, None for the first.
    `missing_tables` are tables of that one which this one lacks.
    """

    tables: tuple[TableDetail, ...] = ()
    retention: tuple[CopyVerdict, ...]
    compared_with: str | None
    missing_tables: tuple[str, ...]


class BackupList(BaseModel):
    """GET /api/admin/backups. `next` is what to pass as `before` for the page that follows, None on
    the last one. `damaged` are backups whose manifest cannot be trusted, `problems` stores that could
    not be listed; every page has all of both.
    """

    backups: list[BackupSummary]
    next: str | None
    damaged: dict[str, Problem]
    problems: dict[str, Problem]


class DownloadLink(BaseModel):
    """One object; the volumes, joined in this order, are the document."""

    key: str
    bytes: int | None
    sha256: str | None
    url: str


class Download(BaseModel):
    """GET /api/admin/backups/{name}/download."""

    name: str
    read_from: str
    expires_in_seconds: int
    objects: list[DownloadLink]
