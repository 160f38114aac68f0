"""A backup as it is listed and reported: the manifest without its checksums and columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict

from supakeep.domain.backed_up_files import BackedUpFiles
from supakeep.domain.definitions_record import ObjectChange
from supakeep.domain.manifest import (
    BackupStatus,
    CopyState,
    Manifest,
    SchemaChange,
    Shrinkage,
    TableStatus,
    Trigger,
)
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.pin import Pin
from supakeep.domain.project_coverage import appeared_words
from supakeep.domain.project_object import ObjectKind
from supakeep.domain.proof import Proof

# what grows with the number of tables
_LONG_FIELDS = (
    "tables",
    "objects",
    "uncovered_tables",
    "changes",
    "definition_changes",
    "warnings",
)

_FEW_TABLES = 20


class TableSummary(BaseModel):
    """One table; `policy` in words, `error` where the table is incomplete."""

    model_config = ConfigDict(frozen=True)

    name: str
    status: TableStatus
    rows: int
    bytes: int
    policy: str
    error: Problem | None = None


class BackupSummary(BaseModel):
    """`locations` names the stores that hold the backup; `objects` are its keys there, which take
    `size_bytes`. `copies` is what became of each copy when the backup was made. `recipients` are the
    public keys that it is encrypted to. `pins` are those that hold, of the stores that have one.
    `files` are those of Storage, without the objects that list them; those are among `objects`.
    `proof` is what drills have shown, None where none of the newest ones is of this backup.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    project: str
    status: BackupStatus
    trigger: Trigger
    engine: str
    consistency: str
    started_at: dt.datetime
    finished_at: dt.datetime
    duration_seconds: int
    size_bytes: int
    read_back: bool | None = None
    compression: str | None = None
    recipients: tuple[str, ...] = ()
    rows: int
    tables: tuple[TableSummary, ...] = ()
    uncovered_tables: tuple[str, ...] = ()
    locations: tuple[str, ...]
    objects: tuple[str, ...] = ()
    copies: tuple[CopyState, ...] = ()
    files: BackedUpFiles | None = None
    shrinkage: tuple[Shrinkage, ...] = ()
    changes: tuple[SchemaChange, ...] = ()
    definition_changes: tuple[ObjectChange, ...] = ()
    warnings: tuple[str, ...] = ()
    run: str | None = None
    pins: tuple[Pin, ...] = ()
    proof: Proof | None = None

    @property
    def is_whole(self) -> bool:
        return self.status == BackupStatus.COMPLETE

    @property
    def is_good(self) -> bool:
        """Every table is whole and has not lost rows, whatever became of the copies."""
        whole = all(table.status is TableStatus.COMPLETE for table in self.tables)
        return whole and not self.shrinkage

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What keeps the backup from being complete, and what kept it out of a copy."""
        candidates = (
            *(table.error for table in self.tables),
            *self.shrinkage,
            *(copy.problem for copy in self.copies),
            *(self.files.problems if self.files else ()),
        )
        return tuple(problem for problem in candidates if problem is not None)

    def without_details(self) -> Self:
        none: dict[str, tuple[str, ...]] = dict.fromkeys(_LONG_FIELDS, ())
        return self.model_copy(update={**none, "shrinkage": self.shrinkage[:_FEW_TABLES]})

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        locations: Sequence[str],
        *,
        notices: Sequence[str] = (),
        pins: Sequence[Pin] = (),
        proof: Proof | None = None,
    ) -> Self:
        """`notices` are what was found out now; they stand before the manifest's own warnings."""
        tables = tuple(
            TableSummary(
                name=entry.name,
                status=entry.status,
                rows=entry.rows,
                bytes=entry.bytes,
                policy=str(entry.policy),
                error=entry.error,
            )
            for entry in manifest.tables
        )
        return cls(
            name=manifest.backup,
            project=manifest.project,
            status=manifest.status,
            trigger=manifest.trigger,
            engine=manifest.engine,
            consistency=manifest.consistency,
            started_at=manifest.started_at,
            finished_at=manifest.finished_at,
            duration_seconds=manifest.duration_seconds,
            size_bytes=manifest.size_bytes,
            read_back=manifest.read_back,
            compression=manifest.compression,
            recipients=manifest.recipients,
            rows=manifest.rows,
            tables=tables,
            uncovered_tables=manifest.uncovered_tables,
            locations=tuple(locations),
            objects=(*(volume.key for volume in manifest.objects), manifest.name.manifest_key),
            copies=manifest.copies,
            files=_without_lists(manifest.files),
            shrinkage=manifest.shrinkage,
            changes=manifest.changes,
            definition_changes=manifest.definition_changes,
            run=manifest.run,
            warnings=(
                *notices,
                *manifest.warnings,
                *map(str, manifest.erased),
                *_what_is_missing(manifest),
            ),
            pins=tuple(pins),
            proof=proof,
        )


def _without_lists(files: BackedUpFiles | None) -> BackedUpFiles | None:
    return files.model_copy(update={"tree": (), "keys": ()}) if files else None


def _what_is_missing(manifest: Manifest) -> tuple[str, ...]:
    """What the backup is complete without, and should have."""
    definitions = manifest.definitions.problem if manifest.definitions else None
    problems = filter(None, (manifest.users_problem, definitions))
    words = [f"{problem.message}. {problem.hint or ''}".strip() for problem in problems]
    return (*words, *_what_appeared(manifest))


def _what_appeared(manifest: Manifest) -> list[str]:
    """What is new and not in the backup; tables are among the changes already."""
    gaps = manifest.coverage.appeared if manifest.coverage else ()
    return appeared_words([gap for gap in gaps if gap.kind != ObjectKind.TABLE])
