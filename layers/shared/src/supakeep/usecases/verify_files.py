"""Verify that the stores hold the files that a backup names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from supakeep.archive.damage import damaged
from supakeep.archive.file_tree import Lines, key_and_size
from supakeep.archive.reader import BackupReader
from supakeep.domain.file_key import FileKey, file_prefixes
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.run import problem_of
from supakeep.errors import ChecksumError, StorageError
from supakeep.ports import Deadline, ObjectStore, StoredObject
from supakeep.usecases.in_parallel import in_parallel

_FEW = 3
_HINT = (
    "Files that are still in the project are stored again by the next backup. `supakeep restore --files` takes "
    "each one from a copy that has it right."
)


@dataclass(frozen=True)
class VerifiedFiles:
    """How many objects the backup names, and what is wrong in which of the stores that were looked
    into, by their names; nothing in a good one.
    """

    objects: int
    problems: dict[str, list[Problem]]


@dataclass(frozen=True)
class VerifyFiles:
    """Compares listings with the backup's own list, and with `deep` reads every byte. A store that the
    backup does not say to have files, and that has none, is not looked into.
    """

    deadline: Deadline
    deep: bool = False

    def __call__(self, reader: BackupReader) -> VerifiedFiles | None:
        """None for a backup without files. The reader has checked the backup's own objects before."""
        files = reader.manifest.files
        if files is None or not files.keys:
            return None
        problems, objects = {}, 0
        for store in reader.stores:
            try:
                found = self._look(reader, store)
            except StorageError as exc:
                problems[store.name] = [problem_of(exc)]
                continue
            if found.has_any or store.name in files.copies:
                problems[store.name] = found.problems
            objects = found.objects
        return VerifiedFiles(objects, problems)

    def _look(self, reader: BackupReader, store: ObjectStore) -> _Found:
        found = _Found([], [])
        listed = self._listed(store, reader.manifest.project)
        there = self._there(reader, listed, found)
        if self.deep:
            for key, error in in_parallel(partial(self._damage, store), there):
                if error is not None:
                    found.wrong.append(f"{key}: {error.message}")
        else:
            for _ in there:
                pass
        return found

    def _there(
        self, reader: BackupReader, listed: Iterator[StoredObject], found: _Found
    ) -> Iterator[str]:
        """The keys that are listed in the right size. Both lists are in the order of keys, so that none of
        them is ever in memory.
        """
        stored = next(listed, None)
        for key, size in _named(reader):
            self.deadline.check()
            found.objects += 1
            while stored is not None and stored.key < key:
                found.has_any = True
                stored = next(listed, None)
            if stored is None or stored.key != key:
                found.missing.append(key)
                continue
            found.has_any = True
            if stored.size_bytes != size:
                found.wrong.append(f"{key} has {stored.size_bytes:,} bytes instead of {size:,}")
            else:
                yield key

    def _listed(self, store: ObjectStore, project: str) -> Iterator[StoredObject]:
        for prefix in file_prefixes(project):
            self.deadline.check()
            yield from store.list(prefix)

    def _damage(
        self, store: ObjectStore, key: str
    ) -> tuple[str, StorageError | ChecksumError | None]:
        digest, parsed = hashlib.sha256(), FileKey.parse(key)
        try:
            with store.read(key) as pieces:
                for piece in pieces:
                    self.deadline.check()
                    digest.update(piece)
        except StorageError as exc:
            return key, exc
        if parsed is None or digest.hexdigest() != parsed.sha256:
            return key, damaged(key, "its SHA-256 is not the one in its name")
        return key, None


@dataclass
class _Found:
    missing: list[str]
    wrong: list[str]
    objects: int = 0
    has_any: bool = False

    @property
    def problems(self) -> list[Problem]:
        texts = [
            *_counted("missing", self.missing),
            *_counted("wrong", self.wrong),
        ]
        return [Problem(message=text, hint=_HINT) for text in texts]


def _counted(what: str, examples: Sequence[str]) -> list[str]:
    if not examples:
        return []
    more = ", …" if len(examples) > _FEW else ""
    files = "file is" if len(examples) == 1 else "files are"
    return [f"{len(examples):,} {files} {what}: {', '.join(examples[:_FEW])}{more}"]


def _named(reader: BackupReader) -> Iterator[tuple[str, int]]:
    volumes = reader.manifest.files.keys if reader.manifest.files else ()
    pieces = (piece for volume in volumes for piece in reader.stored(volume.key))
    lines = Lines(reader.manifest.name.file_keys_key)
    for key, size in map(key_and_size, lines.of(pieces)):
        yield key, int(size)
