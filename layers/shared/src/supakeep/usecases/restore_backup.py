"""Restore a backup into a live database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from supakeep.archive.decoder import Decoder
from supakeep.archive.reader import BackupReader
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.restore import RestoreReport, RestoreRequest
from supakeep.domain.restore_choice import choose_tables
from supakeep.domain.restore_plan import (
    TableRestore,
    check_confirmation,
    check_mode,
    check_undo,
    plan_restore,
)
from supakeep.ports import Deadline, Lease, Progress, TargetDatabase
from supakeep.system import NoLease
from supakeep.usecases.chosen_rows import ChosenRows
from supakeep.usecases.restore_steps import RestoreSteps


@dataclass(frozen=True)
class RestoreBackup:
    """`project` is the one that is written to; `destination` is how it must be confirmed where that
    is not by its ref. Tables that neither `policy` nor the request names are left out.
    """

    target: TargetDatabase
    project: str
    policy: BackupPolicy
    deadline: Deadline
    progress: Progress
    # backs these tables up before the first write
    safeguard: Callable[[Sequence[str]], Manifest] | None = None
    destination: str | None = None
    lease: Lease = NoLease()  # noqa: RUF009  (it has no state)

    def __call__(self, request: RestoreRequest, reader: BackupReader) -> RestoreReport:
        """Writes the rows of the chosen tables, parents before children, and counts afterwards.

        Checks everything that can be checked first: confirmation, identity, tables, columns, and the
        checksums of every volume that will be read. With an engine that is not atomic, a row that
        the database refuses (such as one of a deleted user) is left out and reported; the others
        are written. Raises for anything else; an atomic engine has written nothing then.
        """
        check_mode(request, self.target.engine)
        check_confirmation(request, reader.manifest, self.project, self.destination)
        choice = choose_tables(reader.manifest, request, self.policy)
        reader.decoder.require_identity()
        with self.target.transaction(dry_run=request.dry_run) as transaction:
            catalog = transaction.catalog()
            plan = plan_restore(choice.entries, request, catalog)
            self._check_volumes(request, reader, plan.tables)
            rows = ChosenRows(reader, request)
            steps = RestoreSteps(
                transaction,
                catalog,
                plan,
                rows,
                self.deadline,
                self.progress,
                left_out=choice.left_out,
                users=choice.users,
            )
            return self._restore(steps)

    def _check_volumes(
        self, request: RestoreRequest, reader: BackupReader, planned: Sequence[TableRestore]
    ) -> None:
        self.progress.phase("checking the backup")
        # all of them where all is restored: damage between the rows is damage too
        entries = [table.entry for table in planned]
        volumes = reader.volumes_of(entries) if request.tables else reader.manifest.volumes
        reader.check_volumes(volumes, self.deadline)

    def _restore(self, steps: RestoreSteps) -> RestoreReport:
        request = steps.rows.request
        steps.begin()
        undo = self._keep_undo(steps)
        self.progress.phase("comparing" if request.dry_run else "restoring")
        steps.write()
        steps.compare()
        steps.delete_extra()
        steps.check_foreign_keys()
        steps.count(check=self.target.engine.atomic and not request.dry_run)
        if self.target.engine.atomic:
            # the last moment to keep nothing: another run may have taken over meanwhile
            self.deadline.check()
            self.lease.confirm()
        return self._report(steps, undo)

    def _keep_undo(self, steps: RestoreSteps) -> Manifest | None:
        """A backup of the tables as they are now."""
        request = steps.rows.request
        if self.safeguard is None or not request.keep_undo or request.dry_run:
            return None
        self.progress.phase("keeping an undo copy")
        kept = self.safeguard([table.qualified_name for table in steps.tables])
        steps.warnings += check_undo(kept, steps.tables)
        steps.warnings += _locked_undo(kept, steps.rows.reader.decoder)
        return kept

    def _report(self, steps: RestoreSteps, undo: Manifest | None) -> RestoreReport:
        request, reader = steps.rows.request, steps.rows.reader
        chosen = any(table.rows_chosen for table in steps.restored)
        return RestoreReport(
            backup=reader.manifest.backup,
            project=self.project,
            mode=request.mode,
            into_schema=request.into_schema,
            undo_backup=undo.backup if undo else None,
            undo_recipients=undo.recipients if undo else (),
            dry_run=request.dry_run,
            read_from=reader.read_from,
            tables=tuple(steps.restored),
            left_out=tuple(steps.left_out),
            objections=tuple(map(Problem.from_error, steps.plan.objections)),
            found_nothing=request.where is not None and not chosen,
            passed_over=(*request.passed_over, *reader.passed_over),
            warnings=(*_unsigned(request, reader.manifest), *reader.notices, *steps.warnings),
        )


def _unsigned(request: RestoreRequest, manifest: Manifest) -> list[str]:
    if manifest.signature is not None or not request.allow_unsigned:
        return []
    return [f"{manifest.backup} is unsigned: nothing shows who wrote it, and it was allowed"]


def _locked_undo(kept: Manifest, decoder: Decoder) -> list[str]:
    """What an undo needs where the identity of this restore does not open what it kept."""
    if not kept.recipients or decoder.opens(kept.recipients):
        return []
    recipients = " or ".join(kept.recipients)
    return [f"The undo copy is encrypted: an undo needs the private key of {recipients}"]
