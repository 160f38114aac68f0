"""The manifest: what a backup holds, and the checksums that prove it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import AwareDatetime, Field, NonNegativeInt, field_validator, model_validator

from supakeep.domain.backed_up_files import BackedUpFiles
from supakeep.domain.backup_name import BackupName
from supakeep.domain.copies import MIRROR, PRIMARY
from supakeep.domain.definitions_record import DefinitionsRecord, ObjectChange
from supakeep.domain.manifest_parts import ErasedRows, ManifestPart, Problem, VolumeEntry
from supakeep.domain.policy import TablePolicy
from supakeep.domain.project_coverage import ProjectCoverage
from supakeep.domain.schema import Column, Table, columns_fingerprint, quoted_identifier, unquoted

FORMAT_NAME = "supakeep"
FORMAT_MAJOR = 1
FORMAT_MINOR = 1
FORMAT = f"{FORMAT_NAME}/{FORMAT_MAJOR}.{FORMAT_MINOR}"


class Trigger(StrEnum):
    """What started a backup; the value is part of the format, so none is ever renamed."""

    SCHEDULE = "schedule"
    API = "api"
    CLI = "cli"
    PRE_RESTORE = "pre-restore"
    DRILL = "drill"


class BackupStatus(StrEnum):
    """`partial`: a table, rows of one or a copy is missing; the manifest says which."""

    COMPLETE = "complete"
    PARTIAL = "partial"


class TableStatus(StrEnum):
    """`failed`: the export broke off, and restore does not offer what there is of the table."""

    COMPLETE = "complete"
    FAILED = "failed"


class Shrinkage(Problem):
    """A table that lost more rows since the backup `before` than it may, or all of them. Its rows
    here are whole. `table` is None where the backups before could not be read, so that nobody knows.
    """

    table: str | None = None
    rows: NonNegativeInt | None = None
    rows_before: NonNegativeInt | None = None
    before: str | None = None


class ChangeKind(StrEnum):
    """What can change about a table from one backup to the next."""

    TABLE_NEW = "table new"
    TABLE_NOT_COVERED = "table not covered"
    TABLE_LEFT_OUT = "table left out"
    TABLE_GONE = "table gone"
    COLUMN_NEW = "column new"
    COLUMN_RETYPED = "column retyped"
    COLUMN_GONE = "column gone"
    KEY_CHANGED = "key changed"


class SchemaChange(ManifestPart):
    """How a table differs from the one in the backup `before`; `message` is a sentence. `column` is
    None where it is not about one.
    """

    kind: ChangeKind
    table: str
    column: str | None = None
    message: str
    before: str

    @property
    def is_addition(self) -> bool:
        """Whether nothing that was backed up is lost, and nothing new is left out."""
        return self.kind in (ChangeKind.TABLE_NEW, ChangeKind.COLUMN_NEW)


class Part(ManifestPart):
    """Consecutive row lines of one table: the document's bytes from the first row's `{` to the
    last row's `}`, `offset` bytes (before compression) into volume number `volume` (from 1).

    An encrypted backup has no `sha256` here: whoever guesses a row could prove it. age itself
    refuses bytes that it did not write.
    """

    rows: NonNegativeInt
    bytes: NonNegativeInt
    sha256: str | None
    volume: int
    offset: NonNegativeInt


class TableEntry(ManifestPart):
    """One table of the backup. A failed table keeps the rows that were exported before the failure,
    for a person to read; restore does not offer them.

    `name` is `schema.table`, or `"schema"."table"` where two tables would share that name. Earlier
    manifests do not have `schema_name`: it ends at the first dot.
    """

    name: str
    schema_name: str | None = None
    status: TableStatus
    rows: NonNegativeInt
    bytes: NonNegativeInt
    policy: TablePolicy
    columns: tuple[Column, ...] = ()
    columns_fingerprint: str = ""
    primary_key: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    error: Problem | None = None

    @field_validator("policy", mode="before")
    @classmethod
    def _known_policy(cls, policy: object) -> object:
        """The file's policy is strict about its keys; a recorded one may be of a later version."""
        if not isinstance(policy, dict):
            return policy
        return {key: policy[key] for key in policy if key in TablePolicy.model_fields}

    @property
    def table(self) -> Table:
        schema = self.name.partition(".")[0] if self.schema_name is None else self.schema_name
        quoted = self.name.removeprefix(f"{quoted_identifier(schema)}.")
        shares_name = quoted != self.name
        return Table(
            schema_name=schema,
            name=unquoted(quoted) if shares_name else self.name.removeprefix(f"{schema}."),
            shares_name=shares_name,
            columns=self.columns,
            primary_key=self.primary_key,
            references=self.references,
        )


class Definitions(ManifestPart):
    """What `pg_dump` made of the same snapshot: one object, stored as the volumes are. Where there is
    none, `problem` says why, and `record` is the one of the backup before. It is None in older manifests.
    """

    stored: VolumeEntry | None = None
    problem: Problem | None = None
    record: DefinitionsRecord | None = None


class Encryption(ManifestPart):
    """The public keys to which each volume is encrypted by itself, with age."""

    recipients: tuple[str, ...]


class CopyState(ManifestPart):
    """What became of one copy beside the primary while the backup was written; `problem` is None where
    the copy is whole.
    """

    name: str
    problem: Problem | None = None


class Signature(ManifestPart):
    """Proof that whoever holds the key named by `key_id` has written the manifest (docs/format.md)."""

    algorithm: str
    key_id: str
    value: str


class Manifest(ManifestPart):
    """What `list`, retention and restore read; written last, so that its presence is the commit.

    `left_out` are relations that no backup holds, with the reason; `run` is the run that made it, or
    for a pre-restore backup the one that it can undo. `checksum` is the SHA-256 of all other fields
    (archive/manifest.py): an edited manifest is refused. Each store has a manifest of its own, and
    `copies` is what was known when that one was written: the primary's, the last, knows them all.
    `users_problem` says why users are missing that the policy takes.
    `definitions` is None in older manifests, in pre-restore backups, and with `rest`; `files` in those two, and
    where the policy takes none. `coverage` is None in older manifests and in pre-restore backups.
    `compression` is `gzip`, `zstd` or None. `read_back` is whether every volume was read again, whole, from
    each store that has the backup; None in older manifests. `erased` are rows that it held once.
    `signature` is None in one that was not read from a store.
    """

    format: str = FORMAT
    backup: str
    project: str
    trigger: Trigger
    engine: str
    consistency: Literal["snapshot", "per-table"]
    server_version: str
    wal_position: str | None = None
    tool_version: str
    started_at: AwareDatetime
    finished_at: AwareDatetime
    status: BackupStatus
    tables: tuple[TableEntry, ...]
    volumes: tuple[VolumeEntry, ...]
    definitions: Definitions | None = None
    files: BackedUpFiles | None = None
    users_problem: Problem | None = None
    read_back: bool | None = None
    compression: str | None = None
    encryption: Encryption | None = None
    uncovered_tables: tuple[str, ...] = ()
    left_out: dict[str, str] = Field(default_factory=dict)
    run: str | None = None
    copies: tuple[CopyState, ...] = ()
    shrinkage: tuple[Shrinkage, ...] = ()
    changes: tuple[SchemaChange, ...] = ()
    definition_changes: tuple[ObjectChange, ...] = ()
    coverage: ProjectCoverage | None = None
    warnings: tuple[str, ...] = ()
    erased: tuple[ErasedRows, ...] = ()
    signature: Signature | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_copies(cls, fields: object) -> object:
        """Earlier manifests tell what became of their one copy, the mirror, in `mirror_error`."""
        if not isinstance(fields, dict) or not (problem := fields.get("mirror_error")):
            return fields
        return {"copies": [{"name": "mirror", "problem": problem}], **fields}

    @property
    def name(self) -> BackupName:
        return BackupName.parse(self.backup)

    @property
    def objects(self) -> tuple[VolumeEntry, ...]:
        """Everything that is stored beside the manifest itself."""
        definitions = self.definitions.stored if self.definitions else None
        files = self.files.objects if self.files else ()
        return (*self.volumes, *([definitions] if definitions else []), *files)

    @property
    def size_bytes(self) -> int:
        """Bytes in the store."""
        return sum(stored.bytes for stored in self.objects)

    @property
    def document_bytes(self) -> int:
        """Bytes of the document, before compression and encryption."""
        return sum(volume.size_in_document for volume in self.volumes)

    @property
    def recipients(self) -> tuple[str, ...]:
        """The public keys that the backup is encrypted to; none where it is not encrypted."""
        return () if self.encryption is None else self.encryption.recipients

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def copy_problems(self) -> dict[str, Problem]:
        """What kept the backup out of a copy, by the copy's name."""
        return {copy.name: copy.problem for copy in self.copies if copy.problem is not None}

    def other_copies(self, *asked: str) -> list[str] | None:
        """The stores that have a whole copy since the backup was made, and were not `asked`; None where
        one that was asked is none of the project's, such as a folder.
        """
        copies = [copy.name for copy in self.copies]
        if not {PRIMARY, MIRROR, *copies}.issuperset(asked):
            return None
        whole = [PRIMARY, *(name for name in copies if name not in self.copy_problems)]
        return [name for name in whole if name not in asked]

    @property
    def is_good(self) -> bool:
        """Every table that the policy names is whole and has not lost rows, whatever became of the
        copies: this one restores. A pre-restore backup holds only what one restore touched.
        """
        is_policys = self.trigger is not Trigger.PRE_RESTORE
        is_whole = all(table.status is TableStatus.COMPLETE for table in self.tables)
        return is_policys and is_whole and not self.shrinkage

    @property
    def duration_seconds(self) -> int:
        return round((self.finished_at - self.started_at).total_seconds())

    def entry(self, table: str) -> TableEntry | None:
        return next((entry for entry in self.tables if entry.name == table), None)


def table_entry_columns(table: Table) -> dict[str, Any]:
    """The fields of a TableEntry that come from the catalog."""
    return {
        "schema_name": table.schema_name,
        "columns": table.columns,
        "columns_fingerprint": columns_fingerprint(table.columns),
        "primary_key": table.primary_key,
        "references": table.references,
    }
