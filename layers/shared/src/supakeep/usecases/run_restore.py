"""Run a restore: find the backup, keep what is overwritten, and record how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from supakeep.archive.encryption import Identities
from supakeep.archive.reader import BackupReader
from supakeep.archive.verified_store import accepting_unsigned
from supakeep.domain.file_choice import FileChoice
from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.restore import RestoreReport, RestoreRequest
from supakeep.domain.restore_plan import check_confirmation, check_unsigned
from supakeep.domain.run import Run
from supakeep.errors import ConfigurationError
from supakeep.ports import Deadline, ObjectStore, Progress
from supakeep.system import NoDeadline
from supakeep.usecases.choose_stores import every_store, stores_named
from supakeep.usecases.expected_rows import rows_to_restore
from supakeep.usecases.find_backups import find_backup
from supakeep.usecases.project import Project
from supakeep.usecases.restore_backup import RestoreBackup
from supakeep.usecases.restore_files import RestoreFiles
from supakeep.usecases.run_backup import BackupMaking, name_backup
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns


@dataclass(frozen=True)
class RunRestore:
    """Carries out restore runs; `watcher` sees their progress."""

    project: Project
    deadline: Deadline = NoDeadline()  # noqa: RUF009  (it has no state)
    watcher: Progress | None = None

    def __call__(
        self,
        run: Run,
        request: RestoreRequest,
        *,
        stores: Sequence[ObjectStore] | None = None,
        beside: Sequence[ObjectStore] | None = None,
        identities: Callable[[], Identities] | None = None,
    ) -> Run:
        """Restores from the first of `stores` that holds the backup in order; without `stores`, from
        the copies that the request names. The report says where one of `beside`, or else of the
        project's other stores, holds a different backup of this name. An encrypted one is opened with
        `identities`, or those of the project.

        Returns the run's record; whatever ended the run early is recorded and raised.
        """

        def work(progress: RunProgress) -> RestoreReport:
            check_unsigned(request)
            copies = stores or stores_named(self.project, request.read_from)
            if request.allow_unsigned:
                copies = accepting_unsigned(copies)
            reader = find_backup(
                copies,
                request.name,
                self.project.ref,
                now=self.project.clock.now(),
                beside=self._others(copies) if beside is None else beside,
            )
            reader.decoder.unlock(identities or self.project.identities)
            progress.name_backup(reader.manifest.backup)
            if request.files is not None:
                return self._restore_files(request, reader, progress)
            progress.expect(rows_to_restore(reader.manifest, request, self.project.policy))
            restore = RestoreBackup(
                target=self.project.database,
                project=self.project.ref,
                policy=self.project.policy,
                destination=self.project.destination,
                deadline=progress,
                progress=progress,
                lease=progress,
                safeguard=self._safeguard(progress, reader),
            )
            try:
                return restore(request, reader)
            except KeyboardInterrupt as interrupt:
                if not request.dry_run and not self.project.database.engine.atomic:
                    _name_tables(interrupt, progress.run)
                raise

        return TrackRuns.of(self.project, self.watcher).execute(run, work, self.deadline)

    def _restore_files(
        self, request: RestoreRequest, reader: BackupReader, progress: RunProgress
    ) -> RestoreReport:
        check_confirmation(request, reader.manifest, self.project.ref)
        if self.project.files is None:
            raise _no_storage()
        progress.phase("restoring files")
        restore = RestoreFiles(self.project.files, reader, progress)
        files = restore(FileChoice(request.files or ()), dry_run=request.dry_run)
        return RestoreReport(
            backup=reader.manifest.backup,
            project=self.project.ref,
            dry_run=request.dry_run,
            read_from=reader.read_from,
            files=files,
            passed_over=reader.passed_over,
            warnings=reader.notices,
        )

    def _others(self, copies: Sequence[ObjectStore]) -> list[ObjectStore]:
        names = {store.name for store in copies}
        return [store for store in every_store(self.project) if store.name not in names]

    def _safeguard(
        self, progress: RunProgress, reader: BackupReader
    ) -> Callable[[Sequence[str]], Manifest] | None:
        """Backs tables up before the restore writes them, where the engine can undo. Without Storage,
        that backup goes where the restored one is. Where the restored one is encrypted, so is it.
        """
        if not self.project.database.engine.can_undo:
            return None
        folder = None if self.project.has_storage else reader.stores[0]
        policy = self.project.policy.encrypted_at_least_to(reader.manifest.recipients)

        def keep(tables: Sequence[str]) -> Manifest:
            making = BackupMaking(self.project, progress, folder)
            name = name_backup(self.project, folder, scheduled=False)
            return making.create(name, Trigger.PRE_RESTORE, policy.for_tables(tables))

        return keep


def _no_storage() -> ConfigurationError:
    return ConfigurationError(
        "Files are restored through the project's URL, which is not set",
        operation="restore",
        key="NEXT_PUBLIC_SUPABASE_URL",
        hint="Set it and SUPABASE_SERVICE_ROLE_KEY.",
    )


def _name_tables(interrupt: KeyboardInterrupt, run: Run) -> None:
    """Notes which tables the interrupted restore may have written to."""
    if run.tables:
        interrupt.add_note(
            f"Rows may have been written to {', '.join(run.tables)}. "
            "Restoring again writes what is missing."
        )
