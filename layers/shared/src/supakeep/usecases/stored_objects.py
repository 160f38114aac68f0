"""Which copies of a backup lie in their stores whole, as far as a listing shows."""

from __future__ import annotations

from dataclasses import dataclass

from supakeep.archive.reader import BackupReader
from supakeep.domain.backup_name import FOLDER
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.run import problem_of
from supakeep.errors import IntegrityError, StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.stored_manifests import check_sizes


@dataclass(frozen=True)
class StoredCopies:
    """`whole` are the stores that list every object in its full size, `absent` those without any of
    it (their retention may have removed it), `problems` what is wrong with the others.
    """

    whole: tuple[ObjectStore, ...]
    absent: tuple[str, ...]
    problems: tuple[Problem, ...]


def stored_copies(reader: BackupReader) -> StoredCopies:
    """Looks at every store of the reader; no object is read."""
    whole, absent, problems = list[ObjectStore](), list[str](), list[Problem]()
    for store in reader.stores:
        try:
            if _is_there(store, reader):
                whole.append(store)
            else:
                absent.append(store.name)
        except (IntegrityError, StorageError) as exc:
            problem = problem_of(exc)
            problems.append(Problem(message=f"{store.name}: {problem.message}", hint=problem.hint))
    return StoredCopies(tuple(whole), tuple(absent), tuple(problems))


def _is_there(store: ObjectStore, reader: BackupReader) -> bool:
    """False where there is nothing of the backup. Raises ChecksumError where something is missing."""
    manifest = reader.manifest
    sizes = {o.key: o.size_bytes for o in store.list(f"{FOLDER}/{manifest.name}")}
    own = {manifest.name.manifest_key, *(volume.key for volume in manifest.objects)}
    if own.isdisjoint(sizes):
        return False
    if manifest.name.manifest_key not in sizes:
        raise reader.damaged(manifest.name.manifest_key, "it is missing")
    check_sizes(manifest, sizes, read_from=store.name)
    return True
