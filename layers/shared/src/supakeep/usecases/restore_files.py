"""Restore files of a backup into the project's Storage."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from supakeep.archive.file_tree import file_of
from supakeep.archive.reader import BackupReader
from supakeep.domain.file_choice import FileChoice
from supakeep.domain.project_file import Bucket
from supakeep.domain.restored_files import RefusedFile, RestoredFiles
from supakeep.errors import (
    BucketNotFoundError,
    IntegrityError,
    StorageError,
    SupakeepError,
)
from supakeep.ports import Deadline, ProjectFiles
from supakeep.system import refused_by_machine
from supakeep.usecases.file_comparison import Difference, FileComparison
from supakeep.usecases.file_contents import FileContents, why_missing
from supakeep.usecases.in_parallel import AT_ONCE, in_parallel
from supakeep.usecases.read_file_tree import read_file_tree

log = logging.getLogger(__name__)

_MOST_PATHS = 100
# so large are the files of which only one is written at a time
_LARGE_BYTES = 8 * 1024 * 1024
# after so many files in a row that Storage did not take, the others are not tried
_MOST_SILENT = 20


@dataclass
class _Tally:
    refused: int = 0
    examples: list[RefusedFile] = field(default_factory=list)
    silent: int = 0

    def refuse(self, path: str, reason: str) -> None:
        self.refused += 1
        if len(self.examples) < _MOST_PATHS:
            self.examples.append(RefusedFile(path=path, reason=reason))


@dataclass(frozen=True)
class RestoreFiles:
    """Writes what is missing or different in `target`. Nothing is deleted. A file whose object is damaged
    or missing is read from the next copy of `reader`; one that no copy has right is named. Unless it
    `overwrites`, a file that differs stays and is named.
    """

    target: ProjectFiles
    reader: BackupReader
    deadline: Deadline
    overwrites: bool = True

    def __call__(self, choice: FileChoice, *, dry_run: bool) -> RestoredFiles:
        """Raises as `read_file_tree` does, and what the target says of all its files."""
        tally = _Tally()
        with FileComparison() as comparison:
            buckets = self._compare(comparison, choice)
            if not self.overwrites:
                for fields in comparison.fields("changed"):
                    tally.refuse(file_of(fields).path, "another file of this name is there")
            if not dry_run:
                for bucket in buckets:
                    self.target.make_bucket(bucket)
                self._write(comparison, tally)
            else:
                self._without_object(comparison, tally)
            return _report(comparison, buckets, tally)

    def _compare(self, comparison: FileComparison, choice: FileChoice) -> list[Bucket]:
        """Returns the buckets that have to be made."""
        named, needed = [], set()
        for entry in read_file_tree(self.reader, self.deadline):
            if isinstance(entry, Bucket):
                named.append(entry)
            elif choice.takes(f"{entry['bucket']}/{entry['name']}"):
                needed.add(entry["bucket"])
                comparison.keep(file_of(entry), entry)
        live = {bucket.id for bucket in self._live_buckets()}
        for bucket in sorted(live & set(choice.may_be_in([bucket.id for bucket in named]))):
            for file in self.target.files(bucket):
                self.deadline.check()
                if choice.takes(file.path):
                    comparison.see(file)
        wanted = [b for b in named if b.id in needed or choice.takes_bucket(b.id)]
        return [bucket for bucket in wanted if bucket.id not in live]

    def _live_buckets(self) -> list[Bucket]:
        try:
            return self.target.buckets()
        except BucketNotFoundError:
            return []

    def _without_object(self, comparison: FileComparison, tally: _Tally) -> None:
        for fields in self._to_write(comparison):
            if "key" not in fields:
                tally.refuse(file_of(fields).path, why_missing(fields))

    def _write(self, comparison: FileComparison, tally: _Tally) -> None:
        """Small ones come first, several at a time."""
        small = (f for f in self._to_write(comparison) if _is_small(f))
        large = (f for f in self._to_write(comparison) if not _is_small(f))
        for files, at_once in ((small, AT_ONCE), (large, 1)):
            for fields, error in in_parallel(self._problem_of, files, at_once):
                if error is None:
                    tally.silent = 0
                    continue
                tally.refuse(file_of(fields).path, error.message)
                tally.silent += 1 if error.retryable else 0
                if tally.silent == _MOST_SILENT:
                    raise error

    def _to_write(self, comparison: FileComparison) -> Iterator[dict[str, Any]]:
        yield from comparison.fields("missing")
        if self.overwrites:
            yield from comparison.fields("changed")

    def _problem_of(self, fields: dict[str, Any]) -> tuple[dict[str, Any], SupakeepError | None]:
        """In a thread of its own: what kept the file from being written."""
        self.deadline.check()
        try:
            self._write_file(fields)
        except (StorageError, IntegrityError) as exc:
            error: SupakeepError = exc
        except OSError as exc:
            error = refused_by_machine(exc)
        else:
            return fields, None
        log.warning("A file was not restored: %s", error.message, exc_info=error)
        return fields, error

    def _write_file(self, fields: dict[str, Any]) -> None:
        with FileContents(self.reader, self.deadline).open(fields) as content:
            self.deadline.check()
            self.target.write(file_of(fields), content)


def _is_small(fields: dict[str, Any]) -> bool:
    size = fields.get("size")
    return size is not None and size <= _LARGE_BYTES


def _report(comparison: FileComparison, buckets: Sequence[Bucket], tally: _Tally) -> RestoredFiles:
    def paths(difference: Difference) -> tuple[str, ...]:
        return tuple(comparison.paths(difference, _MOST_PATHS))

    missing, changed = comparison.count("missing"), comparison.count("changed")
    unchanged = comparison.count("unchanged")
    return RestoredFiles(
        in_backup=missing + changed + unchanged,
        missing=missing,
        changed=changed,
        unchanged=unchanged,
        added=comparison.count("added"),
        refused=tally.refused,
        bytes=comparison.bytes("missing") + comparison.bytes("changed"),
        missing_paths=paths("missing"),
        changed_paths=paths("changed"),
        added_paths=paths("added"),
        refused_files=tuple(tally.examples),
        buckets=tuple(bucket.id for bucket in buckets),
    )
