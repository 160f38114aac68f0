"""Verify that the stores hold the files that a backup names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from supakeep.archive.reader import BackupReader
from supakeep.archive.stored_object import Failure
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.run import problem_of
from supakeep.errors import ChecksumError, StorageError
from supakeep.ports import Deadline, ObjectStore, StoredObject
from supakeep.usecases.file_objects import NamedObject, compared, damage_of, listed_objects
from supakeep.usecases.in_parallel import in_parallel

_FEW = 3
_HINT = (
    "`supakeep copy` brings it from a copy that has it right, and so does the next backup, also from the project. "
    "`supakeep restore --files` takes each file from a copy that has it right."
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
            except (StorageError, ChecksumError) as exc:
                problems[store.name] = [problem_of(exc)]
                continue
            if found.has_any or store.name in files.copies:
                problems[store.name] = found.problems
            objects = found.objects
        return VerifiedFiles(objects, problems)

    def _look(self, reader: BackupReader, store: ObjectStore) -> _Found:
        found = _Found()
        listed = _counted_on(found, listed_objects(store, reader.manifest.project, self.deadline))
        there = self._there(compared(reader, listed, self.deadline), found)
        if self.deep:
            for key, error in in_parallel(partial(self._damage, store), there):
                if error is not None:
                    found.wrong.add(f"{key}: {error.message}")
        else:
            for _ in there:
                pass
        return found

    def _there(self, objects: Iterator[NamedObject], found: _Found) -> Iterator[str]:
        """The keys that are listed in the right size."""
        for key, size, listed_bytes in objects:
            found.objects += 1
            if listed_bytes is None:
                found.missing.add(key)
            elif listed_bytes != size:
                found.wrong.add(f"{key} has {listed_bytes:,} bytes instead of {size:,}")
            else:
                yield key

    def _damage(self, store: ObjectStore, key: str) -> tuple[str, Failure | None]:
        return key, damage_of(store, key, self.deadline)


@dataclass
class _Keys:
    """How many objects, and the first few of them."""

    number: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        self.number += 1
        if len(self.examples) < _FEW:
            self.examples.append(text)

    def problems(self, what: str) -> list[Problem]:
        if not self.number:
            return []
        more = ", …" if self.number > _FEW else ""
        files = "file is" if self.number == 1 else "files are"
        message = f"{self.number:,} {files} {what}: {', '.join(self.examples)}{more}"
        return [Problem(message=message, hint=_HINT)]


@dataclass
class _Found:
    missing: _Keys = field(default_factory=_Keys)
    wrong: _Keys = field(default_factory=_Keys)
    objects: int = 0
    has_any: bool = False

    @property
    def problems(self) -> list[Problem]:
        return [*self.missing.problems("missing"), *self.wrong.problems("wrong")]


def _counted_on(found: _Found, listed: Iterator[StoredObject]) -> Iterator[StoredObject]:
    for stored in listed:
        found.has_any = True
        yield stored
