"""Remove stored files that no backup names any more."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from supakeep.domain.backup_name import BackupName, ObjectName
from supakeep.domain.file_key import FileKey, file_prefixes
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.run import problem_of
from supakeep.domain.swept_files import SweptFiles
from supakeep.errors import ChecksumError, ObjectLockedError, StorageError
from supakeep.ports import Clock, Deadline, ObjectStore, StoredObject
from supakeep.usecases.doomed_files import DoomedFiles
from supakeep.usecases.named_files import NamedFiles
from supakeep.usecases.store_contents import StoreContents, objects_by_backup

log = logging.getLogger(__name__)

GRACE = dt.timedelta(days=2)
"""So old is a file at least that goes: a run at work may have stored younger ones, and names them last."""

# as many go with one request at S3 and at Supabase
_BATCH = 1000
_AT_WORK = "a backup is being made"


@dataclass(frozen=True)
class SweepFiles:
    """Mark and sweep. `is_at_work` asks whether a backup is being made, which may be about to name files
    that no backup names now. It is asked before each batch, and so must cost little.
    """

    project: str
    clock: Clock
    deadline: Deadline
    is_at_work: Callable[[], bool] = lambda: False

    def __call__(
        self,
        contents: Sequence[StoreContents],
        beside: Sequence[StoreContents],
        removed: Mapping[str, frozenset[BackupName]],
        *,
        dry_run: bool,
    ) -> dict[str, SweptFiles]:
        """Sweeps the stores of `contents`, by their names. What any backup of these stores and those
        `beside` names is kept in all of them: a copy may hold the files of a backup whose manifest it
        has no more. `removed` are the backups that the prune has taken from each store.

        Nothing is removed where a store could not be listed, or the list of a backup not be read.
        """
        known = [*contents, *beside]
        if not any(manifest.files for found in known for manifest in found.manifests):
            return {}
        if self.is_at_work():
            return _all(contents, SweptFiles(waits=_AT_WORK))
        if (unsure := _unsure(known, removed)) is not None:
            return _all(contents, unsure)
        with NamedFiles() as named:
            try:
                for manifest in _kept(known, removed):
                    named.add(manifest, _files_first(known, manifest), self.deadline)
            except (StorageError, ChecksumError) as exc:
                log.warning("No files were removed: %s", exc.message, exc_info=True)
                return _all(contents, SweptFiles(problem=_unread(exc)))
            return {
                found.store.name: self._sweep(found, named, known, dry_run=dry_run)
                for found in contents
            }

    def _sweep(
        self,
        found: StoreContents,
        named: NamedFiles,
        known: Sequence[StoreContents],
        *,
        dry_run: bool,
    ) -> SweptFiles:
        tally = _Tally()
        try:
            with DoomedFiles() as doomed:
                doomed.add(self._doomed(found.store, named, tally))
                files, size_bytes = doomed.total()
                if dry_run:
                    tally.gone(files, size_bytes)
                elif files:
                    self._remove(found.store, doomed, known, tally)
                tally.kept += files - tally.removed
        except StorageError as exc:
            log.warning("Files in %s were not swept", found.store.name, exc_info=True)
            tally.failure = exc
        return tally.report()

    def _doomed(
        self, store: ObjectStore, named: NamedFiles, tally: _Tally
    ) -> Iterator[StoredObject]:
        """Those that go; the others are counted as kept."""
        youngest = self.clock.now() - GRACE
        for prefix in file_prefixes(self.project):
            self.deadline.check()
            for stored in store.list(prefix):
                if FileKey.parse(stored.key) is None:
                    continue  # not one of ours
                if stored.key in named or stored.modified_at > youngest:
                    tally.kept += 1
                else:
                    yield stored

    def _remove(
        self,
        store: ObjectStore,
        doomed: DoomedFiles,
        known: Sequence[StoreContents],
        tally: _Tally,
    ) -> None:
        """In batches, as long as no backup begins that may find one of them, and name it."""
        if _has_new(known, self.project):
            tally.waits = "a backup was made meanwhile"
            return
        for batch in doomed.batches(_BATCH):
            self.deadline.check()
            if self.is_at_work():
                tally.waits = _AT_WORK
                return
            tally.after(batch, store.delete_all([*batch]))
            if tally.failure is not None:
                return


@dataclass
class _Tally:
    """What became of the files of one store."""

    removed: int = 0
    removed_bytes: int = 0
    kept: int = 0
    waits: str | None = None
    failure: StorageError | None = None

    def gone(self, files: int, size_bytes: int) -> None:
        self.removed += files
        self.removed_bytes += size_bytes

    def after(self, batch: Mapping[str, int], left: Mapping[str, StorageError]) -> None:
        """`batch` are the sizes of objects that were to go, and `left` why some of them are still there."""
        sizes = [size for key, size in batch.items() if key not in left]
        self.gone(len(sizes), sum(sizes))
        failures = (error for error in left.values() if not isinstance(error, ObjectLockedError))
        self.failure = next(failures, None)

    def report(self) -> SweptFiles:
        return SweptFiles(
            removed=self.removed,
            removed_bytes=self.removed_bytes,
            kept=self.kept,
            waits=self.waits,
            problem=problem_of(self.failure) if self.failure else None,
        )


def _all(contents: Sequence[StoreContents], swept: SweptFiles) -> dict[str, SweptFiles]:
    return {found.store.name: swept for found in contents}


def _unsure(
    known: Sequence[StoreContents], removed: Mapping[str, frozenset[BackupName]]
) -> SweptFiles | None:
    """Why it is not known which files are named."""
    for found in known:
        if found.problem is not None:
            return SweptFiles(waits=f"{found.store.name} could not be listed")
        believed = {manifest.name for manifest in found.manifests}
        gone = removed.get(found.store.name, frozenset())
        for name, objects in found.objects.items():
            if name not in believed and name not in gone and _has_lists(objects):
                return SweptFiles(
                    waits=f"the manifest of {name} cannot be used, or is not there yet"
                )
    return None


def _has_lists(objects: Iterable[StoredObject]) -> bool:
    parsed = (ObjectName.parse(stored.key) for stored in objects)
    return any(each is not None and each.is_files for each in parsed)


def _kept(
    known: Sequence[StoreContents], removed: Mapping[str, frozenset[BackupName]]
) -> Iterable[Manifest]:
    by_name = {
        manifest.name: manifest
        for found in known
        for manifest in found.manifests
        if manifest.files and manifest.name not in removed.get(found.store.name, frozenset())
    }
    return by_name.values()


def _files_first(known: Sequence[StoreContents], manifest: Manifest) -> list[ObjectStore]:
    """The stores to read the lists from: the copies that have the files are nearer than Storage."""
    copies = manifest.files.copies if manifest.files else ()
    return sorted((found.store for found in known), key=lambda store: store.name not in copies)


def _has_new(known: Sequence[StoreContents], project: str) -> bool:
    """Whether there is a backup that was not there when the stores were looked into."""
    names = {name for found in known for name in found.objects}
    return any(objects_by_backup(found.store, project).keys() - names for found in known)


def _unread(error: StorageError | ChecksumError) -> Problem:
    return Problem(
        message=f"No file was removed, because it is not known which ones backups need: {error.message}",
        hint=error.hint,
    )
