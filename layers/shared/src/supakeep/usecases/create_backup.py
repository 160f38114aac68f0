"""Create a backup: every selected table into one document, then the manifest."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from supakeep import __version__
from supakeep.archive import layout as document
from supakeep.archive.definitions_digest import DefinitionsDigest
from supakeep.archive.encoding import Encoding
from supakeep.archive.read_back import ReadBack
from supakeep.archive.signature import Keyring
from supakeep.archive.upload import BackupUpload
from supakeep.archive.writer import VolumeWriter
from supakeep.domain.backed_up_files import BackedUpFiles
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import (
    BackupStatus,
    Definitions,
    Encryption,
    Manifest,
    TableEntry,
    TableStatus,
    Trigger,
)
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.domain.plan import (
    BackupPlan,
    backs_up,
    named_schemas,
    plan_backup,
)
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.project_object import ProjectObject
from supakeep.domain.run import problem_of
from supakeep.domain.schema import Catalog
from supakeep.domain.schema_changes import SchemaNow
from supakeep.errors import DatabaseError, StorageError
from supakeep.ports import Clock, Deadline, ObjectStore, Progress, Snapshot, SourceDatabase
from supakeep.usecases.export_tables import ExportTables
from supakeep.usecases.find_coverage import find_coverage, listed_objects
from supakeep.usecases.find_shrinkage import FindShrinkage, tables_before, unknown_shrinkage
from supakeep.usecases.since_before import (
    SinceBefore,
    changes_since,
    definition_changes_since,
    former_record,
    newest_of,
)
from supakeep.usecases.store_definitions import StoreDefinitions

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Start:
    """What is settled before the first row is read."""

    name: BackupName
    trigger: Trigger
    at: dt.datetime
    snapshot: Snapshot
    catalog: Catalog
    left_out: Mapping[str, str]
    plan: BackupPlan


@dataclass(frozen=True)
class _Exported:
    """What became of the tables."""

    entries: Sequence[TableEntry]
    warnings: Sequence[str]
    since: SinceBefore

    @property
    def status(self) -> BackupStatus:
        failed = any(entry.status is TableStatus.FAILED for entry in self.entries)
        return BackupStatus.PARTIAL if failed or self.since.shrinkage else BackupStatus.COMPLETE


@dataclass(frozen=True)
class _Stored:
    """The manifest as far as it is known when the snapshot ends, and what its coverage is made of."""

    manifest: Manifest
    objects: Sequence[ProjectObject] | DatabaseError
    before: Manifest | None


@dataclass(frozen=True)
class CreateBackup:
    """Everything a backup needs; `copies` may be none. The tables that match a pattern of
    `accept_shrink` may have lost any number of rows. With `keyring` the manifest is signed. `files` stores
    those of Storage.
    """

    source: SourceDatabase
    primary: ObjectStore
    copies: Sequence[ObjectStore]
    policy: BackupPolicy
    project: str
    max_object_bytes: int
    clock: Clock
    deadline: Deadline
    progress: Progress
    run_id: str | None = None
    accept_shrink: Sequence[str] = ()
    keyring: Keyring | None = None
    files: Callable[[BackupName, BackupUpload], BackedUpFiles] | None = None

    def __call__(self, name: BackupName, trigger: Trigger) -> Manifest:
        """Writes the backup `name` and returns its manifest, which may be `partial`.

        A table that cannot be exported is named in the manifest, after all others were exported, and
        so is one that lost too many rows since the backups before.
        Raises where no table could be, or the primary store refuses: then no manifest is written,
        no backup exists, and what was stored is removed.
        """
        read_back = (
            ReadBack(self.deadline, stores=1 + len(self.copies))
            if self.policy.storage.read_back
            else None
        )
        with BackupUpload(self.primary, self.copies, read_back, self.keyring) as upload:
            stored = self._upload_document(name, trigger, upload)
            manifest = self._with_files(stored.manifest, upload)
            return upload.commit(self._with_coverage(manifest, stored))

    @property
    def encoding(self) -> Encoding:
        """How the document's objects are stored."""
        return Encoding.of_policy(self.policy)

    def _upload_document(self, name: BackupName, trigger: Trigger, upload: BackupUpload) -> _Stored:
        with (
            self.source.snapshot(partial(backs_up, self.policy, self.source.engine)) as snapshot,
            VolumeWriter(
                upload, name.document_key, self.max_object_bytes, self.encoding
            ) as volumes,
        ):
            start = self._start(name, trigger, snapshot)
            # after the database's own question: Storage hides the bucket from a wrong key
            self.primary.require_private()
            volumes.write(self._document_head(start))
            export = self._exporting(snapshot, volumes)
            entries = export(start.plan)
            volumes.write(document.DOCUMENT_FOOT)
            exported = _Exported(entries, export.warnings, self._since_before(start, entries))
            stored = volumes.finish()
            definitions = self._definitions(start, upload, exported.since.before)
            manifest = self._manifest(start, exported, stored, definitions)
            return _Stored(manifest, listed_objects(snapshot), exported.since.before)

    def _exporting(self, snapshot: Snapshot, volumes: VolumeWriter) -> ExportTables:
        is_secret = bool(self.encoding.recipients)
        return ExportTables(
            snapshot,
            self.source.engine,
            volumes,
            self.deadline,
            self.progress,
            is_secret,
            self.keyring.mask_key if self.keyring else None,
        )

    def _with_files(self, manifest: Manifest, upload: BackupUpload) -> Manifest:
        """They come when the rows are stored, and the database's snapshot is closed."""
        if self.files is None:
            return manifest
        self.progress.phase("copying files")
        files = self.files(manifest.name, upload)
        left = {} if files.is_whole else {"status": BackupStatus.PARTIAL}
        return manifest.model_copy(update={"files": files, "finished_at": self.clock.now(), **left})

    def _with_coverage(self, manifest: Manifest, stored: _Stored) -> Manifest:
        """A backup that only an undo reads leaves everything out on purpose."""
        if manifest.trigger is Trigger.PRE_RESTORE:
            return manifest
        sees_all = self.source.engine.gives_definitions
        coverage = find_coverage(
            manifest, stored.objects, self.policy, stored.before, sees_all=sees_all
        )
        return manifest.model_copy(update={"coverage": coverage})

    def _start(self, name: BackupName, trigger: Trigger, snapshot: Snapshot) -> _Start:
        at = self.clock.now()
        catalog = snapshot.catalog()
        left_out = snapshot.left_out(named_schemas(self.policy))
        plan = plan_backup(self.policy, catalog, at, self.source.engine, left_out)
        if plan.users_error is not None:
            log.warning(plan.users_error.message)
        return _Start(name, trigger, at, snapshot, catalog, left_out, plan)

    def _document_head(self, start: _Start) -> bytes:
        return document.document_head(
            backup=start.name.text,
            project=self.project,
            created_at=start.at,
            source={
                "engine": self.source.engine.name,
                "server_version": start.catalog.server_version,
            },
        )

    def _definitions(
        self, start: _Start, upload: BackupUpload, before: Manifest | None
    ) -> Definitions | None:
        """None for a backup that only an undo reads, and where the engine has none."""
        if start.trigger is Trigger.PRE_RESTORE or not self.source.engine.gives_definitions:
            return None
        digest = DefinitionsDigest(self.keyring, is_secret=bool(self.encoding.recipients))
        store = StoreDefinitions(
            upload, start.name, self.encoding, self.max_object_bytes, self.deadline, digest
        )
        return store(start.snapshot, former_record(before))

    def _manifest(
        self,
        start: _Start,
        exported: _Exported,
        volumes: Sequence[VolumeEntry],
        definitions: Definitions | None,
    ) -> Manifest:
        users_error = start.plan.users_error
        return Manifest(
            backup=start.name.text,
            project=self.project,
            trigger=start.trigger,
            engine=self.source.engine.name,
            consistency=self.source.engine.consistency,
            server_version=start.catalog.server_version,
            wal_position=start.snapshot.wal_position,
            tool_version=__version__,
            started_at=start.at,
            finished_at=self.clock.now(),
            status=exported.status,
            tables=tuple(sorted(exported.entries, key=lambda entry: entry.name)),
            volumes=tuple(volumes),
            definitions=definitions,
            users_problem=problem_of(users_error) if users_error else None,
            # a store that does not give a volume back takes no manifest
            read_back=self.policy.storage.read_back,
            compression=self.encoding.compression,
            encryption=self._encryption(),
            uncovered_tables=start.plan.uncovered,
            left_out=dict(start.left_out),
            run=self.run_id,
            shrinkage=tuple(exported.since.shrinkage),
            changes=tuple(exported.since.changes),
            definition_changes=tuple(definition_changes_since(exported.since.before, definitions)),
            warnings=(*exported.warnings, *exported.since.accepted),
        )

    def _since_before(self, start: _Start, entries: Sequence[TableEntry]) -> SinceBefore:
        if start.trigger is Trigger.PRE_RESTORE:
            return SinceBefore()  # it holds what a restore is about to correct
        try:
            former = tables_before([self.primary, *self.copies], self.project, start.at)
        except StorageError as exc:
            return SinceBefore(shrinkage=[unknown_shrinkage(exc)])
        find = FindShrinkage(
            policy=self.policy,
            accepted=self.accept_shrink,
            snapshot=start.snapshot,
            catalog=start.catalog,
            engine=self.source.engine,
        )
        find(former, start.plan.selections, entries)
        now = SchemaNow(entries, start.catalog.tables, start.plan.uncovered)
        changes = changes_since(former, now)
        return SinceBefore(find.shrinkage, find.warnings, changes, newest_of(former))

    def _encryption(self) -> Encryption | None:
        recipients = self.encoding.recipients
        return Encryption(recipients=recipients) if recipients else None
