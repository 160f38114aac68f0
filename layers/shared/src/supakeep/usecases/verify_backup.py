"""Verify a backup: every byte, every checksum, every row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from supakeep.archive.layout import split_rows
from supakeep.archive.reader import BackupReader
from supakeep.archive.stored_object import Failure
from supakeep.domain.copy_versions import is_same_backup
from supakeep.domain.json_text import is_json_object
from supakeep.domain.manifest import (
    Manifest,
    Part,
    TableEntry,
    TableStatus,
)
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.run import problem_of
from supakeep.domain.verification import VerificationReport, VerifiedContents, VerifiedCopy
from supakeep.errors import (
    BackupNotFoundError,
    IntegrityError,
    ObjectNotFoundError,
    StorageError,
)
from supakeep.ports import Deadline, ObjectStore, Progress
from supakeep.usecases.stored_manifests import read_manifest
from supakeep.usecases.verify_files import VerifiedFiles, VerifyFiles

_NO_MANIFEST = "its manifest is missing"
_ANOTHER_BACKUP = "its manifest describes another backup of this name"
_COPY_HINT = "`supakeep copy` with the backup's name gives this store what it lacks."
_COMPARE_HINT = "Look which of them is yours before you use one: docs/copies.md says how."


@dataclass(frozen=True)
class VerifyBackup:
    """Reads every copy of a backup from end to end; no database is needed. `deep` requires that rows
    are read too, which an encrypted backup allows only to who has its identity. `files` verifies those of
    Storage. A restore parses every row anyway, so what comes before one need not (`parses_rows`).
    """

    deadline: Deadline
    progress: Progress
    deep: bool = False
    files: VerifyFiles | None = None
    parses_rows: bool = True

    def __call__(self, reader: BackupReader) -> VerificationReport:
        """Raises ChecksumError, naming the object, at the first thing that no copy has right, and
        DecryptionError for a `deep` verification without an identity.
        """
        manifest, contents_read = reader.manifest, reader.decoder.is_open
        if self.deep:
            reader.decoder.require_identity()
        wrong = self._what_is_wrong(reader)
        files = self.files(reader) if self.files else None
        for store, problems in files.problems.items() if files else ():
            wrong[store] += problems
        complete = [entry for entry in manifest.tables if entry.status is TableStatus.COMPLETE]
        readable = complete if contents_read else []
        for entry in readable:
            self._verify_rows(reader, entry)
        contents = VerifiedContents(
            objects=len(reader.objects),
            bytes=sum(stored.bytes for stored in reader.objects),
            tables={entry.name: entry.rows for entry in readable},
            contents_read=contents_read,
            files=files.objects if files else 0,
            files_read=bool(files and files.objects and self.files and self.files.deep),
        )
        return VerificationReport(
            backup=manifest.backup,
            copies=tuple(VerifiedCopy.of(store, contents, wrong[store]) for store in wrong),
            warnings=(*reader.passed_over, *reader.volume_notices, *_unlooked(files)),
            **dict(contents),
        )

    def _what_is_wrong(self, reader: BackupReader) -> dict[str, list[Problem]]:
        """For each store, what its copy lacks or has wrong; nothing for a good copy."""
        failures = reader.check_every_copy(self.deadline)
        return {
            store.name: _problems(store, reader, failures[store.name]) for store in reader.stores
        }

    def _verify_rows(self, reader: BackupReader, entry: TableEntry) -> None:
        self.progress.table(entry.name, 0, "running")
        rows = 0
        for part in entry.parts:
            for row_lines in self._rows_of(reader, part):
                rows += len(row_lines)
                self.progress.table(entry.name, rows, "running")
        if rows != entry.rows:
            raise reader.damaged(
                reader.manifest.name.manifest_key,
                f"{entry.name} has {rows:,} rows in the document "
                f"and {entry.rows:,} in the manifest",
            )
        self.progress.table(entry.name, rows, "complete")

    def _rows_of(self, reader: BackupReader, part: Part) -> Iterator[list[bytes]]:
        """The rows of a part, some at a time; each of them is a JSON object."""
        before = 0
        for rows in split_rows(reader.read_part(part)):
            self.deadline.check()
            if self.parses_rows:
                _require_objects(reader, part, rows, before)
            before += len(rows)
            yield rows


def _require_objects(reader: BackupReader, part: Part, rows: Sequence[bytes], before: int) -> None:
    """Raises ChecksumError for the first of the rows that is none; so many of the part came before."""
    for number, row in enumerate(rows, before + 1):
        if not is_json_object(row):
            key = reader.manifest.volumes[part.volume - 1].key
            raise reader.damaged(key, f"row {number} is not a JSON object")


def _unlooked(files: VerifiedFiles | None) -> list[str]:
    if files is None or not files.objects or files.problems:
        return []
    return [f"None of these stores has the {files.objects:,} files of the backup: copies have them"]


def _problems(
    store: ObjectStore, reader: BackupReader, failures: Mapping[str, Failure]
) -> list[Problem]:
    """What is wrong with the copy in this store, where `failures` are those of its volumes."""
    of_manifest = _problem_of_manifest(store, reader.stored_manifest)
    are_missing = len(failures) == len(reader.objects) and all(
        isinstance(failure.__cause__, ObjectNotFoundError) for failure in failures.values()
    )
    if of_manifest is not None and of_manifest.message == _NO_MANIFEST and are_missing:
        return [Problem(message="it has no copy of this backup", hint=_COPY_HINT)]
    of_volumes = [problem_of(failure) for failure in failures.values()]
    found = [*([of_manifest] if of_manifest else []), *of_volumes]
    # a store that refuses says the same of every object
    return list({problem.message: problem for problem in found}.values())


def _problem_of_manifest(store: ObjectStore, manifest: Manifest) -> Problem | None:
    """What is wrong with this store's manifest, which has to describe the same volumes and tables."""
    try:
        stored = read_manifest(store, manifest.name)
    except BackupNotFoundError:
        return Problem(message=_NO_MANIFEST, hint=_COPY_HINT)
    except (IntegrityError, StorageError) as exc:
        return problem_of(exc)
    if is_same_backup(stored, manifest):
        return None
    return Problem(message=_ANOTHER_BACKUP, hint=_COMPARE_HINT)
