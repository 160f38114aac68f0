"""Export the tables of a plan into a document, one after the other."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from supakeep.archive import layout as document
from supakeep.archive.part_meter import PartMeter
from supakeep.archive.writer import VolumeWriter
from supakeep.domain.engine import Engine
from supakeep.domain.manifest import TableEntry, TableStatus, table_entry_columns
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.plan import BackupPlan, RefusedTable, Selection
from supakeep.domain.run import problem_of
from supakeep.errors import DatabaseError, ExportError
from supakeep.ports import Deadline, Progress, Snapshot
from supakeep.usecases.completeness import require_complete
from supakeep.usecases.mask_rows import row_mask

log = logging.getLogger(__name__)


@dataclass
class ExportTables:
    """Writes the tables that a plan selects. `warnings` says what of them differs from what was counted.

    With `is_secret`, the document is encrypted and the manifest is not: an entry quotes no error of the database,
    and has no checksum of its rows. `mask_key` is what columns are hashed with.
    """

    snapshot: Snapshot
    engine: Engine
    volumes: VolumeWriter
    deadline: Deadline
    progress: Progress
    is_secret: bool
    mask_key: bytes | None = None
    warnings: list[str] = field(default_factory=list)

    def __call__(self, plan: BackupPlan) -> list[TableEntry]:
        """The entries of the manifest: of every table that was selected or refused. A table that cannot be exported
        is one of them.

        Raises ExportError where no table could be exported, and DatabaseError where the connection is lost.
        """
        entries: list[TableEntry] = []
        for selection in plan.selections:
            if entries:
                self.volumes.write(document.ROW_SEPARATOR)
            entries.append(self._export(selection))
        entries += [_refused_entry(refused) for refused in plan.refused]
        _require_some_table(entries)
        return entries

    def _export(self, selection: Selection) -> TableEntry:
        name = selection.table.qualified_name
        self.volumes.write(document.table_head(selection))
        meter = PartMeter(self.volumes, hashed=not self.is_secret)
        error = self._write_rows(selection, meter)
        meter.close()
        self.volumes.write(document.table_foot(error=error.message if error else None))
        status = TableStatus.FAILED if error else TableStatus.COMPLETE
        self.progress.table(name, meter.rows, status)
        return TableEntry(
            name=name,
            status=status,
            rows=meter.rows,
            bytes=meter.bytes,
            policy=selection.policy,
            parts=() if error else meter.parts(),
            error=self._problem(name, error) if error else None,
            **table_entry_columns(selection.recorded),
        )

    def _write_rows(self, selection: Selection, meter: PartMeter) -> DatabaseError | None:
        """Why the table is incomplete; None where it is whole."""
        name = selection.table.qualified_name
        try:
            mask = row_mask(name, selection.policy, self.mask_key)
            self.progress.table(name, 0, "running")
            for rows in self.snapshot.export(selection):
                self.deadline.check()
                meter.write(mask(rows))
                self.progress.table(name, meter.rows, "running")
            self.warnings += require_complete(self.snapshot, selection, meter.rows)
        except DatabaseError as exc:
            if exc.retryable and not self.engine.survives_lost_connection:
                raise  # the connection is lost, and the moment that all tables shared with it
            log.exception("Table %s could not be exported", name)
            return exc
        return None

    def _problem(self, table: str, error: DatabaseError) -> Problem:
        """For the manifest, which nobody encrypts: the database's own words may quote a value."""
        if not self.is_secret:
            return problem_of(error)
        kind = type(error).__name__
        return Problem(
            message=f"{table} could not be exported ({kind})",
            hint="The log of the run says why, and so does the document itself.",
        )


def _require_some_table(entries: Sequence[TableEntry]) -> None:
    if any(entry.status is TableStatus.COMPLETE for entry in entries):
        return
    first = next((entry.error for entry in entries if entry.error), None)
    raise ExportError(
        f"No table could be exported; the first failure: {first.message}"
        if first
        else "The policy selects no table of this database",
        operation="export",
        hint=first.hint
        if first
        else "Look at supakeep.toml: its names and patterns match nothing.",
    )


def _refused_entry(refused: RefusedTable) -> TableEntry:
    return TableEntry(
        name=refused.name,
        status=TableStatus.FAILED,
        rows=0,
        bytes=0,
        policy=refused.policy,
        error=Problem.from_error(refused.error),
    )
