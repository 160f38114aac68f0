"""The rungs of a drill that need a database: the rows come back, and they are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property

from supakeep.archive.layout import ROW_SEPARATOR, split_rows
from supakeep.archive.reader import BackupReader
from supakeep.archive.row_digest import RowDigest
from supakeep.domain.drill import NotProven
from supakeep.domain.manifest import Manifest, TableEntry, TableStatus
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.plan import Selection
from supakeep.domain.policy import BackupPolicy, TablePolicy
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.row_changes import RestoreMode, tokens_of
from supakeep.domain.schema import Catalog, Table
from supakeep.ports import Deadline, Progress, ScratchDatabase, Snapshot
from supakeep.usecases.drill_definitions import DrillDefinitions
from supakeep.usecases.plain_columns import plain_as_in
from supakeep.usecases.restore_backup import RestoreBackup
from supakeep.usecases.rung import Figures, RungFailedError
from supakeep.usecases.stored_rows import stored_rows

# rows that are looked at for a value of each column
_SAMPLED_ROWS = 1000


@dataclass
class DrillRestore:
    """Restores the complete tables of a backup into an empty database, and compares them.

    `not_proven` is what the tables there cannot show.
    """

    reader: BackupReader
    scratch: ScratchDatabase
    deadline: Deadline
    progress: Progress
    not_proven: list[NotProven] = field(default_factory=list)
    _own_names: dict[str, str] = field(default_factory=dict)
    _made: Catalog | None = None
    _lost: list[Problem] = field(default_factory=list)

    @cached_property
    def _described(self) -> Manifest:
        """The manifest as it describes the tables in which every row, and every value, is written."""
        manifest = self.reader.manifest
        complete = (t for t in manifest.tables if t.status is TableStatus.COMPLETE)
        located = (self._located(self._with_all_rows(entry)) for entry in complete)
        return manifest.model_copy(update={"tables": tuple(located)})

    def _with_all_rows(self, entry: TableEntry) -> TableEntry:
        """The rows of the table are all there are, since the other ones are not here."""
        whole = entry.model_copy(update={"policy": TablePolicy(mask=entry.policy.mask)})
        return plain_as_in(self._made_table(entry.table), whole)

    def _made_table(self, table: Table) -> Table | None:
        """As the definitions have made it, if they have."""
        return self._made.find(table.schema_name, table.name) if self._made else None

    def _located(self, entry: TableEntry) -> TableEntry:
        table = self.scratch.located(entry.table)
        if table == entry.table:
            return entry
        self._own_names[table.qualified_name] = entry.name
        place = {"name": table.qualified_name, "schema_name": table.schema_name, "references": ()}
        return entry.model_copy(update=place)

    def restore(self) -> Figures:
        """Creates the tables and restores their rows, with the code of every other restore.

        Raises what a restore raises.
        """
        self.progress.phase("creating tables")
        is_portion = len(self.reader.objects) < len(self.reader.manifest.objects)
        definitions = DrillDefinitions(self.reader, self.scratch, self.deadline)
        if definitions.before_rows(whole=not is_portion):
            with self.scratch.database.snapshot(lambda *_: True) as snapshot:
                self._made = snapshot.catalog()
        tables = [e.table for e in self._described.tables if not self._made_table(e.table)]
        self.not_proven += self.scratch.create_tables(tables, self._samples())
        self.not_proven += _incomplete(self.reader.manifest)
        self.not_proven += _withheld(self.reader.manifest)
        figures = self._restore_rows(is_portion=is_portion)
        self.progress.phase("making what rests on rows")
        if made := definitions.after_rows():
            figures |= {"definitions": made}
        self.not_proven += definitions.not_proven
        problems = [*self._lost, *definitions.refused]
        if problems:
            raise RungFailedError(problems, figures)
        return figures

    def _restore_rows(self, *, is_portion: bool) -> Figures:
        """Notes where a table has not the rows that the server says it has taken."""
        names = tuple(entry.name for entry in self._described.tables)
        restore = RestoreBackup(
            target=self.scratch.database,
            project=self._described.project,
            # nothing of anybody's is there to be overwritten
            policy=BackupPolicy.of_tables(names),
            deadline=self.deadline,
            progress=self.progress,
        )
        request = RestoreRequest(
            name=self._described.backup,
            confirm=self._described.project,
            # the tables are empty, and without a primary key rows can be written in no other mode
            mode=RestoreMode.REPLACE,
            keep_undo=False,
            # of a portion, only the volumes that hold its rows are read
            tables=names if is_portion else None,
        )
        report = restore(request, self.reader.described_as(self._described))
        found = {table.name: table.rows_in_database for table in report.tables}
        for entry in self._described.tables:
            count = found.get(entry.name)
            if count is not None and count != entry.rows:
                name = self._own_names.get(entry.name, entry.name)
                self._lost.append(_lost_rows(name, entry.rows, count))
        return {
            "tables": len(report.tables),
            "rows": sum(table.rows_in_database or 0 for table in report.tables),
            "bytes": sum(entry.bytes for entry in self._described.tables),
        }

    def compare(self) -> Figures:
        """Exports the tables again and compares every row. Raises RungFailedError where one differs."""
        self.progress.phase("comparing")
        problems, rows = list[Problem](), 0
        wanted = {(e.table.schema_name, e.table.name) for e in self._described.tables}
        # of a live database, no other table is locked
        with self.scratch.database.snapshot(lambda *name: name in wanted) as snapshot:
            catalog = snapshot.catalog()
            for entry in self._described.tables:
                table = catalog.find(entry.table.schema_name, entry.table.name) or entry.table
                if self._is_as_written(snapshot, table, entry):
                    rows += entry.rows
                    continue
                stored, exported = self._stored(entry), self._exported(snapshot, table)
                rows += exported.rows
                if stored != exported:
                    name = self._own_names.get(entry.name, entry.name)
                    problems.append(_difference(name, stored, exported))
        figures = {"tables": len(self._described.tables), "rows": rows}
        if problems:
            raise RungFailedError(problems, figures)
        return figures

    def _is_as_written(self, snapshot: Snapshot, table: Table, entry: TableEntry) -> bool:
        """Whether the exported rows are the stored ones byte by byte, as the manifest's checksum shows,
        which was compared with the stored ones before. If they are not, they may stand in another order.
        """
        if len(entry.parts) != 1 or entry.parts[0].sha256 is None or entry.policy.masked:
            return False
        digest, rows = hashlib.sha256(), 0
        for portion in snapshot.export(Selection(table, TablePolicy())):
            self.deadline.check()
            if portion.count:
                digest.update(ROW_SEPARATOR + portion.lines if rows else portion.lines)
            rows += portion.count
            self.progress.table(table.qualified_name, rows, "running")
        self.progress.table(table.qualified_name, rows, "complete")
        return rows == entry.rows and digest.hexdigest() == entry.parts[0].sha256

    def _stored(self, entry: TableEntry) -> RowDigest:
        digest = RowDigest()
        for rows in self._rows(entry):
            self.deadline.check()
            digest.add(rows)
        return digest

    def _exported(self, snapshot: Snapshot, table: Table) -> RowDigest:
        digest = RowDigest()
        for portion in snapshot.export(Selection(table, TablePolicy())):
            self.deadline.check()
            for rows in split_rows([portion.lines]):
                digest.add(rows)
            self.progress.table(table.qualified_name, digest.rows, "running")
        self.progress.table(table.qualified_name, digest.rows, "complete")
        return digest

    def _rows(self, entry: TableEntry) -> Generator[list[bytes]]:
        yield from stored_rows(self.reader, entry)

    def _samples(self) -> Mapping[str, Mapping[str, bytes]]:
        """By table and column a value that is not null, as far as the first rows have one."""
        return {entry.table.qualified_name: self._sample(entry) for entry in self._described.tables}

    def _sample(self, entry: TableEntry) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        looked_at = 0
        with closing(self._rows(entry)) as rows:
            for batch in rows:
                for row in batch[: _SAMPLED_ROWS - looked_at]:
                    values = tokens_of(row).items()
                    found = {k: v.encode() for k, v in values if k and v != "null"} | found
                looked_at += len(batch)
                if looked_at >= _SAMPLED_ROWS or len(found) == len(entry.columns):
                    break
        return found


def _incomplete(manifest: Manifest) -> Iterator[NotProven]:
    for entry in manifest.tables:
        if entry.status is not TableStatus.COMPLETE:
            yield NotProven(what=entry.name, why=f"it is incomplete in {manifest.backup}")


def _withheld(manifest: Manifest) -> Iterator[NotProven]:
    for entry in manifest.tables:
        for column in entry.policy.withheld:
            why = "the backup has no value of it: the policy masks or leaves out the column"
            yield NotProven(what=f"{entry.name}.{column}", why=why)


_BUG = "Report this as a bug: no restore should change a value."


def _lost_rows(name: str, stored: int, found: int) -> Problem:
    what = f"{name} is not what was backed up: {found:,} rows came back of {stored:,}"
    return Problem(message=what, hint=_BUG)


def _difference(name: str, stored: RowDigest, exported: RowDigest) -> Problem:
    if stored.rows != exported.rows:
        return _lost_rows(name, stored.rows, exported.rows)
    what = f"{name} is not what was backed up: some of its rows came back with other values"
    return Problem(message=what, hint=_BUG)
