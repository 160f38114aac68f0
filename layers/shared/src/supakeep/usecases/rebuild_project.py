"""Rebuild a whole project from a backup: definitions, users, rows, and then what rests on the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from supakeep.archive.reader import BackupReader
from supakeep.domain.definitions_script import Definition, DefinitionsScript
from supakeep.domain.file_choice import EVERY_FILE, FileChoice
from supakeep.domain.manifest import Manifest, TableEntry, TableStatus
from supakeep.domain.policy import BackupPolicy, TablePolicy
from supakeep.domain.rebuild import (
    NotRebuilt,
    Outcome,
    RebuildReport,
    RebuildRequest,
    Tally,
    by_hand,
    check_empty,
    no_definitions,
)
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.restored_files import RestoredFiles
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Catalog, Table
from supakeep.domain.users import holds_users
from supakeep.errors import IntegrityError, StorageError
from supakeep.ports import Deadline, Progress, ProjectFiles
from supakeep.ports.rebuilding import NewProject, Rebuilding
from supakeep.usecases.plain_columns import plain_as_in
from supakeep.usecases.read_definitions import read_definitions
from supakeep.usecases.restore_backup import RestoreBackup
from supakeep.usecases.restore_files import RestoreFiles

_AGAIN = "and rebuild again with --merge."


@dataclass
class RebuildProject:
    """Rebuilds the backup of `reader` in a new project, whose `files` are not known if it is only a
    database. What cannot be made is reported, and the rest
    goes on: nobody should have to fix a comment before the rows are back.
    """

    project: NewProject
    reader: BackupReader
    deadline: Deadline
    progress: Progress
    tally: Tally = field(default_factory=Tally)
    files: ProjectFiles | None = None

    def __call__(self, request: RebuildRequest) -> RebuildReport:
        """Goes on where an earlier run of the same backup stopped.

        Raises UnsafeOperationError for a project that is not empty, InvalidRequestError for a backup
        without definitions, and what a restore raises.
        """
        manifest = self.reader.manifest
        self.reader.decoder.require_identity()
        with self.project.open() as rebuilding:
            if rebuilding.begun() is None:
                tables = rebuilding.user_tables()
                check_empty(tables, request, self.project.place, backup=manifest.backup)
            self.progress.phase("checking the backup")
            script = self._script(request)
            self.reader.check_volumes(manifest.volumes, self.deadline)
            resumed = rebuilding.begin(manifest.backup, script.settings)
            self.tally.not_rebuilt += rebuilding.remembered()
            self._steps(rebuilding, script, request)
            files = self._restore_files(request)
            rebuilding.finish()
        return self._report(files, resumed=resumed)

    def _script(self, request: RebuildRequest) -> DefinitionsScript:
        script = read_definitions(self.reader, self.deadline)
        if script is not None:
            return script
        if request.merge and not request.schema_only:
            return DefinitionsScript()
        definitions = self.reader.manifest.definitions
        problem = definitions.problem if definitions else None
        raise no_definitions(self.reader.manifest.backup, problem.message if problem else None)

    def _steps(
        self, rebuilding: Rebuilding, script: DefinitionsScript, request: RebuildRequest
    ) -> None:
        """Counted, so that the next run knows which of them were taken."""
        # rows that are there already need the keys by which they are matched
        ahead = script.definitions if request.merge else script.before_rows
        behind = () if request.merge else script.after_rows
        self.tally.warnings += rebuilding.stand_in([*self._users()])
        self._make(rebuilding, ahead, 0)
        if not request.schema_only:
            self._write(rebuilding, len(ahead), request)
        self._make(rebuilding, behind, len(ahead) + 2)
        self.progress.phase("refreshing materialized views")
        self.tally.not_rebuilt += rebuilding.refresh()

    def _make(
        self, rebuilding: Rebuilding, definitions: Sequence[Definition], first_step: int
    ) -> None:
        self.progress.phase("making definitions")
        for step, definition in enumerate(definitions, first_step):
            if rebuilding.is_done(step):
                continue
            self.deadline.check()
            outcome, problems = rebuilding.make(definition, step)
            self.tally.not_rebuilt += problems
            if outcome is Outcome.MADE:
                self.tally.made[definition.kind.lower()] += 1
            elif outcome is Outcome.THERE:
                self.tally.there.append(str(definition))

    def _write(self, rebuilding: Rebuilding, step: int, request: RebuildRequest) -> None:
        """Users first: rows refer to them. Both are merged where there may be some already."""
        fresh = RestoreMode.MERGE if request.merge else RestoreMode.REPLACE
        for number, (of_users, mode) in enumerate(
            [(True, RestoreMode.MERGE), (False, fresh)], step
        ):
            if rebuilding.is_done(number):
                continue
            self.progress.phase("restoring users" if of_users else "restoring rows")
            fitting = [*self._fitting(rebuilding.catalog(), mode, of_users=of_users)]
            if fitting:
                self._restore(fitting, mode, of_users=of_users)
            rebuilding.done(number)

    def _restore_files(self, request: RebuildRequest) -> RestoredFiles | None:
        """Before the rebuild is done, so that the next run goes on with them where this one is cut off."""
        if self.files is None or request.schema_only or not _has_files(self.reader.manifest):
            return None
        self.progress.phase("restoring files")
        restore = RestoreFiles(self.files, self.reader, self.deadline, overwrites=request.merge)
        hint = f"supakeep restore {self.reader.manifest.backup} --files … writes it, once that is fixed."
        try:
            restored = restore(FileChoice((EVERY_FILE,)), dry_run=False)
        except (StorageError, IntegrityError) as exc:
            lost = NotRebuilt(what="files of Storage", why=exc.message, hint=exc.hint or hint)
            self.tally.not_rebuilt.append(lost)
            return None
        for refused in restored.refused_files:
            lost = NotRebuilt(what=f"file {refused.path}", why=refused.reason, hint=hint)
            self.tally.not_rebuilt.append(lost)
        return restored

    def _restore(self, entries: Sequence[TableEntry], mode: RestoreMode, *, of_users: bool) -> None:
        """With the code of every other restore, in one transaction. Supabase's own tables may have lost
        a column since: its values are left out, and that is a warning.
        """
        described = self.reader.manifest.model_copy(update={"tables": tuple(entries)})
        restore = RestoreBackup(
            target=self.project.database,
            project=described.project,
            policy=BackupPolicy.of_tables(entry.name for entry in entries),
            deadline=self.deadline,
            progress=self.progress,
        )
        request = RestoreRequest(
            name=described.backup,
            confirm=described.project,
            mode=mode,
            keep_undo=False,
            ignore_dropped_columns=of_users,
        )
        report = restore(request, self.reader.described_as(described))
        self.tally.tables += report.tables
        self.tally.warnings += report.warnings

    def _fitting(
        self, catalog: Catalog, mode: RestoreMode, *, of_users: bool
    ) -> Iterator[TableEntry]:
        """The tables that take their rows; the others are reported."""
        for entry in self.reader.manifest.tables:
            if holds_users(entry.table) is not of_users:
                continue
            live = catalog.find(entry.table.schema_name, entry.table.name)
            if (objection := _objection(entry, live, mode)) is not None:
                why, hint = objection
                missing = NotRebuilt(what=f"rows of {entry.name}", why=why, hint=hint)
                self.tally.not_rebuilt.append(missing)
                continue
            # nothing is there that was not backed up, or nothing of it is deleted
            yield plain_as_in(live, entry.model_copy(update={"policy": TablePolicy()}))

    def _users(self) -> Iterator[Table]:
        for entry in self.reader.manifest.tables:
            if holds_users(entry.table):
                yield entry.table

    def _report(self, files: RestoredFiles | None, *, resumed: bool) -> RebuildReport:
        manifest, tally = self.reader.manifest, self.tally
        return RebuildReport(
            backup=manifest.backup,
            into=self.project.place,
            resumed=resumed,
            definitions=dict(sorted(tally.made.items())),
            already_there=tuple(tally.there),
            tables=tuple(tally.tables),
            files=files,
            not_rebuilt=tuple(tally.not_rebuilt),
            by_hand=by_hand(
                manifest.backup,
                has_files=_has_files(manifest),
                restored_files=files is not None,
            ),
            warnings=(*self.reader.notices, *_missing(manifest), *tally.warnings),
        )


def _objection(
    entry: TableEntry, live: Table | None, mode: RestoreMode
) -> tuple[str, str | None] | None:
    """Why the table does not take its rows, and how to fix it."""
    if entry.status is not TableStatus.COMPLETE:
        return "the table is incomplete in the backup", "Rebuild from another backup."
    if live is None:
        return "the new project does not have the table", f"Make the table, {_AGAIN}"
    if not (live.readable and live.writable):
        return "the role may not write the table", f"Use the role postgres, {_AGAIN}"
    dropped = set(entry.table.writable_columns) - set(live.column_names)
    if dropped and not holds_users(entry.table):
        return f"the table there has no column {min(dropped)}", f"Add the column, {_AGAIN}"
    if mode is RestoreMode.MERGE and not live.primary_key:
        why = "the table has no primary key, so its rows cannot be merged"
        return why, "Empty the table, and restore it: supakeep restore --table … --mode replace."
    return None


def _has_files(manifest: Manifest) -> bool:
    return manifest.files is not None and bool(manifest.files.tree)


def _missing(manifest: Manifest) -> Iterator[str]:
    if manifest.users_problem is not None:
        yield manifest.users_problem.message
