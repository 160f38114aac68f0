"""Remove stored files that no backup names any more."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from supakeep.domain.backup_name import BackupName, ObjectName
from supakeep.domain.file_key import FileKey, file_prefixes
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.run import problem_of
from supakeep.domain.swept_files import SweptFiles
from supakeep.errors import ChecksumError, ObjectLockedError, StorageError
from supakeep.ports import Clock, Deadline, ObjectStore, StoredObject
from supakeep.usecases.named_files import NamedFiles
from supakeep.usecases.store_contents import StoreContents, objects_by_backup

log = logging.getLogger(__name__)

GRACE = dt.timedelta(days=2)
"""So old is a file at least that goes: a run at work may have stored younger ones, and names them last."""

_BATCH = 1000


@dataclass(frozen=True)
class SweepFiles:
    """Mark and sweep. `is_at_work` is whether a backup is being made: it may be about to name files that
    no backup names now.
    """

    project: str
    clock: Clock
    deadline: Deadline
    is_at_work: bool = False

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
        if self.is_at_work:
            return _all(contents, SweptFiles(waits="a backup is being made"))
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
        try:
            kept, doomed = self._look(found.store, named)
            if doomed and not dry_run and _has_new(known, self.project):
                return SweptFiles(waits="a backup was made meanwhile")
            left = {} if dry_run else self._remove(found.store, [each.key for each in doomed])
        except StorageError as exc:
            log.warning("Files in %s were not swept", found.store.name, exc_info=True)
            return SweptFiles(problem=problem_of(exc))
        gone = [each for each in doomed if each.key not in left]
        failures = (error for error in left.values() if not isinstance(error, ObjectLockedError))
        return SweptFiles(
            removed=len(gone),
            removed_bytes=sum(each.size_bytes for each in gone),
            kept=kept + len(left),
            problem=next(map(problem_of, failures), None),
        )

    def _look(self, store: ObjectStore, named: NamedFiles) -> tuple[int, list[StoredObject]]:
        """How many stay, and those that go."""
        kept, doomed, youngest = 0, [], self.clock.now() - GRACE
        for prefix in file_prefixes(self.project):
            self.deadline.check()
            for stored in store.list(prefix):
                if FileKey.parse(stored.key) is None:
                    continue  # not one of ours
                if stored.key in named or stored.modified_at > youngest:
                    kept += 1
                else:
                    doomed.append(stored)
        return kept, doomed

    def _remove(self, store: ObjectStore, keys: Sequence[str]) -> dict[str, StorageError]:
        left: dict[str, StorageError] = {}
        for start in range(0, len(keys), _BATCH):
            self.deadline.check()
            left |= store.delete_all(keys[start : start + _BATCH])
            if any(not isinstance(error, ObjectLockedError) for error in left.values()):
                break
        return left


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
