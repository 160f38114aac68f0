"""Download files of a backup into a folder, under their own names."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO

from supakeep.archive.file_tree import file_of
from supakeep.archive.reader import BackupReader
from supakeep.domain.downloaded_files import DownloadedFiles
from supakeep.domain.file_choice import FileChoice
from supakeep.domain.file_key import FileKey
from supakeep.domain.restored_files import RefusedFile
from supakeep.errors import IntegrityError, ObjectAlreadyExistsError, StorageError, SupakeepError
from supakeep.ports import Deadline, FileFolder, Transfers
from supakeep.system import NO_ROOM, refused_by_machine
from supakeep.usecases.file_contents import FileContents
from supakeep.usecases.in_parallel import AT_ONCE, in_parallel
from supakeep.usecases.read_file_tree import read_file_tree

log = logging.getLogger(__name__)

_MOST_PATHS = 100
# so large are the files of which only one lies in the temporary folder at a time
_LARGE_BYTES = 8 * 1024 * 1024
# after so many files in a row that no store gave for the time being, the others are not asked for
_MOST_SILENT = 20


@dataclass(frozen=True)
class _Outcome:
    """What became of a file: it was written, was there already (None bytes), or the error."""

    path: str
    bytes: int | None = None
    error: SupakeepError | None = None


@dataclass
class _Tally:
    written: int = 0
    already_there: int = 0
    refused: int = 0
    bytes: int = 0
    examples: list[RefusedFile] = field(default_factory=list)
    silent: int = 0

    def add(self, outcome: _Outcome) -> None:
        if outcome.error is not None:
            self._refuse(outcome.path, outcome.error)
            return
        self.silent = 0
        if outcome.bytes is None:
            self.already_there += 1
        else:
            self.written += 1
            self.bytes += outcome.bytes

    def _refuse(self, path: str, error: SupakeepError) -> None:
        self.refused += 1
        if len(self.examples) < _MOST_PATHS:
            self.examples.append(RefusedFile(path=path, reason=error.message))
        self.silent += 1 if error.retryable else 0
        if self.silent == _MOST_SILENT or _is_full(error):
            raise error


@dataclass(frozen=True)
class DownloadFiles:
    """Writes each file to `<bucket>/<name>` in `target`, and overwrites none. What is encrypted is in the
    clear there.
    """

    target: FileFolder
    reader: BackupReader
    deadline: Deadline
    transfers: Transfers

    def __call__(self, choice: FileChoice) -> DownloadedFiles:
        """A file that no copy has right, or that cannot be written, is named, and the others go on. Raises as
        `read_file_tree` does, UnsafeOperationError for a folder that holds backups, and what the machine or
        the stores say of all files.
        """
        self.target.require_no_backups()
        tally = _Tally()
        for is_small, at_once in ((True, AT_ONCE), (False, 1)):
            files = self._chosen(choice, is_small=is_small)
            for outcome in in_parallel(self._outcome, files, at_once):
                tally.add(outcome)
                self.transfers.moved("files", tally.bytes, "running")
        self.transfers.moved("files", tally.bytes, "complete")
        return DownloadedFiles(
            backup=self.reader.manifest.backup,
            to=self.target.name,
            in_backup=tally.written + tally.already_there + tally.refused,
            written=tally.written,
            already_there=tally.already_there,
            refused=tally.refused,
            bytes=tally.bytes,
            refused_files=tuple(tally.examples),
            warnings=(*self.reader.passed_over, *self.reader.notices),
        )

    def _chosen(self, choice: FileChoice, *, is_small: bool) -> Iterator[dict[str, Any]]:
        for entry in read_file_tree(self.reader, self.deadline):
            if isinstance(entry, dict) and choice.takes(f"{entry['bucket']}/{entry['name']}"):
                size = entry.get("size")
                if is_small == (size is not None and size <= _LARGE_BYTES):
                    yield entry

    def _outcome(self, fields: dict[str, Any]) -> _Outcome:
        """In a thread of its own."""
        self.deadline.check()
        path = file_of(fields).path
        try:
            return _Outcome(path, bytes=self._download(path, fields))
        except (StorageError, IntegrityError) as exc:
            error: SupakeepError = exc
        except OSError as exc:
            error = refused_by_machine(exc)
        log.warning("A file was not downloaded: %s", error.message, exc_info=error)
        return _Outcome(path, error=error)

    def _download(self, path: str, fields: dict[str, Any]) -> int | None:
        """The bytes that were written; None where the file is there as it was."""
        key = FileKey.parse(fields.get("key", ""))
        there = self.target.sha256(path)
        if there is not None and key is not None and not key.encoding and there == key.sha256:
            return None
        with FileContents(self.reader, self.deadline).open(fields) as content:
            size = content.seek(0, 2)
            content.seek(0)
            try:
                self.target.put(path, content)
            except ObjectAlreadyExistsError as exc:
                if self.target.sha256(path) != _sha256(content):
                    raise _is_another(path) from exc
                return None
            return size


def _sha256(content: BinaryIO) -> str:
    content.seek(0)
    digest = hashlib.sha256()
    for piece in iter(partial(content.read, 1024 * 1024), b""):
        digest.update(piece)
    return digest.hexdigest()


def _is_another(path: str) -> StorageError:
    return StorageError(
        "Another file of this name is there, and stays",
        operation="download",
        key=path,
        hint="Name an empty folder after --to.",
    )


def _is_full(error: SupakeepError) -> bool:
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in NO_ROOM
