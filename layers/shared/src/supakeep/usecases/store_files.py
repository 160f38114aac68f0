"""Store the files of a project's Storage with a backup, in the copies outside the project."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from supakeep.archive.encoding import PLAIN, Encoding
from supakeep.archive.file_tree import bucket_line, file_line, key_line, tree_head
from supakeep.archive.upload import BackupUpload
from supakeep.archive.writer import VolumeWriter
from supakeep.domain.backed_up_files import MOST_BUCKETS, BackedUpFiles, BucketFiles
from supakeep.domain.backup_name import BackupName
from supakeep.domain.files_policy import FilesPolicy
from supakeep.domain.manifest_parts import Problem, VolumeEntry
from supakeep.domain.project_file import Bucket
from supakeep.domain.run import problem_of
from supakeep.errors import (
    BucketNotFoundError,
    ChecksumError,
    DeadlineExceededError,
    StorageError,
    SupakeepError,
)
from supakeep.ports import Clock, Deadline, ObjectStore, ProjectFiles
from supakeep.usecases.copy_files import CopiedFiles, CopyFiles
from supakeep.usecases.file_index import FileIndex
from supakeep.usecases.files_time import FilesTime
from supakeep.usecases.listed_files import newest_lists
from supakeep.usecases.stored_files import index_stored_files

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoreFiles:
    """`stores` get the files; none of them is the project's own Storage. `deadline` is that of the files:
    what does not fit is left for the next backup. `read_back` as in CopyFiles.
    """

    source: ProjectFiles
    stores: Sequence[ObjectStore]
    policy: FilesPolicy
    project: str
    encoding: Encoding
    max_object_bytes: int
    deadline: FilesTime
    clock: Clock
    read_back: bool = True

    def __call__(self, name: BackupName, upload: BackupUpload) -> BackedUpFiles:
        """What the backup `name` has of the files. Nothing that happens to files ends a backup; only what
        the stores say of its own objects is raised, and LeaseHeldError.
        """
        with FileIndex(len(self.stores)) as index:
            copied = CopiedFiles()
            try:
                buckets = self._list(index)
                self._copy(index, copied)
            except (StorageError, DeadlineExceededError) as exc:
                log.warning("The files were not backed up: %s", exc.message, exc_info=True)
                return BackedUpFiles(problems=(problem_of(exc),))
            return self._stored(index, buckets, copied, name, upload)

    def _list(self, index: FileIndex) -> list[Bucket]:
        buckets = [bucket for bucket in self.source.buckets() if self.policy.takes(bucket.id)]
        _require_named(self.policy, buckets)
        for bucket in buckets:
            for file in self.source.files(bucket.id):
                self.deadline.check()
                is_too_large = file.is_larger_than(self.policy.max_bytes)
                left_out = self.policy.too_large if is_too_large else None
                index.add(file, file.version_key(self.encoding.recipients), left_out)
        return buckets

    def _copy(self, index: FileIndex, copied: CopiedFiles) -> None:
        self._expect(index)
        copied.failures.update(self._index(index, dict(enumerate(self.stores)), self.deadline))
        CopyFiles(
            source=self.source,
            stores=self.stores,
            project=self.project,
            encoding=self.encoding,
            policy=self.policy,
            deadline=self.deadline,
            copied=copied,
            read_back=self.read_back,
        )(index)
        if copied.files:
            self._confirm(index, copied)

    def _expect(self, index: FileIndex) -> None:
        """The sizes that the newest lists tell: an object that is smaller now was cut short."""
        try:
            index.expect(newest_lists(self.stores, self.project, self.clock.now(), self.deadline))
        except (StorageError, ChecksumError):
            log.warning("No list of files could be read in the copies", exc_info=True)

    def _confirm(self, index: FileIndex, copied: CopiedFiles) -> None:
        """Only what the stores list now counts, whatever they answered to the uploads. The time that is
        kept for the end of the backup is for this too.
        """
        listed = {n: store for n, store in enumerate(self.stores) if n not in copied.failures}
        copied.failures.update(self._index(index, listed, self.deadline.work))

    def _index(
        self, index: FileIndex, stores: Mapping[int, ObjectStore], deadline: Deadline
    ) -> dict[int, SupakeepError]:
        is_encrypted = bool(self.encoding.recipients)
        return index_stored_files(index, stores, self.project, deadline, is_encrypted=is_encrypted)

    def _stored(
        self,
        index: FileIndex,
        buckets: Sequence[Bucket],
        copied: CopiedFiles,
        name: BackupName,
        upload: BackupUpload,
    ) -> BackedUpFiles:
        tree = self._write(
            upload, name.file_tree_key, self.encoding, self._tree(name, buckets, index)
        )
        lines = (key_line(key, size) for key, size in index.objects())
        keys = self._write(upload, name.file_keys_key, PLAIN, lines)
        stored, left = index.stored(), index.left()
        return BackedUpFiles(
            buckets=len(buckets),
            files=stored.files,
            bytes=stored.bytes,
            copied=copied.files,
            copied_bytes=copied.bytes,
            left=left.files,
            left_bytes=left.bytes,
            too_large=index.left_out().files,
            left_out=copied.gone,
            per_bucket=tuple(_per_bucket(buckets, index)),
            tree=tree,
            keys=keys,
            copies=tuple(store.name for store in self.stores),
            problems=tuple(self._problems(copied, left.files)),
        )

    def _tree(
        self, name: BackupName, buckets: Sequence[Bucket], index: FileIndex
    ) -> Iterator[bytes]:
        yield tree_head(name.text, self.project)
        yield from map(bucket_line, buckets)
        for fields, key, missing in index.files():
            yield file_line(fields, key, missing)

    def _write(
        self, upload: BackupUpload, key: str, encoding: Encoding, lines: Iterator[bytes]
    ) -> tuple[VolumeEntry, ...]:
        with VolumeWriter(upload, key, self.max_object_bytes, encoding) as volumes:
            for line in lines:
                volumes.write(line)
            return volumes.finish()

    def _problems(self, copied: CopiedFiles, left: int) -> Iterator[Problem]:
        """Names of files stay out of the manifest of an encrypted backup, which nobody encrypts."""
        for number, error in copied.failures.items():
            message = f"Files are missing in {self.stores[number].name}: {error.message}"
            yield Problem(message=message, hint=error.hint)
        if copied.error is not None:
            first = "" if self.encoding.recipients else f"; the first: {copied.error.message}"
            yield Problem(
                message=f"{_files(copied.failed)} could not be copied{first}",
                hint=copied.error.hint or "The log of the run names each of them.",
            )
        if copied.out_of_time is not None:
            message = f"{_files(left)} left for the next backup: {copied.out_of_time.message}"
            yield Problem(message=message, hint=copied.out_of_time.hint)
        if left and not (copied.failures or copied.error or copied.out_of_time):
            yield Problem(
                message=f"{_files(left)} not listed in full by every copy that took them",
                hint="Is there a proxy in between, or has somebody deleted them? The next backup stores them "
                "again.",
            )


def _per_bucket(buckets: Sequence[Bucket], index: FileIndex) -> list[BucketFiles]:
    """Also those without files."""
    counted = {bucket.id: BucketFiles(bucket=bucket.id) for bucket in buckets}
    for name, stored, left in index.buckets():
        counted[name] = BucketFiles(bucket=name, files=stored.files, bytes=stored.bytes, left=left)
    largest_first = sorted(counted.values(), key=lambda each: (-each.bytes, each.bucket))
    return largest_first[:MOST_BUCKETS]


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number:,} files"


def _require_named(policy: FilesPolicy, buckets: Sequence[Bucket]) -> None:
    """Raises BucketNotFoundError where a bucket is missing that the policy names without a pattern."""
    there = {bucket.id for bucket in buckets}
    for pattern in policy.buckets:
        if pattern not in there and not any(sign in pattern for sign in "*?["):
            raise BucketNotFoundError(
                f"There is no bucket {pattern} in the project's Storage",
                operation="list buckets",
                key=pattern,
                hint="Correct [backup.files] in supakeep.toml, or SUPABASE_SERVICE_ROLE_KEY: Storage hides "
                "buckets from every other key.",
            )
