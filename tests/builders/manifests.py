"""Manifests of backups that were never made."""

from __future__ import annotations

import datetime as dt
import hashlib

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import (
    BackupStatus,
    CopyState,
    Manifest,
    Part,
    TableEntry,
    TableStatus,
    Trigger,
    table_entry_columns,
)
from supakeep.domain.manifest_parts import Problem, VolumeEntry
from supakeep.domain.policy import TablePolicy
from supakeep.domain.schema import Table
from tests.builders.tables import a_table
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON

PROJECT = "jewelshot"


def an_entry(
    table: Table | None = None,
    *,
    status: TableStatus = TableStatus.COMPLETE,
    rows: int = 0,
    parts: tuple[Part, ...] = (),
) -> TableEntry:
    table = table or a_table()
    failed = status is TableStatus.FAILED
    return TableEntry(
        name=table.qualified_name,
        status=status,
        rows=rows,
        bytes=sum(part.bytes for part in parts),
        policy=TablePolicy(),
        parts=parts,
        error=Problem(message="The export failed", hint="Try again") if failed else None,
        **table_entry_columns(table),
    )


def a_manifest(
    *,
    at: dt.datetime = NOON,
    project: str = PROJECT,
    good: bool = True,
    tables: tuple[TableEntry, ...] | None = None,
    volumes: tuple[VolumeEntry, ...] | None = None,
    copy_problem: Problem | None = None,
    warnings: tuple[str, ...] = (),
) -> Manifest:
    """The manifest of a backup that began at `at`, with one table unless `tables` are given."""
    name = BackupName.timed(project, at)
    status = TableStatus.COMPLETE if good else TableStatus.FAILED
    whole = good and copy_problem is None
    content = b"a document"
    document = VolumeEntry(
        key=name.document_key, bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
    )
    return Manifest(
        backup=name.text,
        project=project,
        trigger=Trigger.SCHEDULE,
        engine="rest",
        consistency="per-table",
        server_version="17.6",
        tool_version="0.1.0",
        started_at=at,
        finished_at=at + dt.timedelta(seconds=42),
        status=BackupStatus.COMPLETE if whole else BackupStatus.PARTIAL,
        tables=(an_entry(status=status),) if tables is None else tables,
        volumes=(document,) if volumes is None else volumes,
        copies=(CopyState(name="mirror", problem=copy_problem),) if copy_problem else (),
        warnings=warnings,
    )


def place_backup(
    store: InMemoryObjectStore,
    *,
    at: dt.datetime = NOON,
    project: str = PROJECT,
    good: bool = True,
) -> BackupName:
    """Puts a backup's manifest and document into a store, without any table's rows."""
    manifest = a_manifest(at=at, project=project, good=good)
    store.place(manifest.name.document_key, b"a document", modified_at=at)
    store.place(manifest.name.manifest_key, encode_manifest(manifest), modified_at=at)
    return manifest.name
