"""Run a verification: read every copy of a backup, and record which ones are good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from supakeep.archive.encryption import Identities
from supakeep.archive.reader import BackupReader
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import TableStatus
from supakeep.domain.run import Run, problem_of
from supakeep.domain.verification import VerificationReport, VerifiedContents, VerifiedCopy
from supakeep.errors import BackupNotFoundError, IntegrityError, StorageError
from supakeep.ports import Deadline, ObjectStore
from supakeep.system import NoDeadline
from supakeep.usecases.choose_stores import stores_named
from supakeep.usecases.project import Project
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.stored_manifests import agreed_version, manifests_of, read_manifest
from supakeep.usecases.track_runs import TrackRuns
from supakeep.usecases.verify_backup import VerifyBackup
from supakeep.usecases.verify_files import VerifyFiles

_Fault = IntegrityError | StorageError | BackupNotFoundError


@dataclass(frozen=True)
class RunVerify:
    """Carries out verification runs over the project's stores."""

    project: Project
    deadline: Deadline = NoDeadline()  # noqa: RUF009  (it has no state)

    def __call__(self, run: Run, name: str, read_from: str | None = None) -> Run:
        """Verifies each copy of the backup `name`, or the one in the store `read_from`.

        Returns the run's record. Where no copy is good, or they hold different backups of this name, the
        error is recorded and raised.
        """

        def work(progress: RunProgress) -> VerificationReport:
            backup = BackupName.parse(name)
            progress.name_backup(backup.text)
            stores = stores_named(self.project, read_from)
            agreed_version(manifests_of(stores, backup))
            open_with = self.project.identities
            verified = [_verify_copy(store, backup, progress, open_with) for store in stores]
            faults = [fault for _, fault in verified if fault is not None]
            if len(faults) == len(verified):
                raise faults[0]
            copies = tuple(copy for copy, _ in verified)
            first_good = next(copy for copy in copies if copy.good)
            contents = {
                field: getattr(first_good, field) for field in VerifiedContents.model_fields
            }
            return VerificationReport(backup=backup.text, copies=copies, **contents)

        return TrackRuns.of(self.project).execute(run, work, self.deadline)


def _verify_copy(
    store: ObjectStore,
    name: BackupName,
    progress: RunProgress,
    identities: Callable[[], Identities],
) -> tuple[VerifiedCopy, _Fault | None]:
    """What is wrong with a copy is its report, so that the others are read, too."""
    progress.phase(f"reading {store.name}")
    try:
        manifest = read_manifest(store, name)
        complete = [t for t in manifest.tables if t.status is TableStatus.COMPLETE]
        progress.expect({entry.name: entry.rows for entry in complete})
        reader = BackupReader(manifest, [store])
        reader.decoder.unlock(identities)
        report = VerifyBackup(progress, progress, files=VerifyFiles(progress))(reader)
    except (IntegrityError, StorageError, BackupNotFoundError) as fault:
        return VerifiedCopy(store=store.name, good=False, problem=problem_of(fault)), fault
    [copy] = report.copies
    return copy, None
