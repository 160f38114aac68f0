"""Whether and where a backup takes the files of Storage."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from supakeep.archive.encoding import Encoding
from supakeep.archive.upload import BackupUpload
from supakeep.domain.backed_up_files import BackedUpFiles
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest_parts import Problem
from supakeep.ports import ObjectStore, TimeLimit
from supakeep.usecases.files_time import FilesTime
from supakeep.usecases.leased_store import LeasedObjectStore
from supakeep.usecases.project import Project
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.store_files import StoreFiles

FilesOfBackup = Callable[[BackupName, BackupUpload], BackedUpFiles]


def plan_files(
    project: Project, progress: RunProgress, time: TimeLimit, folder: ObjectStore | None
) -> FilesOfBackup | None:
    """What stores the files of a backup into `folder`, or into the copies outside the project. None where
    the policy takes no files; what keeps it from taking them is told by the backup.
    """
    policy = project.policy.backup.files
    if not policy.takes_any:
        return None
    source = project.files
    if source is None:
        return _without(_NO_STORAGE)
    outside = [folder] if folder else list(project.copies)
    stores = outside if folder or not policy.copies else _named(outside, policy.copies)
    if unknown := set(policy.copies) - {store.name for store in project.copies}:
        return _without(_no_copy_named(min(unknown)))
    if not stores:
        return _without(_NO_COPY)
    return StoreFiles(
        source=source,
        stores=[LeasedObjectStore(store, progress) for store in stores],
        policy=policy,
        project=project.ref,
        encoding=Encoding.of_policy(project.policy),
        max_object_bytes=project.max_object_bytes,
        deadline=FilesTime(progress, time),
        clock=project.clock,
        read_back=project.policy.storage.read_back,
    )


def holders_of_files(project: Project) -> frozenset[str]:
    """The names of the copies that the policy has files stored in."""
    policy = project.policy.backup.files
    if not policy.takes_any:
        return frozenset()
    names = {store.name for store in project.copies}
    return frozenset(names & set(policy.copies) if policy.copies else names)


_NO_STORAGE = Problem(
    message="The files are not in this backup: Storage is reached through the project's URL",
    hint="Set NEXT_PUBLIC_SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY beside SUPABASE_DB_URL.",
)
_NO_COPY = Problem(
    message="The files are not in this backup: there is no copy outside the project",
    hint="Set MIRROR_S3_BUCKET or add a [[copy]] entry: files are never copied into the project's own Storage. "
    "From a shell, --to names a folder.",
)


def _no_copy_named(name: str) -> Problem:
    return Problem(
        message=f"The files are not in this backup: there is no copy named {name}",
        hint="Correct copies of [backup.files] in supakeep.toml.",
    )


def _named(stores: Sequence[ObjectStore], names: Sequence[str]) -> list[ObjectStore]:
    return [store for store in stores if store.name in names]


def _without(problem: Problem) -> FilesOfBackup:
    def tell(_: BackupName, __: BackupUpload) -> BackedUpFiles:
        return BackedUpFiles(problems=(problem,))

    return tell
